"""One crash: a worker killed at one point while the cloud behaves one way; then everything that repairs it."""

from __future__ import annotations

import itertools
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connections

from orders import account, purchasing
from orders.models import Order
from orders.states import Status
from tests import making
from tests.chaos import mutants, world
from tests.chaos.forking import End, fork
from tests.chaos.judging import judge
from tests.chaos.points import POINTS

NOBODY = "nobody listens"
MODES: dict[str, dict[str, Any] | None] = {
    "ok": None,
    "refused": {"kind": "out-of-sale"},
    "throttled": {"kind": "429"},
    "unauthorised": {"kind": "401"},
    "executed-then-reset": {"kind": "executed-then-reset"},
    "executed-then-silent": {"kind": "executed-then-silent"},
    "executed-then-504": {"kind": "executed-then-504"},
    "executed-then-close": {"kind": "executed-then-close"},
    "executed-then-truncated": {"kind": "executed-then-truncated"},
    "200-without-id": {"kind": "200-without-id"},
    "invalid-json": {"kind": "invalid-json"},
    "reset-before-execution": {"kind": "reset-before-execution"},
    "500": {"kind": "500"},
    "late-execution": {"kind": "late-execution", "seconds": 0.3},
    "late-visibility": {"kind": "late-visibility", "seconds": 0.3, "then": "executed-then-reset"},
    NOBODY: {},
}
SETTLED = {Status.PLACED, Status.FAILED}


def cases(*, every: bool) -> list[tuple[str, str, str]]:
    """Point, mode and product: all pairs, or every other one, like the black fields of a chessboard."""
    pairs = itertools.product(enumerate(POINTS), enumerate(MODES))
    return [
        (point, mode, world.PRODUCTS[(row + column) // 2 % len(world.PRODUCTS)])
        for (row, point), (column, mode) in pairs
        if every or (row + column) % 2 == 0
    ]


def case(point: str, mode: str, product: str) -> dict[str, Any]:
    """Kill, repair, judge. Gives back how it went; `wrong` must be empty."""
    world.empty_cloud()
    order_id = world.approved_order(product)
    fault = MODES[mode]
    if fault:
        world.fault(**fault)
    first = _in_child(lambda: _buy(order_id, mode), POINTS[point])
    purchasing.buy(order_id)
    world.sweep()
    _repair(order_id, executed_late=mode == "late-execution")
    order = _fresh(order_id)
    ledger = world.ledger()
    world.put_away([order_id])
    return {
        "kills": int(first.signal == signal.SIGKILL),
        "orders": 1,
        "purchases": len(ledger),
        "twice": max(0, len(ledger) - 1),
        "unknown": order.events.filter(kind="order.outcome_lost").count(),
        "found": order.events.filter(kind="order.placed").exclude(data__found_by="answer").count(),
        "wrong": judge([order], ledger) + _unfinished(order, ledger) + _unexpected(first),
    }


def some(mutant: str, cases: list[tuple[str, str]]) -> list[str]:
    """With this bug planted: what is wrong first, or nothing."""
    mutants.plant(mutant)
    for number, (point, mode) in enumerate(cases):
        try:
            wrong = case(point, mode, ("certificate", "ca")[number % 2])["wrong"]
        except Exception as error:  # noqa: BLE001 - a portal that fails is seen to be wrong
            wrong = [repr(error)]
        if wrong:
            return [f"killed {point}, {mode}: {wrong[0]}"]
    return []


def _unexpected(end: End) -> list[str]:
    """The victim is killed or returns; it never fails."""
    return [end.error] if end.error else []


def _buy(order_id: int, mode: str) -> None:
    with _cloud_gone() if mode == NOBODY else _cloud():
        purchasing.buy(order_id)


def _in_child(work: Callable[[], None], plant: Callable[[], None] = lambda: None) -> End:
    connections.close_all()
    return fork(work, name="a worker", inside=plant).wait()


@contextmanager
def _cloud() -> Iterator[None]:
    yield


@contextmanager
def _cloud_gone() -> Iterator[None]:
    """The address that the portal buys at is one where nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        gone = f"http://127.0.0.1:{held.getsockname()[1]}"
        settings.CLOUD = making.cloud_config(gone)
        account.current_account.cache_clear()
        yield


def _repair(order_id: int, *, executed_late: bool) -> None:
    """What sweeper, reconciler and a repeated message make of it, until nothing moves any more or time is up."""
    until = time.monotonic() + 10.0
    while time.monotonic() < until:
        order = _fresh(order_id)
        if order.status == Status.APPROVED:
            purchasing.buy(order_id)
        elif order.status == Status.UNCONFIRMED:
            world.look_up(order_id)
            if not executed_late and not world.ledger():
                return
            if executed_late and not _awaited(order):
                return
        else:
            return


def _awaited(order: Order) -> bool:
    """Whether the cloud may still execute it: it heard the whole body before the worker died."""
    return bool(world.ledger()) or order.status_since.timestamp() + 1.0 > time.time() + world.HARD.total_seconds()


def _unfinished(order: Order, ledger: list[dict[str, Any]]) -> list[str]:
    """Nobody is left guessing: bought is placed, and what was not bought is refused or waits for people."""
    expected = {Status.PLACED} if ledger else {Status.FAILED, Status.UNCONFIRMED}
    return [] if order.status in expected else [f"{order.reference} ended {order.status}, bought {len(ledger)} times"]


def _fresh(order_id: int) -> Order:
    return Order.objects.select_related("revision", "attempt", "requester").get(pk=order_id)
