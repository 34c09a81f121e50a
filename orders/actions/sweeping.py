"""What time does: orders whose deadline has passed, and messages that were lost."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from orders.actions import stopping, submitting
from orders.actions.moves import announce, locked, move
from orders.models import Event, Order
from orders.states import Status

REMINDER_EXPIRES = 300
"""Seconds; more than clocks may differ, for the receiver's clock decides. What comes twice does nothing."""
LOOK_UP_LASTS = timedelta(minutes=5)


@transaction.atomic
def end(*, order: Order) -> None:
    """Let an overdue order take the exit that its status has at the deadline, if it still is overdue."""
    order = locked(order)
    event = order.stage.then
    if event is None or order.deadline_at is None or order.deadline_at > timezone.now():
        return
    if order.status == Status.SUBMITTING:
        submitting.lose(order=order, attempt=order.attempt, reason="worker_gone")
    else:
        move(order, event, by=None, data={"why": "deadline"})


@transaction.atomic
def remind(*, order: Order) -> None:
    """Announce an approved order again: its message may have been lost. Of two sweepers at once, one does."""
    if stopping.standing(order.product).exists():
        return
    now = timezone.now()
    if Order.objects.to_announce(now).filter(pk=order.pk).update(announced_at=now):
        announce(order, expires=REMINDER_EXPIRES)


def take_look_up(*, order: Order) -> bool:
    """Claim the look-up that is due, so that it is asked for once; it comes back if its worker dies."""
    later = timezone.now() + LOOK_UP_LASTS
    due = Order.objects.to_look_up(timezone.now()).filter(pk=order.pk, look_up_at=order.look_up_at)
    return bool(due.update(look_up_at=later))


def guard() -> None:
    """Stop buying where outcomes keep getting lost, where the database turns out to be an old copy, or where nobody
    could tell that of it later."""
    with transaction.atomic():
        stopping.trip_breaker()
        if stopping.heed_marker():
            return
    newest = Event.objects.order_by("-pk").first()
    if newest is not None:
        submitting.mark(newest)
