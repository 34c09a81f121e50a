"""Child processes by fork: cheap, killable at any moment, awaited with a limit and always reaped."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PATIENCE = 60.0
"""Seconds after which a child counts as stuck. Never a measure of correctness."""


class Stuck(AssertionError):
    """A process did not end within its limit. It has been killed."""


@dataclass(frozen=True, slots=True)
class End:
    """How a child ended: with a value, with an exception, or by a signal."""

    value: Any = None
    error: str = ""
    signal: int = 0

    def returned(self) -> Any:
        """Its value. Raises AssertionError where it has none."""
        if self.signal:
            raise AssertionError(f"the child was ended by signal {self.signal}")
        if self.error:
            raise AssertionError(f"the child failed:\n{self.error}")
        return self.value


@dataclass(slots=True)
class Child:
    pid: int
    pipe: int
    name: str

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self, limit: float = PATIENCE) -> End:
        """Its end, read and reaped. Raises Stuck, and then it is killed and reaped too."""
        told, in_time = self._read(time.monotonic() + limit)
        if not in_time:
            self.kill()
        _, status = os.waitpid(self.pid, 0)
        os.close(self.pipe)
        if not in_time:
            raise Stuck(f"{self.name} did not end within {limit:.0f} s")
        if os.WIFSIGNALED(status):
            return End(signal=os.WTERMSIG(status))
        return End(**json.loads(told)) if told else End(error=f"{self.name} ended without a word ({status})")

    def _read(self, until: float) -> tuple[bytes, bool]:
        told = bytearray()
        while True:
            ready, _, _ = select.select([self.pipe], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                return bytes(told), False
            piece = os.read(self.pipe, 65536)
            if not piece:
                return bytes(told), True
            told += piece


def fork(work: Callable[[], object], *, name: str = "child", inside: Callable[[], None] = lambda: None) -> Child:
    """Run `work` in a child of its own; `inside` first. The caller has no open database connection and no threads."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write_end)
        return Child(pid, read_end, name)
    code = 1
    try:
        os.close(read_end)
        inside()
        told = json.dumps(_told(work)).encode()
        view = memoryview(told)
        while view:
            view = view[os.write(write_end, view) :]
        code = 0
    finally:
        os._exit(code)


def _told(work: Callable[[], object]) -> dict[str, Any]:
    try:
        return {"value": work()}
    except BaseException:  # noqa: BLE001 - the parent hears of everything
        return {"error": traceback.format_exc()}


class Hand:
    """A child that does one thing after another, as told, until it is killed or let go."""

    def __init__(self, do: Callable[[Any], object], name: str) -> None:
        ours, theirs = socket.socketpair()
        self.name = name
        self._child = fork(lambda: _serve(do, theirs), name=name, inside=ours.close)
        theirs.close()
        self._wire = ours.makefile("rwb", buffering=0)
        ours.close()

    def fileno(self) -> int:
        """Readable when what it was told is done, or when it is no more."""
        return self._wire.fileno()

    def tell(self, order: Any) -> None:
        with contextlib.suppress(BrokenPipeError):
            self._wire.write(json.dumps(order).encode() + b"\n")

    def hear(self, limit: float = PATIENCE) -> End:
        """What came of the last order. Raises Stuck, and then it is dead."""
        if not select.select([self], [], [], limit)[0]:
            self.kill()
            raise Stuck(f"{self.name} did not answer within {limit:.0f} s")
        with contextlib.suppress(ConnectionResetError):
            line = self._wire.readline()
            if line:
                return End(**json.loads(line))
        self._wire.close()
        return self._child.wait()

    def kill(self) -> None:
        self._child.kill()

    def dismiss(self) -> None:
        """Kill it, and reap it."""
        self.kill()
        self._wire.close()
        with contextlib.suppress(OSError):
            self._child.wait()


def _serve(do: Callable[[Any], object], wire: socket.socket) -> None:
    with wire, wire.makefile("rwb", buffering=0) as lines:
        for line in lines:
            lines.write(json.dumps(_told(lambda: do(json.loads(line)))).encode() + b"\n")  # noqa: B023
