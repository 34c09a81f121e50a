"""Thin Celery entry points: translate a message into one call."""

import logging
from typing import Any

from celery import Task, shared_task
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
    sweeping.guard()
    for order in Order.objects.overdue(now).iterator():
        sweeping.end(order=order)
    for order in Order.objects.due(now).iterator():
        sweeping.remind(order=order)
    for order in Order.objects.to_look_up(now).iterator():
        if sweeping.take_look_up(order=order):
            look_up.apply_async(kwargs={"order_id": order.pk}, expires=60, retry=False)
