"""What the requester does: draft, edit, request, discard, withdraw, retry."""

from __future__ import annotations

import secrets
import uuid
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from orders import catalogue, permissions, policies, states
from orders.actions.moves import given_reason, locked, move, plain, record, verb, visible
from orders.catalogue import Offer
from orders.errors import Changed, Denied, Invalid
from orders.models import Order, Revision
from orders.states import Status
from portal.models import User

RULES_CHANGED = gettext_noop("The rules have changed and refuse this order. Request it again.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a person fills in: the API's fields and the portal's own."""

    values: dict[str, Any]
    purpose: str
    team: str = ""
    domain_names: list[str] = field(default_factory=list)


def create(
    *, offer: Offer, content: Content, by: User, token: uuid.UUID, origin: Order | None = None, request: bool
) -> Order:
    """A new draft, or at once a request for approval.

    The same `token` with the same content again, as a double click sends it, gives the same order. With other
    content it is another order: nothing that was typed is dropped.
    """
    try:
        return _create(offer=offer, content=content, by=by, token=token, origin=origin, request=request)
    except IntegrityError:
        twin = Order.objects.filter(form_token=token, requester=by).first()
        if twin is None:
            raise
    if _content_of(twin.revisions.order_by("number")[0]) == content:
        return twin
    return _create(offer=offer, content=content, by=by, token=uuid.uuid4(), origin=origin, request=request)


def _content_of(revision: Revision) -> Content:
    return Content(
        values=revision.values, purpose=revision.purpose, team=revision.team, domain_names=revision.domain_names
    )


def _sent(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "")}


def _is_the_same(revision: Revision, offer: Offer, content: Content) -> bool:
    """The same through the same API, for the same purpose. What is left empty is not sent."""
    before, now = map(_sent, (revision.values, content.values))
    told = (plain(content.purpose).strip(), plain(content.team).strip(), content.domain_names)
    same_told = told == (revision.purpose, revision.team, revision.domain_names)
    return revision.api == offer.api and before == now and same_told


@verb("create")
def _create(
    *, offer: Offer, content: Content, by: User, token: uuid.UUID, origin: Order | None, request: bool
) -> Order:
    permissions.check_can_request(by)
    now = timezone.now()
    lasts = states.STAGES[Status.DRAFT].lasts
    assert lasts is not None
    order = Order.objects.create(
        product=offer.product,
        requester=by,
        created_at=now,
        status_since=now,
        deadline_at=now + lasts,
        origin=origin,
        form_token=token,
    )
    _revise(order, offer, content, by)
    order.save(update_fields=["revision", "fingerprint"])
    data = _described(order) | ({"origin": origin.reference} if origin else {})
    record("order.drafted", by=by, order=order, after=Status.DRAFT, data=data)
    if request:
        _ask(order, by)
    return order


@verb("edit")
def edit(*, order: Order, content: Content, by: User, seen_revision: int, request: bool) -> Order:
    """A new revision; approvals of the old one count no more. Raises Changed if `seen_revision` is not current.

    What is pending and saved as it was stays as it is: nobody's approval is lost for nothing.
    """
    order = locked(order)
    permissions.check_can_edit(by, order)
    if order.content.number != seen_revision:
        raise Changed
    offer = catalogue.current_offer(order.product)
    if order.status == Status.PENDING_APPROVAL and _is_the_same(order.content, offer, content):
        return order
    _revise(order, offer, content, by)
    move(
        order,
        "edited",
        by=by,
        data=_described(order),
        revision=order.revision,
        fingerprint=order.fingerprint,
        **(_asked_anew(order) if order.status == Status.PENDING_APPROVAL else {}),
    )
    if request and order.status != Status.PENDING_APPROVAL:
        _ask(order, by)
    return order


@verb("request")
def request(*, order: Order, by: User) -> Order:
    order = locked(order)
    permissions.check_can_submit_request(by, order)
    if order.status == Status.CHANGES_REQUESTED:
        raise Denied(_("An approver asked for changes: edit the order to request it again."))
    _ask(order, by)
    return order


@verb("discard")
def discard(*, order: Order, by: User) -> Order:
    order = locked(order)
    permissions.check_can_discard(by, order)
    move(order, "discarded", by=by)
    return order


@verb("withdraw")
def withdraw(*, order: Order, by: User, reason: str) -> Order:
    order = locked(order)
    permissions.check_can_withdraw(by, order)
    move(order, "withdrawn", by=by, reason=given_reason(reason))
    return order


@verb("retry")
def retry(*, order: Order, by: User) -> Order:
    """After a definite refusal: the same content as a new revision, which needs a fresh approval."""
    order = locked(order)
    permissions.check_can_retry(by, order)
    _revise_same(order, by)
    move(
        order,
        "retried",
        by=by,
        data=_described(order),
        revision=order.revision,
        fingerprint=order.fingerprint,
        not_before=None,
        tries=0,
        **_frozen_quorum(order),
    )
    return order


def back_to_approvers(*, order: Order, reason: str) -> None:
    """Inside a transaction: an approved order goes back to its approvers, who start anew.

    Where today's rules refuse its content, it ends: it could never be bought as it was approved.
    """
    standing = policies.standing_approvals(order).count()
    try:
        _revise_same(order, order.requester)
    except Invalid as invalid:
        move(order, "withdrawn", by=None, reason=RULES_CHANGED, data={"problems": invalid.sentence})
        return
    move(
        order,
        "approval_voided",
        by=None,
        reason=reason,
        data=_described(order) | {"standing": standing, "quorum": order.quorum},
        revision=order.revision,
        fingerprint=order.fingerprint,
    )


def _ask(order: Order, by: User) -> None:
    quorum = _frozen_quorum(order)
    move(order, "requested", by=by, data=_described(order) | quorum, **quorum)


def _asked_anew(order: Order) -> dict[str, Any]:
    """What an edit of a pending order starts again: the quorum and the approvers' time."""
    lasts = order.stage.lasts
    assert lasts is not None
    return _frozen_quorum(order) | {"deadline_at": timezone.now() + lasts}


def _frozen_quorum(order: Order) -> dict[str, Any]:
    """The quorum of the current rules, as it stays on the order; refused where nobody could ever reach it."""
    quorum = policies.quorum_for(order.content)
    able = policies.eligible_approvers(order).count()
    if able < quorum.people:
        sentence = _("This order needs {needed} approvers, but only {able} can approve it.")
        raise Denied(format_lazy(sentence, needed=quorum.people, able=able))
    return {"quorum": quorum.people, "quorum_reasons": quorum.rules, "policy_version": policies.VERSION}


def _revise_same(order: Order, by: User) -> None:
    """The same content once more, so that earlier approvals do not cover it."""
    old = order.content
    _revise(order, old.offer, _content_of(old), by)


def _revise(order: Order, offer: Offer, content: Content, by: User) -> None:
    """Give `order` its next revision, with the body rendered once. The caller saves the pointer.

    The reference is good for this body alone: order numbers come again after a restore, or in a second portal.
    """
    _check(offer, content)
    reference = f"{order.reference}:{secrets.token_hex(8)}"
    body = catalogue.render(offer, content.values, reference=reference)
    order.revision = Revision.objects.create(
        order=order,
        number=order.revisions.count() + 1,
        editor=by,
        created_at=timezone.now(),
        api=offer.api,
        values=content.values,
        purpose=plain(content.purpose).strip(),
        team=plain(content.team).strip(),
        domain_names=content.domain_names,
        body=body,
        digest=catalogue.digest(body),
    )
    order.fingerprint = catalogue.fingerprint(offer, content.values)


def _check(offer: Offer, content: Content) -> None:
    problems = catalogue.problems(offer, content.values)
    if not visible(content.purpose):
        problems["purpose"] = [_("Say what it is for: approvers decide by it.")]
    if offer.product == catalogue.Product.CERTIFICATE:
        names = catalogue.domain_name_problems(content.domain_names, content.values)
        if names:
            problems["domain_names"] = names
    if problems:
        raise Invalid(problems)


def _described(order: Order) -> dict[str, Any]:
    content = order.content
    return {
        "revision": content.number,
        "api": content.api,
        "digest": content.digest,
        "values": content.values,
        "purpose": content.purpose,
        "team": content.team,
        "domain_names": content.domain_names,
    }
