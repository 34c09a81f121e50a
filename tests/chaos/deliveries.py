"""One worker in a thread of its own that runs only while the simulation waits for it, and can die at any step."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections

from orders import purchasing
from tests.chaos.forking import PATIENCE, Stuck


class Killed(BaseException):
    """Nothing of the worker runs after this: as after SIGKILL, not even its last words."""


class Delivery:
    """One message on its way. Exactly one thread runs at any time: this one or the simulation."""

    def __init__(self, order_id: int) -> None:
        self.order_id = order_id
        self.at = ""
        """The step at which it is held; empty once it is over."""
        self.error: BaseException | None = None
        self._killed = False
        self._mine, self._theirs = threading.Semaphore(0), threading.Semaphore(0)
        connection = connections["default"]
        connection.inc_thread_sharing()
        self._thread = threading.Thread(target=self._run, args=(connection,), daemon=True)
        self._thread.start()
        self._wait()

    def step(self) -> bool:
        """Go on to the next step. False when there is none."""
        if self.at:
            self._mine.release()
            self._wait()
        return bool(self.at)

    def finish(self) -> None:
        while self.step():
            pass

    def kill(self) -> None:
        self._killed = True
        self.finish()

    def hold(self, step: str) -> None:
        """In its own thread: stay here until told to go on."""
        self.at = step
        self._theirs.release()
        self._mine.acquire()
        if self._killed:
            raise Killed

    def _wait(self) -> None:
        if not self._theirs.acquire(timeout=PATIENCE):
            raise Stuck(f"a delivery of order {self.order_id} hangs at {self.at or 'its start'}")

    def _run(self, connection: Any) -> None:
        connections["default"] = connection
        CURRENT.delivery = self
        try:
            purchasing.buy(self.order_id)
        except Killed:
            pass
        except BaseException as error:  # noqa: BLE001 - the simulation raises it
            self.error = error
        finally:
            self.at = ""
            self._theirs.release()


class _Current(threading.local):
    delivery: Delivery | None = None


CURRENT = _Current()


def hold(step: str) -> None:
    if CURRENT.delivery is not None:
        CURRENT.delivery.hold(step)


def mute_the_dead() -> None:
    """A killed process has no `except` clauses."""
    real: Callable[..., None] = purchasing._Submission._lose

    def lose(self: purchasing._Submission, error: str, exchange: object) -> None:
        if error != Killed.__name__:
            real(self, error, exchange)

    purchasing._Submission._lose = lose  # type: ignore[method-assign]
