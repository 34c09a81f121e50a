"""Thin Celery entry points: translate a message into one call."""

import logging
from typing import Any

from celery import Task, shared_task
from django.utils import timezone

from orders import purchasing
from orders.actions import sweeping
from orders.models import Order
from portal.middleware import current_request_id

log = logging.getLogger(__name__)


@shared_task(name="orders.submit_order", bind=True, max_retries=0, acks_late=False, ignore_result=True)
def submit_order(self: "Task[Any, Any]", *, order_id: int) -> None:
    current_request_id.set(str(self.request.id))
    purchasing.buy(order_id)


@shared_task(name="orders.sweep", max_retries=0, ignore_result=True)
def sweep() -> None:
    """Repeat lost messages and end what is overdue. Any number of these at once is safe."""
    now = timezone.now()
    for order in Order.objects.overdue(now).iterator():
        sweeping.end(order=order)
    for order in Order.objects.due(now).iterator():
        sweeping.remind(order=order)
