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


def end_of_copy() -> Event | None:
    """The newest event that came with the backup: what was written since the restore is younger than the marker.

    A marker that cannot be read tells nothing: then it is the newest event before buying was stopped for that.
    """
    events = Event.objects.order_by("-pk")
    try:
        mark = epoch.read()
    except (OSError, ValueError):
        stop = stopping.standing().filter(cause=Stop.Cause.RESTORED).first()
        return events.filter(at__lt=stop.stopped_at).first() if stop else events.first()
    return events.filter(at__lt=mark.at).first() if mark else events.first()
