"""Twenty-five disturbances of a real broker, real workers and a real beat, while orders are approved and bought."""

from __future__ import annotations

import os
import random
import signal
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.chaos.nursery import Nursery, running_nursery
from tests.chaos.stack import Stack, free_port, running_stack, until

QUICK = {"CLOUD_DEADLINE": "2", "SUBMIT_SOFT_LIMIT": "3", "SUBMIT_HARD_LIMIT": "4"}
"""Time limits in the order that the portal insists on."""
HOW_OFTEN = {
    "worker process killed": 6,
    "worker killed": 3,
    "worker ended while it works": 3,
    "broker flushed": 4,
    "broker down at approval": 3,
    "broker down at the message": 2,
    "two beats": 2,
    "message repeated": 2,
}


def run(seed: int, rounds: int = 1) -> dict[str, Any]:
    """Disturb, repair nothing by hand, and wait until nothing is open that the portal could still finish."""
    port = free_port()
    with (
        tempfile.TemporaryDirectory(prefix="stack-") as folder,
        running_nursery(BROKER_URL=f"redis://127.0.0.1:{port}/0", LOG_LEVEL="ERROR", **QUICK) as nursery,
        running_stack(Path(folder), nursery.env, port) as stack,
    ):
        return _Disturbing(nursery, stack, random.Random(seed)).run(rounds)


class _Disturbing:
    def __init__(self, nursery: Nursery, stack: Stack, rng: random.Random) -> None:
        self.nursery, self.stack, self.rng = nursery, stack, rng
        self.orders: list[int] = []
        self.kills = 0
        self.done: list[str] = []

    def run(self, rounds: int) -> dict[str, Any]:
        names = [name for name, count in HOW_OFTEN.items() for _ in range(count * rounds)]
        self.rng.shuffle(names)
        for name in names:
            disturb: Callable[[], None] = getattr(self, "_" + name.replace(" ", "_"))
            disturb()
            self.done.append(name)
            self._approve()
        self.nursery.sandbox.disarm()
        self._until(lambda: not self._open(), "every order is finished")
        ended: dict[str, Any] = self.nursery.run("broker:end", orders=self.orders)
        return ended | {"disturbances": len(names), "kills": self.kills}

    def _open(self) -> list[str]:
        found: list[str] = self.nursery.run("broker:look_again", orders=self.orders)
        return found

    def _until(self, true: Callable[[], object], what: str) -> None:
        try:
            until(true, what)
        except AssertionError as late:
            alive = [(each.name, each.running(), len(each.children())) for each in self.stack.processes()]
            state = f"open: {self._open()}, queued: {self.stack.queued()}, after: {self.done}, processes: {alive}"
            raise AssertionError(f"{late}\n{state}\n{self.stack.tails()}") from late

    def _approve(self) -> int:
        order_id = int(self.nursery.run("broker:approve", product=self.rng.choice(("certificate", "ca"))))
        self.orders.append(order_id)
        return order_id

    def _in_flight(self) -> None:
        """An order is bought, and the answer is on its way for a while."""
        before = len(self.nursery.sandbox.ledger())
        self.nursery.sandbox.fault("latency", seconds=0.6)
        self._approve()
        self._until(lambda: len(self.nursery.sandbox.ledger()) > before, "an order is bought")

    def _worker_process_killed(self) -> None:
        self._in_flight()
        for pid in self.stack.workers[-1].children():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.kills += 1

    def _worker_killed(self) -> None:
        self._in_flight()
        self.stack.workers[-1].kill()
        self.kills += 1
        self.stack.start_worker()

    def _worker_ended_while_it_works(self) -> None:
        self._in_flight()
        self.stack.workers[-1].terminate()
        self.stack.start_worker()

    def _broker_flushed(self) -> None:
        self._approve()
        self.stack.flush()

    def _broker_down_at_approval(self) -> None:
        self.stack.stop_broker()
        self._approve()
        self.stack.start_broker()

    def _broker_down_at_the_message(self) -> None:
        self._approve()
        self.stack.stop_broker()
        self.stack.start_broker()

    def _two_beats(self) -> None:
        second = self.stack.start_beat()
        for _ in range(3):
            self._approve()
        second.kill()

    def _message_repeated(self) -> None:
        self.nursery.run("broker:repeat", order_id=self._approve())
