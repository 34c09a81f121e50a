"""From “nobody knows” to the truth: ask the cloud what it has, and compare (design, section 3, step 7; contract E.5).

Only look-ups: nothing in here can send an order. One exact match that nothing else owns places the order; anything
less is kept as evidence, and a look-up that failed counts as no answer at all.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from orders import states
from orders.account import current_account
from orders.actions import resolving
from orders.actions.resolving import Asked, Candidate, is_owned
from orders.catalogue import REFERENCE_TAG, Product
from orders.cloud import billing, pca, scm
from orders.cloud.account import Account
from orders.cloud.billing import BillingLine, BillingOrder
from orders.cloud.calls import Timeouts
from orders.cloud.errors import CloudError, LookupFailed
from orders.errors import Invalid
from orders.models import Item, Order, Revision
from orders.states import Status
from portal.models import User

log = logging.getLogger(__name__)

BEFORE, AFTER = timedelta(minutes=5), resolving.QUIET
"""The window around the attempt. Not shorter than the quiet period: absence may only rest on what was looked at."""
PATIENCE = Timeouts(connect=5, read=10, total=10)
LASTS = 45
"""Seconds that one source may take, well within the task's time limits."""
SHOWN = 60
"""At most so many certificates are opened in one look-up: lists do not tell their order id."""
CA_SERVICE = "hws.service.type.ccm"


def look_up(order_id: int) -> None:
    """Ask every source about one unconfirmed order, and record what they say."""
    order = Order.objects.select_related("revision", "attempt").filter(pk=order_id, status=Status.UNCONFIRMED).first()
    if order is None:
        return
    seen = order.lookups.count()
    asked: list[Asked] = []
    found: dict[str, Candidate] = {}
    for name, ask in _sources(order):
        try:
            candidates = ask(_Search.of(order))
        except CloudError as error:
            asked.append(Asked(source=name, ok=False, error=f"{type(error).__name__}: {error.message}"))
            continue
        asked.append(Asked(source=name, ok=True, seen=len(candidates)))
        for each in candidates:
            known = found.get(each.order_id)
            if known is None or (each.exact and not known.exact):
                found[each.order_id] = each
    resolving.record_lookup(order=order, seen=seen, asked=asked, candidates=list(found.values()))


def attach(*, order: Order, by: User, cloud_order_id: str, reason: str) -> Order:
    """An approver names the order in the cloud: it is checked there before it is believed. Raises Invalid."""
    resolving.check_may_attach(order=order, by=by)
    cloud_order_id = cloud_order_id.strip()
    if not cloud_order_id:
        raise Invalid({"cloud_order_id": [_("Enter the cloud's order id.")]})
    candidate = _check(order, cloud_order_id)
    return resolving.attach(order=order, by=by, cloud_order_id=cloud_order_id, reason=reason, candidate=candidate)


def _check(order: Order, cloud_order_id: str) -> Candidate:
    try:
        search = _Search.of(order)
        found = billing.order(search.account, cloud_order_id)
        items = search.items_of(found.order_id)
    except CloudError as error:
        text = _("The cloud does not confirm this order id (%(why)s). Nothing was recorded.") % {
            "why": error.message.rstrip(".")
        }
        raise Invalid({"cloud_order_id": [text]}) from error
    if is_owned(found.order_id, items):
        raise Invalid({"cloud_order_id": [_("This order id already belongs to another order here.")]})
    return _candidate(found, items, exact=False, found_by="people")


def unowned_since(start: datetime) -> list[Candidate]:
    """Every new order that the cloud has since `start` and nothing here owns. Raises CloudError."""
    listed = billing.orders(current_account(), created_from=start, created_until=datetime.now(UTC))
    return [_candidate(each, (), exact=False, found_by="restore") for each in listed if not is_owned(each.order_id)]


def _candidate(found: BillingOrder, items: Sequence[str], *, exact: bool, found_by: str) -> Candidate:
    evidence = {
        "status": found.status,
        "created_at": found.created_at.isoformat() if found.created_at else "",
        "user_name": found.user_name,
        "amount": str(found.amount) if found.amount is not None else "",
        "currency": found.currency,
        "lines": [f"{each.product_spec_desc} x {each.subscription_num}" for each in found.lines],
    }
    return Candidate(order_id=found.order_id, item_ids=tuple(items), exact=exact, found_by=found_by, evidence=evidence)


@dataclass(frozen=True, slots=True)
class _Search:
    """One unconfirmed order and the account to look for it in."""

    order: Order
    account: Account
    until: float
    """On the monotonic clock."""

    @classmethod
    def of(cls, order: Order) -> _Search:
        account = replace(current_account(), timeouts=PATIENCE)
        return cls(order, account, time.monotonic() + LASTS)

    @property
    def window(self) -> tuple[datetime, datetime]:
        attempt = self.order.attempt
        assert attempt is not None
        assert attempt.claimed_at is not None
        last = attempt.finished_at or attempt.claimed_at
        return attempt.claimed_at - BEFORE, min(last + AFTER, datetime.now(UTC) + BEFORE)

    @property
    def values(self) -> dict[str, Any]:
        values: dict[str, Any] = self.order.content.values
        return values

    def bought_in_window(self, service: str) -> list[BillingOrder]:
        """New orders of the window that nothing of ours owns, with their lines and their buyer."""
        start, end = self.window
        listed = billing.orders(self.account, created_from=start, created_until=end, service_type_code=service)
        free = [each for each in listed if not is_owned(each.order_id)]
        return [each for each in (billing.order(self.account, row.order_id) for row in free) if self.is_ours(each)]

    def is_ours(self, found: BillingOrder) -> bool:
        """Bought by the portal's own cloud user, where that one is configured and billing tells."""
        buyer = settings.CLOUD.cloud_iam_user
        return not (buyer and found.user_name) or found.user_name == buyer

    def is_contested(self, found: BillingOrder, *, content_is_known: bool) -> bool:
        """Another order of ours that is in flight may have made it just as well.

        Asked after the cloud's answer: whatever made an order that the answer shows was in flight before it.
        """
        others = Order.objects.filter(product=self.order.product, status__in=states.IN_FLIGHT).exclude(pk=self.order.pk)
        return any(
            _has_terms(found, other.content) and (not content_is_known or _same_kind(other.content, self.order.content))
            for other in others.select_related("revision")
        )

    def items_of(self, order_id: str) -> tuple[str, ...]:
        if self.order.product == Product.CA:
            return tuple(each.resource_id for each in billing.resources(self.account, order_id))
        return tuple(each.cert_id for each in self.certificates() if each.order_id == order_id)

    def certificates(self) -> list[scm.Certificate]:
        """The newest free certificates of the right kind, opened one by one for their order id."""
        listed = scm.list_certificates(self.account).certificates
        owned = set(
            Item.objects.filter(cloud_id__in=[each.cert_id for each in listed]).values_list("cloud_id", flat=True)
        )
        fitting = [each for each in listed if each.cert_id not in owned and _shows(each, self.order.content)]
        return self.opened(fitting[:SHOWN])

    def opened(self, listed: Iterable[scm.Certificate]) -> list[scm.Certificate]:
        shown = (scm.show_certificate(self.account, each.cert_id) for each in listed if self.has_time())
        return [each for each in shown if each is not None]

    def has_time(self) -> bool:
        """Raises LookupFailed once the look-up has taken too long: half an answer is none."""
        if time.monotonic() > self.until:
            raise LookupFailed("The look-up took too long.")
        return True


def _sources(order: Order) -> list[tuple[str, Callable[[_Search], list[Candidate]]]]:
    if order.product == Product.CA:
        return [("billing", _authorities_by_billing)]
    by_billing = ("certificates", _certificates_by_billing)
    return [("tag", _by_tag), by_billing] if order.content.offer.carries_reference else [by_billing]


def _by_tag(search: _Search) -> list[Candidate]:
    """The body carried our reference: whatever carries it is ours (contract A.2, E.5)."""
    tagged = scm.certificates_by_tag(search.account, key=REFERENCE_TAG, value=search.order.reference)
    items: dict[str, list[str]] = {}
    for each in search.opened(tagged):
        if each.order_id:
            items.setdefault(each.order_id, []).append(each.cert_id)
    return [
        Candidate(
            order_id=order_id, item_ids=tuple(ids), exact=True, found_by="tag", evidence={"certificates": len(ids)}
        )
        for order_id, ids in items.items()
    ]


def _certificates_by_billing(search: _Search) -> list[Candidate]:
    """Billing has the time, the buyer and the terms; certificates have the content, once they are paid."""
    content = search.order.content
    bought = [each for each in search.bought_in_window("") if not _is_ca(each) and _has_terms(each, content)]
    opened = search.certificates() if bought else []
    candidates = []
    for each in bought:
        items = [one.cert_id for one in opened if one.order_id == each.order_id]
        shown = len(items) == content.quantity
        # An unpaid order shows no content: then the buyer must be known to be the portal.
        fits = shown or (each.status == billing.AWAITING_PAYMENT and bool(settings.CLOUD.cloud_iam_user))
        exact = fits and not search.is_contested(each, content_is_known=shown)
        candidates.append(_candidate(each, items, exact=exact, found_by="billing"))
    return candidates


def _authorities_by_billing(search: _Search) -> list[Candidate]:
    """Billing tells period and quantity of a CA order; its resources are the CAs, once it is paid."""
    content = search.order.content
    candidates = []
    for each in search.bought_in_window(CA_SERVICE):
        if _has_terms(each, content):
            items = [one.ca_id for one in _known_authorities(search, each.order_id)]
            fits = each.status == billing.AWAITING_PAYMENT or len(items) == content.quantity
            exact = fits and not search.is_contested(each, content_is_known=False)
            candidates.append(_candidate(each, items, exact=exact, found_by="billing"))
    return candidates


def _known_authorities(search: _Search, order_id: str) -> list[pca.Authority]:
    """That a resource's id is the CA's id is likely, not documented (contract E.5): each is looked at."""
    shown = (pca.show_authority(search.account, each) for each in search.items_of(order_id))
    return [each for each in shown if each is not None]


def _is_ca(found: BillingOrder) -> bool:
    return any(line.service_type_code == CA_SERVICE for line in found.lines) or found.service_type_code == CA_SERVICE


def _has_terms(found: BillingOrder, content: Revision) -> bool:
    """Period and quantity agree, as far as billing tells them."""
    values = content.values
    if content.offer.product == Product.CA:
        terms = (values["period_type"], values["period_num"], content.quantity)
    else:
        terms = (billing.YEARS, values["effective_time"], content.quantity)
    return any(_fits(line, terms) for line in found.lines)


def _fits(line: BillingLine, terms: tuple[int, int, int]) -> bool:
    told = (line.period_type, line.period_num, line.subscription_num)
    return all(said is None or said == wanted for said, wanted in zip(told, terms, strict=True))


def _kind(content: Revision) -> tuple[Any, ...]:
    """What a certificate in the cloud shows of the order's content."""
    return tuple(content.values[name] for name in ("cert_brand", "cert_type", "domain_type", "domain_numbers"))


def _same_kind(one: Revision, other: Revision) -> bool:
    return _kind(one) == _kind(other)


def _shows(found: scm.Certificate, content: Revision) -> bool:
    told = (found.brand, found.cert_type, found.domain_type, found.domain_count)
    return all(said is None or said == wanted for said, wanted in zip(told, _kind(content), strict=True))
