"""A warm interpreter with the portal loaded, its own database and a cloud of its own, in which jobs run by fork.

Starting an interpreter takes two seconds, forking one five milliseconds. `python -m tests.chaos.nursery` reads one job
a line and answers one line; `Nursery` is the other end. The portal inside is the real one on a real committed
database; only its messages go nowhere (`test_broker_chaos` is about them) and its pauses are short.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.chaos.forking import Stuck, fork
from tests.sandbox_process import AK, DOMAIN_ID, PROJECT_ID, ROOT, SK, USER, Sandbox, running_sandbox

MEMORY = Path("/dev/shm")
LIMIT = 900.0


class Nursery:
    """One world: a database, a sandbox cloud, and a process that runs jobs in children of its own."""

    def __init__(self, sandbox: Sandbox, database: str, env: dict[str, str]) -> None:
        self.sandbox = sandbox
        self.database = database
        self.env = env
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "tests.chaos.nursery"],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        self._read(60.0)

    def run(self, job: str, /, *, limit: float = LIMIT, **arguments: Any) -> Any:
        """Run `module:function` of this package in a child and give back what it returns. Raises AssertionError."""
        assert self._process.stdin is not None
        request = {"job": job, "arguments": arguments, "limit": limit}
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        self._process.stdin.flush()
        answer = json.loads(self._read(limit + 30.0))
        if answer["problem"]:
            raise AssertionError(f"{job}: {answer['problem']}")
        return answer["value"]

    def _read(self, limit: float) -> bytes:
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], limit)
        line = self._process.stdout.readline() if ready else b""
        if not line:
            self.close()
            raise Stuck(f"the nursery did not answer within {limit:.0f} s or has ended")
        return line

    def close(self) -> None:
        """End it and everything it has started."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=30)


@contextlib.contextmanager
def running_nursery(**env: str) -> Iterator[Nursery]:
    """An empty database of the run's engine, an empty cloud, people, and a process to run jobs in."""
    base = Path(tempfile.mkdtemp(prefix="chaos-", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
    try:
        with own_database(base) as url, running_sandbox(base / "cloud", SANDBOX_PROCESSING_SECONDS="0") as sandbox:
            nursery = Nursery(sandbox, url.partition(":")[0], environment(base, url, sandbox.url) | env)
            try:
                yield nursery
            finally:
                nursery.close()
    finally:
        shutil.rmtree(base, ignore_errors=True)


def environment(base: Path, database: str, cloud: str) -> dict[str, str]:
    """What a portal in `base` is configured by: nothing of this machine's own settings gets in."""
    ours = ("CLOUD_", "SANDBOX_", "COV_", "PYTEST_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "VAR_DIR": str(base),
        "HOME": str(base),
        "DATABASE_URL": database,
        "BROKER_URL": "memory://",
        "SECRET_KEY": "only-for-tests",
        "DEMO": "0",
        "LOG_LEVEL": "CRITICAL",
        "SANDBOX_URL": cloud,
        "SANDBOX_AK": AK,
        "SANDBOX_USER": USER,
        **{f"{service}_ENDPOINT": cloud for service in ("SCM", "PCA", "IAM", "BSS")},
        "CLOUD_SDK_AK": AK,
        "CLOUD_SDK_SK": SK,
        "CLOUD_IAM_USER": USER,
        "CLOUD_PROJECT_ID": PROJECT_ID,
        "CLOUD_DOMAIN_ID": DOMAIN_ID,
        "CLOUD_CONNECT_TIMEOUT": "1",
        "CLOUD_READ_TIMEOUT": "1",
        "CLOUD_DEADLINE": "3",
    }


@contextlib.contextmanager
def own_database(base: Path) -> Iterator[str]:
    """Where DATABASE_URL names a PostgreSQL server, a new database on it; else a file."""
    given = os.environ.get("DATABASE_URL", "")
    if not given.startswith("postgres"):
        path = base / "countersign.sqlite3"
        with contextlib.closing(sqlite3.connect(path)) as keeper:
            # Else each process, as the last one to leave, would fold the log into the file.
            keeper.execute("PRAGMA journal_mode=WAL").fetchone()
            yield f"sqlite:///{path}"
        return
    import psycopg

    name = f"chaos_{os.getpid()}_{time.monotonic_ns()}"
    with psycopg.connect(given, autocommit=True) as server:
        server.execute(f"CREATE DATABASE {name}".encode())
    try:
        yield f"{given.rpartition('/')[0]}/{name}"
    finally:
        with psycopg.connect(given, autocommit=True) as server:
            server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


# ---------------------------------------------------------------- the process itself


def main() -> None:
    answers = os.dup(1)
    os.dup2(2, 1)  # whatever else prints, prints elsewhere

    def say(answer: dict[str, Any]) -> None:
        os.write(answers, json.dumps(answer).encode() + b"\n")

    _prepare()
    say({"ready": True})
    for line in sys.stdin.buffer:
        request = json.loads(line)
        child = fork(lambda request=request: _call(request), name=request["job"])  # type: ignore[misc]
        try:
            end = child.wait(request["limit"])
        except Stuck as stuck:
            say({"problem": str(stuck), "value": None})
            continue
        say({"problem": end.error or (f"ended by signal {end.signal}" if end.signal else ""), "value": end.value})


def _prepare() -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections

    from tests.chaos import world

    call_command("migrate", verbosity=0)
    world.prepare()
    connections.close_all()
    gc.freeze()  # children share what nobody collects


def _call(request: dict[str, Any]) -> Any:
    module, _, function = request["job"].partition(":")
    return getattr(importlib.import_module(f"tests.chaos.{module}"), function)(**request["arguments"])


if __name__ == "__main__":
    main()
