"""The kill switch and the breaker: while a stop stands, nothing is bought."""

from __future__ import annotations

from datetime import timedelta

from django.db import IntegrityError, transaction
from django.db.models import Max, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_noop

from orders import epoch, permissions
from orders.actions.moves import announce, given_reason, record, verb
from orders.models import Event, Order, Stop
from portal.models import User

TOO_MANY_LOST = gettext_noop("Two orders became unconfirmed within ten minutes.")
DATABASE_IS_OLD = gettext_noop("The database is older than its marker.")
NO_MARKER = gettext_noop(
    "The marker outside the database cannot be read or written, so a restored backup would go unnoticed."
)
BREAKER_COUNT, BREAKER_WINDOW = 2, timedelta(minutes=10)


def standing(product: str = "") -> QuerySet[Stop]:
    """The stops that hold now: all of them, or those that concern `product`."""
    stops = Stop.objects.filter(lifted_at=None)
    return stops.filter(Q(product="") | Q(product=product)) if product else stops


@verb("stop_buying")
def stop(*, by: User, product: str, reason: str) -> Stop:
    """Stop buying one product, or everything (`product=""`). Repeating it changes nothing."""
    permissions.check_can_stop(by)
    return _stop(by, product, Stop.Cause.PERSON, given_reason(reason))


@verb("resume_buying")
def resume(*, by: User, stop: Stop, reason: str) -> None:
    permissions.check_can_resume(by, stop)
    lift(stop, by=by, reason=given_reason(reason))


def lift(stop: Stop, *, by: User | None, reason: str) -> None:
    """Inside a transaction: end a stop that still stands."""
    if Stop.objects.filter(pk=stop.pk, lifted_at=None).update(lifted_at=timezone.now(), lifted_by=by):
        record("buying.resumed", by=by, reason=reason, data={"product": stop.product, "cause": stop.cause})
        for order in Order.objects.due(timezone.now()):
            announce(order)


def trip_breaker() -> None:
    """Two lost outcomes within ten minutes: stop everything until an approver resumes it."""
    last = Stop.objects.filter(cause=Stop.Cause.BREAKER).aggregate(at=Max("lifted_at"))["at"]
    since = max(filter(None, (last, timezone.now() - BREAKER_WINDOW)))
    lost = Event.objects.filter(kind="order.outcome_lost", at__gt=since).count()
    if lost >= BREAKER_COUNT:
        stop_by_portal(Stop.Cause.BREAKER, TOO_MANY_LOST)


def heed_marker() -> bool:
    """Stop buying where the marker says that this may be an old copy of the database. True where it does."""
    cause = epoch.trouble()
    if cause is not None:
        stop_by_portal(cause, DATABASE_IS_OLD if cause is Stop.Cause.RESTORED else NO_MARKER)
    return cause is not None


def stop_by_portal(cause: Stop.Cause, reason: str) -> None:
    """Stop everything on the portal's own account, once."""
    if not standing().filter(cause=cause).exists():
        try:
            with transaction.atomic():
                _stop(None, "", cause, reason)
        except IntegrityError:
            return  # somebody else did, at the same moment


def _stop(by: User | None, product: str, cause: Stop.Cause, reason: str) -> Stop:
    stop, made = Stop.objects.get_or_create(
        product=product,
        cause=cause,
        lifted_at=None,
        defaults={"reason": reason, "stopped_at": timezone.now(), "stopped_by": by},
    )
    if made:
        record("buying.stopped", by=by, reason=reason, data={"product": product, "cause": cause})
    return stop
