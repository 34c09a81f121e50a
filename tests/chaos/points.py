"""The named points of one submission at which its process can be killed. Wrapped in the child only."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import httpcore
from httpcore._backends import sync

from orders import purchasing
from orders.actions import submitting
from orders.cloud.exchange import Exchange

Plant = Callable[[], None]


def _die(*_: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _before(owner: Any, name: str, nth: int = 1) -> Plant:
    """Die when `owner.name` is called for the nth time."""
    return lambda: _wrap(owner, name, nth, before=True)


def _after(owner: Any, name: str, nth: int = 1) -> Plant:
    """Die when the nth call of `owner.name` returns."""
    return lambda: _wrap(owner, name, nth, before=False)


def _wrap(owner: Any, name: str, nth: int, *, before: bool) -> None:
    real, calls = getattr(owner, name), iter(range(1, 1_000_000))

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        this = next(calls)
        if before and this == nth:
            _die()
        value = real(*args, **kwargs)
        if this == nth:
            _die()
        return value

    setattr(owner, name, wrapper)


def _half(nth: int) -> Plant:
    """Die when half of the nth piece of the request has been handed to the kernel."""

    def plant() -> None:
        real, calls = sync.SyncStream.write, iter(range(1, 1_000_000))

        def write(self: Any, buffer: bytes, timeout: float | None = None) -> None:
            if next(calls) == nth:
                real(self, buffer[: len(buffer) // 2], timeout)
                _die()
            real(self, buffer, timeout)

        sync.SyncStream.write = write  # type: ignore[method-assign]

    return plant


POINTS: dict[str, Plant] = {
    "before check_may_send": _before(submitting, "check_may_send"),
    "before connecting": _before(purchasing, "send_once"),
    "after TCP connect": _after(httpcore.SyncBackend, "connect_tcp"),
    "in the claim, checked": _after(submitting, "check_may_send", 2),
    "in the claim, attempt written": _before(submitting, "move"),
    "in the claim, before commit": _after(submitting, "move"),
    "claim committed, before the mark": _before(submitting, "mark"),
    "after the mark": _after(submitting, "mark"),
    "before the first byte": _after(Exchange, "claimed"),
    "half of the headers sent": _half(1),
    "headers sent": _after(sync.SyncStream, "write", 1),
    "half of the body sent": _half(2),
    "body sent": _after(sync.SyncStream, "write", 2),
    "first bytes of the answer": _after(sync.SyncStream, "read"),
    "before the status is noted": _before(submitting, "note_answer"),
    "after the status is noted": _after(submitting, "note_answer"),
    "answer read": _before(purchasing, "verdict"),
    "before conclude": _before(submitting, "conclude"),
    "in conclude, before commit": _after(submitting, "move", 2),
    "after conclude": _after(submitting, "conclude"),
}
