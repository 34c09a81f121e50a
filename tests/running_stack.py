"""`make run` in a folder of its own, as a newcomer starts it."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = "/usr/bin/chromium"
PATIENCE = 60


class Stack:
    """Starts at once; `stop` is Ctrl-C."""

    def __init__(self, var: Path) -> None:
        var.mkdir(parents=True, exist_ok=True)
        self.port = _free_pair()
        self.address = f"http://127.0.0.1:{self.port}"
        self.log = var / "stack.log"
        started = time.monotonic()
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "portal.stack"],
                cwd=ROOT,
                env=_clean_environment() | {"PORT": str(self.port), "VAR_DIR": str(var)},
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._wait()
        self.ready_after = time.monotonic() - started

    def _wait(self) -> None:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and self.process.poll() is None:
            try:
                with urllib.request.urlopen(self.address + "/sign-in/", timeout=1):
                    return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"the stack did not start:\n{self.log.read_text()[-3000:]}")

    @property
    def sandbox(self) -> str:
        """Where the sandbox cloud listens, as the stack printed it."""
        line = next(line for line in self.log.read_text().splitlines() if "sandbox listening on" in line)
        return line.rpartition(" ")[2]

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=30)

    def processes(self) -> list[int]:
        """The launcher and everything below it."""
        found = [self.process.pid]
        for pid in found:
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                found += [int(child) for child in task.read_text().split()]
        return found


def _free_pair() -> int:
    """A port that is free and so is the next one, where the sandbox listens. Below those that the system gives away."""
    for port in random.sample(range(20_000, 30_000, 2), 100):
        with socket.socket() as first, socket.socket() as second, contextlib.suppress(OSError):
            first.bind(("127.0.0.1", port))
            second.bind(("127.0.0.1", port + 1))
            return port
    raise RuntimeError("no two free ports in a row")


def _clean_environment() -> dict[str, str]:
    """Without what the tests set for themselves."""
    ours = {"BROKER_URL", "SECRET_KEY", "DEMO", "LOG_LEVEL", "DATABASE_URL"}
    return {name: value for name, value in os.environ.items() if name not in ours}
