"""What approvers do: approve, reject, ask for changes. Each names the digest that was looked at."""

from __future__ import annotations

from django.utils import timezone

from orders import permissions, policies
from orders.actions.moves import announce, given_reason, locked, move, verb
from orders.errors import Changed
from orders.models import Approval, Decision, Order
from orders.states import Status
from portal.models import User


@verb("approve")
def approve(*, order: Order, by: User, digest: str, seen_revision: int, comment: str = "") -> Order:
    """Record one approval; the last one that was needed approves the order and sends it on its way."""
    order, vote = _decide(order, by, digest, seen_revision, Decision.APPROVE, comment)
    if vote is None:
        return order
    facts = {"digest": digest, "revision": order.content.number}
    move(order, "approval_given", by=by, reason=vote.comment, data=facts)
    if policies.has_quorum(order):
        counted = facts | {"quorum": order.quorum, "approvals": policies.named(order)}
        move(order, "approved", by=by, data=counted, not_before=None, tries=0)
        announce(order)
    return order


@verb("reject")
def reject(*, order: Order, by: User, digest: str, seen_revision: int, comment: str) -> Order:
    order, vote = _decide(order, by, digest, seen_revision, Decision.REJECT, comment)
    if vote is not None:
        move(order, "rejected", by=by, reason=vote.comment, data={"digest": digest})
    return order


@verb("request_changes")
def request_changes(*, order: Order, by: User, digest: str, seen_revision: int, comment: str) -> Order:
    order, vote = _decide(order, by, digest, seen_revision, Decision.REQUEST_CHANGES, comment)
    if vote is not None:
        move(order, "changes_requested", by=by, reason=vote.comment, data={"digest": digest})
    return order


def _decide(
    order: Order, by: User, digest: str, seen_revision: int, decision: Decision, comment: str
) -> tuple[Order, Approval | None]:
    """Check and store one vote on the locked order. What was not looked at is never decided on.

    The same vote again, as a repeated click or a lost answer sends it, is no second one and no error: None.
    """
    order = locked(order)
    if order.approvals.filter(by=by, decision=decision, digest=digest, revision__number=seen_revision).exists():
        return order, None
    if _is_not_what_was_seen(order, digest, seen_revision):
        raise Changed
    permissions.check_can_decide(by, order)
    vote = Approval.objects.create(
        order=order,
        revision=order.content,
        digest=digest,
        by=by,
        decision=decision,
        comment=given_reason(comment, field="comment", required=decision != Decision.APPROVE),
        at=timezone.now(),
    )
    return order, vote


def _is_not_what_was_seen(order: Order, digest: str, seen_revision: int) -> bool:
    """Edited, already decided or expired since the page was made. The digest alone does not cover purpose and names."""
    return (
        order.status != Status.PENDING_APPROVAL
        or order.deadline_at is None
        or order.deadline_at <= timezone.now()
        or (digest, seen_revision) != (order.content.digest, order.content.number)
    )
