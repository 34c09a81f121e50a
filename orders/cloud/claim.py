"""The last moment before money is spent, and the time that is left for spending it."""

from __future__ import annotations

import time
from collections.abc import Callable

from .calls import Timeouts
from .exchange import Exchange, Phase


class Claim:
    """Asks the caller once, right before the first request byte. A refusal holds for everything after it."""

    def __init__(self, exchange: Exchange, before_first_byte: Callable[[], None]) -> None:
        self.refusal: BaseException | None = None
        self._exchange = exchange
        self._before_first_byte = before_first_byte

    def take(self, deadline: Deadline) -> None:
        self.uphold()
        if self._exchange.may_have_been_sent:
            return
        self._exchange.phase = Phase.CONNECTED
        deadline.left()  # too late to begin fails here, while it is still provably unsent
        try:
            self._before_first_byte()
        except BaseException as exc:
            self.refusal = exc
            raise
        self._exchange.claimed()

    def uphold(self) -> None:
        """httpcore forgives some errors of a write and goes on to read; a refusal is not to be forgiven."""
        if self.refusal is not None:
            raise self.refusal


class Deadline:
    """Runs from now. Every operation gets its own limit or what is left, whichever is less."""

    def __init__(self, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._ends = time.monotonic() + timeouts.total

    def left(self) -> float:
        seconds = self._ends - time.monotonic()
        if seconds <= 0:
            raise TimeoutError
        return seconds

    def connect(self) -> float:
        return min(self._timeouts.connect, self.left())

    def io(self) -> float:
        return min(self._timeouts.read, self.left())
