"""Whether an order in the cloud is the one that was lost: what agrees, what differs, what is not told (ADR 12).

What differs is not ours and is left out. What is not told is an objection: people see it, and only an order without
any objection is taken without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum

from django.conf import settings

from orders import states
from orders.actions import resolving
from orders.catalogue import CA_SERVICE, Product
from orders.cloud import billing, scm
from orders.cloud.billing import BillingLine, BillingOrder
from orders.models import Finding, Lookup, Order, Revision

BEFORE = timedelta(minutes=20)
"""The cloud accepts a signature that is 15 minutes off (contract D.2), so our clocks may differ by as much."""
AFTER = resolving.QUIET
"""What was made later than this after the attempt is not taken without people."""
SEARCHED = timedelta(hours=24)
"""What was made later than this is not looked at: no document says how late the cloud may execute an order."""
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
    """Billing tells that it is a CA order and ours is none, or the other way round. Its word for SCM is not known."""
    codes = {found.service_type_code, *(line.service_type_code for line in found.lines)} - {""}
    return bool(codes) and (CA_SERVICE in codes) != (content.offer.product == Product.CA)


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
    if found.created_at is None or found.created_at > _attempted(order)[1] + AFTER:
        found_out.append(Objection.LATE)
    if _is_contested(found, order, content_is_seen=content_is_seen):
        found_out.append(Objection.CONTESTED)
    return [each for each in found_out if each is not None]


def _buyer(found: BillingOrder) -> Objection | None:
    """The portal's own cloud user bought it, or who knows."""
    ours = settings.CLOUD.cloud_iam_user
    if not ours or not found.user_name:
        return Objection.BUYER_UNKNOWN
    return None if found.user_name == ours else Objection.OTHER_BUYER


def known(order_id: str) -> Sequence[Objection]:
    """What was found for another order, or after a restore, is for people."""
    return [Objection.FINDING] if Finding.objects.filter(cloud_order_id=order_id).exists() else []


def _is_contested(found: BillingOrder, order: Order, *, content_is_seen: bool) -> bool:
    """Another order of ours that is in flight may have made it just as well."""
    others = Order.objects.filter(product=order.product, status__in=states.IN_FLIGHT).exclude(pk=order.pk)
    return any(
        terms(found, other.content) is not Fit.DIFFERS
        and (not content_is_seen or kind(other.content) == kind(order.content))
        for other in others.select_related("revision")
    )


def _attempted(order: Order) -> tuple[datetime, datetime]:
    """When the attempt that was lost began and ended."""
    attempt = order.attempt
    assert attempt is not None
    assert attempt.claimed_at is not None
    return attempt.claimed_at, attempt.finished_at or attempt.claimed_at
