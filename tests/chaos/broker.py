"""Jobs of the broker's chaos: people approve, messages are repeated, and in the end everything is judged."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from orders.actions import moves
from orders.models import Order
from orders.states import Status
from tests import making
from tests.chaos import world
from tests.chaos.judging import judge


def approve(product: str) -> int:
    """As a person does in the browser: the message goes to the broker, if there is one."""
    moves._announce = world.ANNOUNCE
    order_id = world.requested_order(product)
    order = Order.objects.select_related("revision", "requester").get(pk=order_id)
    making.approve(order, *[world.person(name) for name in ("mei", "omar")[: order.quorum]])
    assert order.events.filter(kind="order.approved").exists()  # by now a worker may have it
    return order_id


def repeat(order_id: int) -> None:
    for _ in range(3):
        world.ANNOUNCE(order_id, 600)


def look_again(orders: list[int]) -> list[str]:
    """Who is not finished. What is unconfirmed is looked for at the next sweep, not in minutes."""
    ours = Order.objects.filter(pk__in=orders)
    ours.filter(status=Status.UNCONFIRMED).update(look_up_at=timezone.now())
    bought = {row["body"] for row in world.ledger()}
    return [
        f"{order.reference} {order.status}"
        for order in ours.select_related("revision")
        if order.status not in (Status.PLACED, Status.UNCONFIRMED)
        or (order.status == Status.UNCONFIRMED and order.content.body_text in bought)
    ]


def end(orders: list[int]) -> dict[str, Any]:
    ours = list(Order.objects.filter(pk__in=orders).select_related("revision", "attempt"))
    ledger = world.ledger()
    silent = [
        f"{order} is unconfirmed without a reason"
        for order in ours
        if order.status == Status.UNCONFIRMED and not (order.attempt and order.attempt.error)
    ]
    return {
        "orders": len(ours),
        "placed": sum(order.status == Status.PLACED for order in ours),
        "found": Order.objects.filter(pk__in=orders, events__kind="order.placed")
        .exclude(events__kind="order.placed", events__data__found_by="answer")
        .count(),
        "unknown": Order.objects.filter(pk__in=orders, events__kind="order.outcome_lost").distinct().count(),
        "purchases": len(ledger),
        "wrong": judge(ours, ledger) + silent,
    }
