"""What a page says about one try to buy."""

from django import template

from orders.models import Attempt
from orders.refusals import WORKER_GONE, trouble

register = template.Library()
register.filter("trouble", trouble)


@register.filter
def took(attempt: Attempt) -> int | None:
    """Milliseconds until the cloud had answered or the connection ended. None where nobody was there to see it: the
    sweeper came minutes later, and its clock says nothing about the cloud."""
    return None if attempt.error.startswith(WORKER_GONE) else attempt.duration_ms
