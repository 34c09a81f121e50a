"""Thin Celery entry points: translate a message into one call."""

import logging
from collections.abc import Callable
from typing import Any

from celery import Task, shared_task
from celery.exceptions import SoftTimeLimitExceeded
from django.utils import timezone

from orders import purchasing, reconciling
from orders.actions import sweeping
from orders.models import Order
from portal.middleware import carrying

log = logging.getLogger(__name__)


@shared_task(name="orders.submit_order", bind=True, max_retries=0, acks_late=False, ignore_result=True)
def submit_order(self: "Task[Any, Any]", *, order_id: int) -> None:
    with carrying(str(self.request.id)):
        purchasing.buy(order_id)


@shared_task(name="orders.look_up", bind=True, max_retries=0, ignore_result=True)
def look_up(self: "Task[Any, Any]", *, order_id: int) -> None:
    with carrying(str(self.request.id)):
        reconciling.look_up(order_id)


@shared_task(name="orders.sweep", max_retries=0, ignore_result=True)
def sweep() -> None:
    """Repeat lost messages, end what is overdue, look for what is unconfirmed. Any number at once is safe."""
    now = timezone.now()
    _each("guard", sweeping.guard)
    for order in Order.objects.overdue(now).iterator():
        _each(order.reference, sweeping.end, order=order)
    for order in Order.objects.to_look_up(now).iterator():
        _each(order.reference, _ask_for_look_up, order=order)
    for order in Order.objects.to_announce(now).iterator():
        _each(order.reference, sweeping.remind, order=order)


def _each(name: str, do: Callable[..., None], **given: Order) -> None:
    """One that fails does not keep the others waiting; the end of the task's own time does."""
    try:
        do(**given)
    except SoftTimeLimitExceeded:
        raise
    except Exception:
        log.exception("%s could not be swept", name)


def _ask_for_look_up(*, order: Order) -> None:
    if sweeping.take_look_up(order=order):
        look_up.apply_async(kwargs={"order_id": order.pk}, expires=sweeping.REMINDER_EXPIRES, retry=False)
