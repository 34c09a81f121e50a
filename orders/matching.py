"""Whether an order in the cloud is the one that was lost: what agrees, what differs, what is not told (ADR 12).

What differs is not ours and is left out. What is not told is an objection: people see it, and only an order without
any objection is taken without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum

from django.conf import settings
from django.db.models import Q

from orders import states
from orders.actions import resolving
from orders.catalogue import CA_SERVICE, Product
from orders.cloud import billing, scm
from orders.cloud.billing import BillingLine, BillingOrder
from orders.models import Finding, Lookup, Order, Revision
from orders.states import Status

BEFORE = timedelta(minutes=20)
"""The cloud accepts a signature that is 15 minutes off (contract D.2), so our clocks may differ by as much."""
AFTER = resolving.QUIET
"""What was made later than this after the attempt is not taken without people."""
SEARCHED = timedelta(hours=24)
"""What was made later than this is not looked at: no document says how late the cloud may execute an order."""
STILL_POSSIBLE = timedelta(days=7)
"""So long after an order was declared absent, what turns up may still be its purchase."""
MONTHS_OF = {billing.MONTHS: 1, billing.YEARS: 12}

Objection = Lookup.Objection


class Fit(Enum):
    AGREES = "agrees"
    UNTOLD = "untold"
    DIFFERS = "differs"


def window(order: Order, now: datetime) -> tuple[datetime, datetime]:
    """When the cloud may have made the order, by its own clock."""
    claimed, last = _attempted(order)
    return claimed - BEFORE, min(last + SEARCHED, now + BEFORE)


def terms(found: BillingOrder, content: Revision) -> Fit:
    """Period and quantity, as far as billing tells them."""
    quantities = {line.subscription_num for line in found.lines}
    if None not in quantities:
        quantities.add(sum(line.subscription_num or 0 for line in found.lines))  # a line for each piece
    fits = [_all(_period(line, content), _quantity(quantities, content)) for line in found.lines]
    if Fit.AGREES in fits:
        return Fit.AGREES
    return Fit.UNTOLD if Fit.UNTOLD in fits or not fits else Fit.DIFFERS


def _all(*fits: Fit) -> Fit:
    return next((each for each in (Fit.DIFFERS, Fit.UNTOLD) if each in fits), Fit.AGREES)


def _period(line: BillingLine, content: Revision) -> Fit:
    if line.period_num is None or line.period_type not in MONTHS_OF:
        return Fit.UNTOLD
    return Fit.AGREES if line.period_num * MONTHS_OF[line.period_type] == _months(content) else Fit.DIFFERS


def _months(content: Revision) -> int:
    values = content.values
    if content.offer.product == Product.CA:
        return int(values["period_num"]) * MONTHS_OF[values["period_type"]]
    return int(values["effective_time"]) * MONTHS_OF[billing.YEARS]


def _quantity(told: set[int | None], content: Revision) -> Fit:
    if content.quantity in told:
        return Fit.AGREES
    return Fit.UNTOLD if None in told else Fit.DIFFERS


def is_other_product(found: BillingOrder, content: Revision) -> bool:
    """Ours is for a CA, and billing names another service. Its word for certificates is not known: it may be CA_SERVICE
    too, because SCM is a part of CCM."""
    codes = service_codes(found)
    return content.offer.product == Product.CA and bool(codes) and CA_SERVICE not in codes


def service_codes(found: BillingOrder) -> set[str]:
    return {found.service_type_code, *(line.service_type_code for line in found.lines)} - {""}


def shows_nothing(found: BillingOrder, content: Revision) -> bool:
    """It is unpaid: then nothing but billing has it. What is filed as a CA may be one, and no certificate."""
    may_be_other = content.offer.product != Product.CA and CA_SERVICE in service_codes(found)
    return found.status == billing.AWAITING_PAYMENT and not may_be_other


def shows(found: scm.Certificate, content: Revision) -> bool:
    """The certificate is of the ordered kind, as far as the cloud tells."""
    told = (found.brand, found.cert_type, found.domain_type, found.domain_count)
    return all(said is None or said == wanted for said, wanted in zip(told, kind(content), strict=True))


def kind(content: Revision) -> tuple[object, ...]:
    """What a certificate in the cloud shows of the order's content."""
    return tuple(content.values[name] for name in ("cert_brand", "cert_type", "domain_type", "domain_numbers"))


def objections(found: BillingOrder, order: Order, *, content_is_seen: bool) -> list[Objection]:
    """Why this order of the window, whose terms do not differ, is not simply ours.

    Asked after the cloud's answer: whatever made an order that the answer shows was in flight before it.
    """
    found_out = [_buyer(found), *known(found.order_id)]
    if terms(found, order.content) is Fit.UNTOLD:
        found_out.append(Objection.TERMS_UNTOLD)
    if is_late(found, order):
        found_out.append(Objection.LATE)
    if _is_contested(found, order, content_is_seen=content_is_seen):
        found_out.append(Objection.CONTESTED)
    return [each for each in found_out if each is not None]


def is_late(found: BillingOrder, order: Order) -> bool:
    return found.created_at is None or found.created_at > _attempted(order)[1] + AFTER


def _buyer(found: BillingOrder) -> Objection | None:
    """The portal's own cloud user bought it, or who knows."""
    ours = settings.CLOUD.cloud_iam_user
    if not ours or not found.user_name:
        return Objection.BUYER_UNKNOWN
    return None if found.user_name.casefold() == ours.casefold() else Objection.OTHER_BUYER


def known(order_id: str) -> Sequence[Objection]:
    """What was found for another order, or after a restore, is for people."""
    return [Objection.FINDING] if Finding.objects.filter(cloud_order_id=order_id).exists() else []


def _is_contested(found: BillingOrder, order: Order, *, content_is_seen: bool) -> bool:
    """Another order of ours may have made it just as well: one in flight, or one that was declared absent too early."""
    made = found.created_at or datetime.now(UTC)
    in_flight = Q(status__in=states.IN_FLIGHT)
    absent = Q(status=Status.ABSENT, status_since__gte=made - STILL_POSSIBLE, attempt__claimed_at__lte=made + BEFORE)
    others = Order.objects.filter(in_flight | absent).exclude(pk=order.pk).select_related("revision")
    seen = order.content if content_is_seen else None
    return any(_may_have_made(each.content, found, seen) for each in others)


def _may_have_made(other: Revision, found: BillingOrder, seen: Revision | None) -> bool:
    if terms(found, other) is Fit.DIFFERS or is_other_product(found, other):
        return False
    if seen is None:
        return True
    # A CA does not show what it was ordered with: only that it is one.
    product = other.offer.product
    return product == seen.offer.product and (product == Product.CA or kind(other) == kind(seen))


def _attempted(order: Order) -> tuple[datetime, datetime]:
    """When the attempt that was lost began and ended. The sweeper may have noticed its end much later."""
    attempt = order.attempt
    assert attempt is not None
    assert attempt.claimed_at is not None
    longest = states.STAGES[Status.SUBMITTING].lasts
    assert longest is not None
    latest = attempt.claimed_at + longest
    return attempt.claimed_at, min(attempt.finished_at or latest, latest)
