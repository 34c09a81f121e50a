"""Worker processes killed with SIGKILL at random moments, messages doubled, sweeper and reconciler in between.

Everything random comes from one seed; what the machine's scheduler makes of it does not. Each round has a cloud and
orders of its own, so that a round can be judged alone.
"""

from __future__ import annotations

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
from tests.chaos.forking import PATIENCE, End, Hand, Stuck
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
    twice: int = 0
    wrong: list[str] = field(default_factory=list)

    def __iadd__(self, other: Tally) -> Tally:
        for name, value in asdict(other).items():
            setattr(self, name, getattr(self, name) + value)
        return self


def run(seed: int, deliveries: int, mutant: str = "") -> dict[str, Any]:
    """`deliveries` messages in rounds. With a planted bug, enough is known after the first wrong one."""
    mutants.plant(mutant)
    total = Tally()
    while total.deliveries < deliveries and not (mutant and total.wrong):
        rng = random.Random(f"{seed}/{total.deliveries}")
        total += _Round(rng, min(ROUND, deliveries - total.deliveries)).run()
    return asdict(total)


class _Round:
    def __init__(self, rng: random.Random, deliveries: int) -> None:
        self.rng = rng
        self.tally = Tally(deliveries=deliveries)
        self.idle: list[Hand] = []
        self.busy: list[Hand] = []
        self.doomed: list[tuple[float, int, Hand]] = []

    def run(self) -> Tally:
        connections.close_all()
        self._ask(["empty"])
        try:
            orders = self._orders(round(self.tally.deliveries * (1 - DOUBLED)))
            self._deliver(orders)
            self._ask(["repair", orders])
            self.tally += Tally(**self._ask(["count", orders]))
            self._ask(["put away", orders])
        finally:
            for hand in self.idle + self.busy:
                hand.dismiss()
        return self.tally

    def _orders(self, count: int) -> list[int]:
        start = self._ask(["next"])
        kinds = [(self.rng.choice(world.PRODUCTS), start + index) for index in range(count)]
        for part in (kinds[::2], kinds[1::2]):
            self._tell(["make", part])
        return [order_id for end in self._finish() for order_id in end.returned()]

    def _deliver(self, orders: list[int]) -> None:
        for order_id in self._messages(orders):
            if self.rng.random() < FAULTY:
                world.fault(**self.rng.choice(FAULTS))
            self._tell(["buy", order_id], mortal=True)
            if self.rng.random() < 0.15:
                self._tell(["sweep"], mortal=True)
            if self.rng.random() < 0.15:
                self._tell(["look_up", self.rng.sample(orders, min(3, len(orders)))], mortal=True)
        self._finish()

    def _messages(self, orders: list[int]) -> list[int]:
        """Every order once and two in five twice, the second one soon after the first."""
        messages = list(orders)
        self.rng.shuffle(messages)
        while len(messages) < self.tally.deliveries:
            at = self.rng.randrange(len(messages))
            messages.insert(min(len(messages), at + self.rng.randint(1, 6)), messages[at])
        return messages

    def _ask(self, order: list[Any]) -> Any:
        self._tell(order)
        return self._finish()[-1].returned()

    def _tell(self, order: list[Any], *, mortal: bool = False) -> None:
        """Give it to a process that is free, and perhaps plan the moment at which that process is killed."""
        if len(self.busy) == AT_ONCE:
            self._await_one()
        hand = self.idle.pop() if self.idle else Hand(_do, "a worker")
        hand.tell(order)
        self.busy.append(hand)
        if mortal and self.rng.random() < DOOMED:
            self.doomed.append((time.monotonic() + self.rng.uniform(0, LIFE), len(self.doomed), hand))

    def _finish(self) -> list[End]:
        ends = []
        while self.busy:
            ends += self._await_one()
        return ends

    def _await_one(self) -> list[End]:
        """Wait until at least one process is done or dead, killing those whose moment has come."""
        until = time.monotonic() + PATIENCE
        while True:
            moment = min([moment for moment, _, _ in self.doomed], default=until)
            ready, _, _ = select.select(self.busy, [], [], max(0.0, min(moment, until) - time.monotonic()))
            if ready:
                return [self._end(hand) for hand in ready]
            if time.monotonic() > until:
                raise Stuck(f"{len(self.busy)} processes still busy after {PATIENCE:.0f} s")
            for _, _, hand in [each for each in self.doomed if each[0] <= time.monotonic()]:
                hand.kill()

    def _end(self, hand: Hand) -> End:
        end = hand.hear()
        self.busy.remove(hand)
        self.doomed = [each for each in self.doomed if each[2] is not hand]
        self.tally.kills += end.signal == signal.SIGKILL
        if end.error:
            self.tally.wrong.append(f"{hand.name} failed: {end.error}")
        if not end.signal:
            self.idle.append(hand)
        return end


def _do(order: list[Any]) -> object:
    """What a process is told: a word and what belongs to it."""
    what, *given = order
    verbs: dict[str, Callable[..., object]] = {
        "buy": purchasing.buy,
        "sweep": world.sweep,
        "look_up": _look_up,
        "make": lambda kinds: [world.approved_order(*each) for each in kinds],
        "next": world.next_number,
        "empty": world.empty_cloud,
        "repair": _repair,
        "put away": world.put_away,
        "count": lambda orders: asdict(_count(orders)),
    }
    return verbs[what](*given)


def _look_up(orders: list[int]) -> None:
    for order_id in orders:
        world.look_up(order_id)


def _repair(orders: list[int]) -> None:
    """The faults are over: sweep, look up and repeat messages until nothing but people can settle is left."""
    world.disarm()
    world.sweep()
    ours = Order.objects.filter(pk__in=orders)
    until = time.monotonic() + PATIENCE / 3
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
        twice=len(bodies) - len(set(bodies)),
        wrong=judge(ours, ledger) + _unfinished(ours),
    )
