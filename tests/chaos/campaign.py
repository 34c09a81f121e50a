"""Worker processes killed with SIGKILL at random moments, messages doubled, sweeper and reconciler in between.

Everything random comes from one seed; what the machine's scheduler makes of it does not. Each round has a cloud and
orders of its own, so that a round can be judged alone.
"""

from __future__ import annotations

import heapq
import random
import select
import signal
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db import connections
from django.db.models import Count

from orders import purchasing
from orders.models import Event, Order
from orders.states import Status
from tests.chaos import mutants, world
from tests.chaos.forking import PATIENCE, Child, End, Stuck, fork
from tests.chaos.judging import judge

ROUND = 200
"""Deliveries per round: a look-up reads every purchase of the last quarter of an hour."""
AT_ONCE = 4
DOOMED, DOUBLED, FAULTY = 0.35, 0.4, 0.5
LIFE = 0.08
"""Seconds within which a doomed process is killed: about as long as a purchase takes."""
FAULTS: tuple[dict[str, Any], ...] = (
    {"kind": "out-of-sale"},
    {"kind": "429"},
    {"kind": "401"},
    {"kind": "executed-then-reset"},
    {"kind": "executed-then-reset"},
    {"kind": "executed-then-close"},
    {"kind": "executed-then-504"},
    {"kind": "executed-then-truncated"},
    {"kind": "200-without-id"},
    {"kind": "invalid-json"},
    {"kind": "reset-before-execution"},
    {"kind": "500"},
    {"kind": "late-execution", "seconds": 0.2},
    {"kind": "late-visibility", "seconds": 0.2, "then": "executed-then-reset"},
    {"kind": "latency", "seconds": 0.1},
    {"kind": "executed-then-silent"},
)


@dataclass(slots=True)
class Tally:
    deliveries: int = 0
    kills: int = 0
    orders: int = 0
    placed: int = 0
    refused: int = 0
    unknown: int = 0
    found: int = 0
    open: int = 0
    purchases: int = 0
    doubles: int = 0
    wrong: list[str] = field(default_factory=list)

    def __iadd__(self, other: Tally) -> Tally:
        for name, value in asdict(other).items():
            setattr(self, name, getattr(self, name) + value)
        return self


def run(seed: int, deliveries: int, mutant: str = "", *, stop_at_first: bool = False) -> dict[str, Any]:
    """`deliveries` messages in rounds. `stop_at_first`: enough is known after the first wrong round."""
    mutants.plant(mutant)
    total = Tally()
    while total.deliveries < deliveries and not (stop_at_first and total.wrong):
        rng = random.Random(f"{seed}/{total.deliveries}")
        total += _Round(rng, min(ROUND, deliveries - total.deliveries)).run()
    return asdict(total)


class _Round:
    def __init__(self, rng: random.Random, deliveries: int) -> None:
        self.rng = rng
        self.tally = Tally(deliveries=deliveries)
        self.live: list[Child] = []
        self.doomed: list[tuple[float, int]] = []

    def run(self) -> Tally:
        world.empty_cloud()
        orders = self._orders(round(self.tally.deliveries * (1 - DOUBLED)))
        for order_id in self._messages(orders):
            self._make_room()
            if self.rng.random() < FAULTY:
                world.fault(**self.rng.choice(FAULTS))
            self._start(lambda order_id=order_id: purchasing.buy(order_id), "a worker")  # type: ignore[misc]
            self._housekeeping(orders)
        while self.live:
            self._make_room(0)
        _in_child(lambda: _repair(orders)).returned()
        self.tally += Tally(**_in_child(lambda: asdict(_count(orders))).returned())
        return self.tally

    def _orders(self, count: int) -> list[int]:
        start = int(_in_child(world.next_number).returned())
        kinds = [self.rng.choice(world.PRODUCTS) for _ in range(count)]

        def make(part: int) -> list[int]:
            return [
                world.approved_order(kind, start + index) for index, kind in enumerate(kinds) if index % 2 == part
            ]

        makers = [_child(lambda part=part: make(part), "a maker") for part in (0, 1)]  # type: ignore[misc]
        return [order_id for maker in makers for order_id in maker.wait().returned()]

    def _messages(self, orders: list[int]) -> list[int]:
        """Every order once and two in five twice, the second one soon after the first."""
        messages = list(orders)
        self.rng.shuffle(messages)
        while len(messages) < self.tally.deliveries:
            at = self.rng.randrange(len(messages))
            messages.insert(min(len(messages), at + self.rng.randint(1, 6)), messages[at])
        return messages

    def _start(self, work: Callable[[], object], name: str) -> None:
        child = _child(work, name)
        self.live.append(child)
        if self.rng.random() < DOOMED:
            heapq.heappush(self.doomed, (time.monotonic() + self.rng.uniform(0, LIFE), child.pid))

    def _housekeeping(self, orders: list[int]) -> None:
        """Sweepers that take the living for dead, reconcilers, and either of them killed as well."""
        if self.rng.random() < 0.15:
            self._start(world.sweep, "a sweeper")
        if self.rng.random() < 0.15:
            self._start(lambda chosen=self.rng.sample(orders, 3): _look_up(chosen), "a reconciler")  # type: ignore[misc]

    def _make_room(self, most: int = AT_ONCE - 1) -> None:
        """Wait until no more than `most` processes live, killing those whose moment has come."""
        until = time.monotonic() + PATIENCE
        while len(self.live) > most:
            if time.monotonic() > until:
                self._give_up()
            moment = self.doomed[0][0] if self.doomed else until
            pause = max(0.0, min(moment, until) - time.monotonic())
            ended, _, _ = select.select([child.pipe for child in self.live], [], [], pause)
            for child in [child for child in self.live if child.pipe in ended]:
                self._end(child)
            self._kill_due()

    def _kill_due(self) -> None:
        living = {child.pid: child for child in self.live}
        while self.doomed and self.doomed[0][0] <= time.monotonic():
            _, pid = heapq.heappop(self.doomed)
            if pid in living:
                living[pid].kill()

    def _end(self, child: Child) -> None:
        self.live.remove(child)
        end = child.wait()
        self.tally.kills += end.signal == signal.SIGKILL
        if end.error:
            self.tally.wrong.append(f"{child.name} failed: {end.error}")

    def _give_up(self) -> None:
        names = [child.name for child in self.live]
        for child in self.live:
            child.kill()
            child.wait()
        raise Stuck(f"still running after {PATIENCE:.0f} s: {names}")


def _child(work: Callable[[], object], name: str) -> Child:
    connections.close_all()
    return fork(work, name=name)


def _in_child(work: Callable[[], object]) -> End:
    return _child(work, "a step of the round").wait()


def _look_up(orders: list[int]) -> None:
    for order_id in orders:
        world.look_up(order_id)


def _repair(orders: list[int]) -> None:
    """The faults are over: sweep, look up and repeat messages until nothing but people can settle is left."""
    world.disarm()
    world.sweep()
    ours = Order.objects.filter(pk__in=orders)
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        for order_id in ours.filter(status=Status.APPROVED).values_list("pk", flat=True):
            purchasing.buy(order_id)
        for order_id in ours.filter(status=Status.UNCONFIRMED).values_list("pk", flat=True):
            world.look_up(order_id)
        if not _unfinished(ours):
            return


def _unfinished(ours: Any) -> list[str]:
    """Orders that the portal could still bring further without people."""
    bought = {row["body"] for row in world.ledger()}
    return [
        f"{order.reference} is still {order.status}"
        for order in ours.filter(status__in=(Status.APPROVED, Status.SUBMITTING, Status.UNCONFIRMED))
        if order.status != Status.UNCONFIRMED or order.content.body_text in bought
    ]


def _count(orders: list[int]) -> Tally:
    ours = Order.objects.filter(pk__in=orders).select_related("revision")
    ledger = world.ledger()
    counts = dict(ours.values_list("status").annotate(Count("pk")))
    events = Event.objects.filter(order__in=orders)
    bodies = [row["body"] for row in ledger]
    return Tally(
        orders=len(orders),
        placed=counts.get(Status.PLACED, 0),
        refused=counts.get(Status.FAILED, 0),
        open=counts.get(Status.UNCONFIRMED, 0),
        unknown=events.filter(kind="order.outcome_lost").count(),
        found=events.filter(kind="order.placed").exclude(data__found_by="answer").count(),
        purchases=len(ledger),
        doubles=len(bodies) - len(set(bodies)),
        wrong=judge(ours, ledger) + _unfinished(ours),
    )

