"""The invariant, judged after every run: the cloud's ledger is the witness, never the portal's own table.

    if the cloud has an order, the portal says SUBMITTING, UNCONFIRMED or PLACED
    never two purchases for one order
    PLACED has exactly one, with the stored id, for exactly the approved bytes
    an order never bought is never PLACED
    every order's history is a legal walk, and no purchase began without its approvals

A purchase is told to belong to an order by its body alone: orders that are judged together have bodies of their own,
or share one and then only as many as there are orders may be bought.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from orders import states
from orders.models import Decision, Order
from orders.states import Status

Row = dict[str, Any]


def judge(orders: Iterable[Order], ledger: Sequence[Row], *, histories: bool = True) -> list[str]:
    """Everything that is wrong, as sentences; nothing is what every run must end with."""
    orders = list(orders)
    wrong = _purchases(orders, ledger)
    for order in orders if histories else []:
        wrong += _history(order) + _approvals(order)
    return wrong


def _purchases(orders: Sequence[Order], ledger: Sequence[Row]) -> list[str]:
    rows: dict[str, list[Row]] = defaultdict(list)
    for row in ledger:
        rows[row["body"]].append(row)
    asked: dict[str, list[Order]] = defaultdict(list)
    for order in orders:
        asked[order.content.body_text].append(order)
    wrong = [f"the cloud has an order that nobody approved: {body}" for body in rows if body not in asked]
    for body, group in asked.items():
        wrong += _group(group, rows[body])
    return wrong


def _group(orders: Sequence[Order], rows: Sequence[Row]) -> list[str]:
    names = ", ".join(f"{order.reference} ({order.status})" for order in orders)
    possible = [order for order in orders if order.status in states.MAY_HAVE_BOUGHT]
    placed = [order for order in orders if order.status == Status.PLACED]
    wrong = []
    if len(rows) > len(orders):
        wrong.append(f"bought {len(rows)} times: {names}")
    if len(rows) > len(possible):
        wrong.append(f"the cloud has {len(rows)} but the portal denies it: {names}")
    ids = {row["order_id"]: row for row in rows}
    for order in placed:
        row = ids.get(order.cloud_order_id or "")
        if row is None:
            wrong.append(f"{order.reference} is placed as {order.cloud_order_id}, which is not its purchase")
        elif not set(order.items.values_list("cloud_id", flat=True)) <= set(row["item_ids"]):
            wrong.append(f"{order.reference} has items of another order")
    if len({order.cloud_order_id for order in placed}) < len(placed):
        wrong.append(f"two orders share one purchase: {names}")
    return wrong


def _history(order: Order) -> list[str]:
    """The events are a walk over legal edges, without a gap, to where the order is."""
    at = ""
    for event in order.events.order_by("pk"):
        subject, _, name = event.kind.partition(".")
        if subject != "order":
            continue
        if event.status_before != at:
            return [f"{order.reference}: {event.kind} starts from {event.status_before!r}, but the order was {at!r}"]
        legal = Status.DRAFT if name == "drafted" else states.target(name, Status(at))
        if event.status_after != legal:
            return [f"{order.reference}: {event.kind} leads from {at!r} to {event.status_after!r}"]
        at = event.status_after
    return [] if at == order.status else [f"{order.reference} is {order.status}, its history ends at {at!r}"]


def _approvals(order: Order) -> list[str]:
    """Each submission started with enough votes for its very bytes, none of them by who asked for it."""
    wrong = []
    editors = set(order.revisions.values_list("editor_id", flat=True)) | {order.requester_id}
    for event in order.events.filter(kind="order.submission_started"):
        votes = order.approvals.filter(digest=event.data["digest"], decision=Decision.APPROVE, at__lte=event.at)
        people = set(votes.values_list("by_id", flat=True)) - editors
        if len(people) < order.quorum:
            wrong.append(f"{order.reference}: submitted with {len(people)} of {order.quorum} approvals")
    return wrong
