"""From “nobody knows” to the truth: ask the cloud what it has, and compare (design, section 3, step 7; contract E.5).

Only look-ups: nothing in here can send an order. One exact match that nothing else owns places the order; anything
less is kept as evidence, and a look-up that failed counts as no answer at all.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _

from orders import matching
from orders.account import current_account
from orders.actions import resolving
from orders.actions.resolving import Asked, Candidate, is_owned
from orders.catalogue import CA_SERVICE, REFERENCE_TAG, Product
from orders.cloud import billing, pca, scm
from orders.cloud.account import Account
from orders.cloud.billing import BillingOrder
from orders.cloud.calls import Timeouts
from orders.cloud.errors import CloudError, LookupFailed
from orders.errors import Invalid
from orders.matching import Fit, Objection
from orders.models import Item, Order, Revision
from orders.states import Status
from portal.models import User

log = logging.getLogger(__name__)

PATIENCE = Timeouts(connect=5, read=10, total=10)
LASTS = 45
"""Seconds that a look-up may take, all sources together, well within the task's time limits."""
PER_SECOND = 10.0
"""Requests that billing takes from one caller (contract A.5)."""
SHOWN = 60
"""So many certificates are opened in one look-up, or as many as were ordered: lists do not tell their order id."""


def look_up(order_id: int) -> None:
    """Ask every source about one unconfirmed order, and record what they say."""
    order = Order.objects.select_related("revision", "attempt").filter(pk=order_id, status=Status.UNCONFIRMED).first()
    if order is None:
        return
    seen = order.lookups.count()
    asked: list[Asked] = []
    found: dict[str, Candidate] = {}
    until = time.monotonic() + LASTS
    for name, ask in _sources(order):
        try:
            candidates = ask(_Search.of(order, until))
        except CloudError as error:
            asked.append(Asked(source=name, ok=False, error=f"{type(error).__name__}: {error.message}"))
            continue
        except Exception as error:
            log.exception("%s: %s could not be asked", order.reference, name)
            asked.append(Asked(source=name, ok=False, error=type(error).__name__))
            continue
        asked.append(Asked(source=name, ok=True, seen=len(candidates)))
        for each in candidates:
            known = found.get(each.order_id)
            if known is None or (each.exact and not known.exact):
                found[each.order_id] = each
    resolving.record_lookup(order=order, seen=seen, asked=asked, candidates=_tag_decides(list(found.values())))


def _tag_decides(found: list[Candidate]) -> list[Candidate]:
    """Where one carries the tag and is what was ordered, no other can be it."""
    if not any(each.exact and each.found_by == "tag" for each in found):
        return found
    return [
        each if each.found_by == "tag" else replace(each, objections=(*each.objections, Objection.NO_TAG))
        for each in found
    ]


def attach(*, order: Order, by: User, cloud_order_id: str, reason: str) -> Order:
    """An approver names the order in the cloud: it is checked there before it is believed. Raises Invalid."""
    order = resolving.check_may_attach(order=order, by=by)
    cloud_order_id = cloud_order_id.strip()
    if not cloud_order_id:
        raise Invalid({"cloud_order_id": [_("Enter the cloud's order id.")]})
    return resolving.attach(order=order, by=by, reason=reason, candidate=_check(order, cloud_order_id))


def _check(order: Order, cloud_order_id: str) -> Candidate:
    try:
        search = _Search.of(order, time.monotonic() + LASTS)
        found = billing.order(search.account, cloud_order_id)
        contradiction = _contradiction(search, found)
        items = search.items_of(found.order_id)
    except CloudError as error:
        why = f"{error.status or ''} {error.code}".strip() or type(error).__name__
        text = _("The cloud does not confirm this order id (%(why)s). Nothing was recorded.") % {"why": why}
        raise Invalid({"cloud_order_id": [text]}) from error
    if contradiction:
        raise Invalid({"cloud_order_id": [contradiction]})
    if is_owned(found.order_id, items):
        raise Invalid({"cloud_order_id": [_("This order id already belongs to another order here.")]})
    seen = len(items) == order.content.quantity
    more = _content_objections(search, found, items)
    return search.candidate(found, items, content_is_seen=seen, found_by="people", more=more)


def _contradiction(search: _Search, found: BillingOrder) -> str:
    """Why it cannot be this order, whoever says so."""
    order = search.order
    if matching.is_other_product(found, order.content) or search.made_authorities(found):
        return _("This is an order for another product.")
    if found.created_at is not None and found.created_at < matching.window(order, datetime.now(UTC))[0]:
        return _("This order was made before the portal tried to place its own.")
    if found.order_type != billing.NEW:
        return _("This is no new purchase, but a renewal, change or refund.")
    if found.status == billing.CANCELLED:
        return _("This order was cancelled in the cloud.")
    if matching.terms(found, order.content) is Fit.DIFFERS:
        return _("This order has another period or quantity.")
    return ""


def _content_objections(search: _Search, found: BillingOrder, items: Sequence[str]) -> list[Objection]:
    """What the next person has to know about what the order holds. Its certificates may only be spelled differently."""
    content = search.order.content
    if len(items) == content.quantity or matching.shows_nothing(found, content):
        return []
    if search.order.product == Product.CERTIFICATE and not items and search.names_others(found.order_id):
        return [Objection.OTHER_CONTENT]
    return [Objection.CONTENT_UNSEEN]


def unowned_since(start: datetime) -> list[Candidate]:
    """Every new order that the cloud has since `start` and nothing here owns. Raises CloudError."""
    listed = billing.orders(current_account(), created_from=start, created_until=datetime.now(UTC) + matching.BEFORE)
    return [
        Candidate(order_id=each.order_id, item_ids=(), found_by="restore", evidence=_evidence(each))
        for each in listed
        if not is_owned(each.order_id)
    ]


def _evidence(found: BillingOrder) -> dict[str, Any]:
    return {
        "status": found.status,
        "created_at": found.created_at.isoformat() if found.created_at else "",
        "user_name": found.user_name,
        "amount": str(found.amount) if found.amount is not None else "",
        "currency": found.currency,
        "lines": [f"{each.product_spec_desc} x {each.subscription_num}" for each in found.lines],
    }


@dataclass(frozen=True, slots=True)
class _Search:
    """One unconfirmed order and the account to look for it in."""

    order: Order
    account: Account
    until: float
    """On the monotonic clock."""

    @classmethod
    def of(cls, order: Order, until: float) -> _Search:
        return cls(order, replace(current_account(), timeouts=PATIENCE), until)

    def bought_in_window(self, service: str) -> list[BillingOrder]:
        """New orders of the window that nothing of ours owns and whose terms do not differ, with lines and buyer."""
        start, end = matching.window(self.order, datetime.now(UTC))
        listed = billing.orders(self.account, created_from=start, created_until=end, service_type_code=service)
        content = self.order.content
        free = [each for each in listed if not is_owned(each.order_id) and not matching.is_other_product(each, content)]
        opened = [each for each in self.in_time(free) if not matching.is_other_product(each, content)]
        return [each for each in opened if matching.terms(each, content) is not Fit.DIFFERS]

    def in_time(self, listed: Iterable[BillingOrder]) -> Iterator[BillingOrder]:
        """The listed ones, oldest first, opened one by one, not faster than billing allows.

        Raises LookupFailed where time runs out among those that could be taken without people. Later ones could not:
        a busy account must not keep an order open for ever.
        """
        for number, each in enumerate(listed):
            if matching.is_late(each, self.order) and time.monotonic() > self.until:
                return
            if self.has_time():
                time.sleep(1 / PER_SECOND if number else 0)
                yield billing.order(self.account, each.order_id)

    def candidate(
        self,
        found: BillingOrder,
        items: Sequence[str],
        *,
        content_is_seen: bool,
        found_by: str = "billing",
        more: Sequence[Objection] = (),
    ) -> Candidate:
        objections = (*matching.objections(found, self.order, content_is_seen=content_is_seen), *more)
        return Candidate(
            order_id=found.order_id,
            item_ids=tuple(items),
            objections=objections,
            found_by=found_by,
            evidence=_evidence(found),
        )

    def items_of(self, order_id: str) -> tuple[str, ...]:
        if self.order.product == Product.CA:
            return tuple(each.resource_id for each in billing.resources(self.account, order_id))
        return tuple(each.cert_id for each in self.certificates() if each.order_id == order_id)

    def free(self) -> list[scm.Certificate]:
        """The newest certificates that nothing of ours owns, as the list shows them: without their order id."""
        listed = scm.list_certificates(self.account).certificates
        owned = set(
            Item.objects.filter(cloud_id__in=[each.cert_id for each in listed]).values_list("cloud_id", flat=True)
        )
        return [each for each in listed if each.cert_id not in owned]

    def certificates(self) -> list[scm.Certificate]:
        """Those of the right kind, opened one by one for their order id."""
        content = self.order.content
        fitting = [each for each in self.free() if matching.shows(each, content)]
        return self.opened(fitting[: max(SHOWN, content.quantity)])

    def made_authorities(self, found: BillingOrder) -> bool:
        """Ours is for certificates, and what this order made are CAs."""
        if self.order.product == Product.CA or CA_SERVICE not in matching.service_codes(found):
            return False
        made = (each.resource_id for each in billing.resources(self.account, found.order_id))
        return any(pca.show_authority(self.account, each) is not None for each in made)

    def names_others(self, order_id: str) -> bool:
        """Certificates of another kind name this order, as far as the list reaches and there is time to open them."""
        try:
            return any(each.order_id == order_id for each in self.opened(self.free()))
        except LookupFailed:
            return False

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
    return [("tag", _by_tag), by_billing] if order.content.reference else [by_billing]


def _by_tag(search: _Search) -> list[Candidate]:
    """The body carried a reference that no other body has: what carries it is ours, if it is what was ordered."""
    content = search.order.content
    tagged = scm.certificates_by_tag(search.account, key=REFERENCE_TAG, value=content.reference)
    opened = search.opened(tagged)
    orders: dict[str, list[scm.Certificate]] = {}
    for each in opened:
        orders.setdefault(each.order_id or "", []).append(each)
    if len(opened) < len(tagged) or "" in orders:
        raise LookupFailed("A certificate with the portal's tag does not tell its order yet.")
    return [_tagged(content, order_id, certificates) for order_id, certificates in orders.items()]


def _tagged(content: Revision, order_id: str, certificates: Sequence[scm.Certificate]) -> Candidate:
    objections = list(matching.known(order_id))
    if not all(matching.shows(each, content) for each in certificates):
        objections.append(Objection.OTHER_CONTENT)
    if len(certificates) != content.quantity:
        objections.append(Objection.CONTENT_UNSEEN)
    return Candidate(
        order_id=order_id,
        item_ids=tuple(each.cert_id for each in certificates),
        objections=tuple(objections),
        found_by="tag",
        evidence={"certificates": len(certificates)},
    )


def _certificates_by_billing(search: _Search) -> list[Candidate]:
    """Billing has the time, the buyer and the terms; certificates have the content, once they are paid."""
    content = search.order.content
    bought = search.bought_in_window("")
    opened = search.certificates() if bought else []
    candidates = []
    for each in bought:
        items = [one.cert_id for one in opened if one.order_id == each.order_id]
        seen, unpaid = len(items) == content.quantity, matching.shows_nothing(each, content)
        more = [] if seen or unpaid else [Objection.CONTENT_UNSEEN]
        if items and content.reference:
            more.append(Objection.NO_TAG)  # else its certificates would carry it
        candidate = search.candidate(each, items, content_is_seen=seen, more=more)
        if items or unpaid or Objection.OTHER_BUYER not in candidate.objections:
            candidates.append(candidate)  # else it is anything that somebody else bought for as long
    return candidates


def _authorities_by_billing(search: _Search) -> list[Candidate]:
    """Billing tells period and quantity of a CA order; its resources are the CAs, once it is paid."""
    candidates = []
    for each in search.bought_in_window(CA_SERVICE):
        items = [one.ca_id for one in _known_authorities(search, each.order_id)]
        content = search.order.content
        seen = len(items) == content.quantity
        more = [] if seen or matching.shows_nothing(each, content) else [Objection.CONTENT_UNSEEN]
        candidates.append(search.candidate(each, items, content_is_seen=seen, more=more))
    return candidates


def _known_authorities(search: _Search, order_id: str) -> list[pca.Authority]:
    """That a resource's id is the CA's id is likely, not documented (contract E.5): each is looked at."""
    shown = (pca.show_authority(search.account, each) for each in search.items_of(order_id) if search.has_time())
    return [each for each in shown if each is not None]
