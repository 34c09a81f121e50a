"""After a backup was restored: nothing is bought until somebody has compared the portal with the cloud."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from orders import epoch
from orders.actions import ordering, stopping
from orders.actions.moves import locked, record
from orders.actions.resolving import Candidate
from orders.models import Event, Finding, Order, Stop
from orders.states import Status
from portal.models import User

RESTORED = gettext_noop("The database was restored from a backup.")


def accept(*, by: User, reason: str, unowned: Sequence[Candidate]) -> None:
    """Keep what the cloud has and we do not know, send approved orders back to their approvers, and buy again.

    An order that is approved in the old copy may have been bought since: only people can tell.
    """
    with transaction.atomic(durable=True):
        for order in Order.objects.filter(status=Status.APPROVED):
            ordering.back_to_approvers(order=locked(order), reason=RESTORED)
        for each in unowned:
            Finding.objects.get_or_create(
                cloud_order_id=each.order_id, defaults={"at": timezone.now(), "evidence": dict(each.evidence)}
            )
        for stop in stopping.standing().filter(cause=Stop.Cause.RESTORED):
            stopping.lift(stop, by=by, reason=reason)
        found = [each.order_id for each in unowned]
        event = record("database.restored", by=by, reason=reason, data={"unowned": found})
    epoch.replace(event)


def is_needed() -> bool:
    """The database may be an old copy, or was stopped for that: a marker that is right again lifts no stop."""
    return epoch.is_behind() or stopping.standing().filter(cause=Stop.Cause.RESTORED).exists()


def end_of_copy() -> Event | None:
    """The newest event that came with the backup: what was written since the restore is younger than the marker.

    A marker that cannot be read tells nothing: then it is the newest event before buying was stopped for that. A
    database that has none so old is new, and nothing in the cloud is older than its first event.
    """
    events = Event.objects.order_by("-pk")
    try:
        mark = epoch.read()
    except (OSError, ValueError):
        stop = stopping.standing().filter(cause=Stop.Cause.RESTORED).first()
        ended = stop.stopped_at if stop else None
    else:
        ended = mark.at if mark else None
    older = events.filter(at__lt=ended).first() if ended else events.first()
    return older or events.last()
