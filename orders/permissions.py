"""Who may do what now. A denial carries the sentence the person reads; a button asks the same check."""

from collections.abc import Callable
from typing import ParamSpec

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from orders import states
from orders.errors import Denied
from orders.models import Order, Stop
from orders.states import Status
from portal.models import User

Check = Callable[[User, Order], None]
P = ParamSpec("P")


def denial(check: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> str | None:
    """The sentence why not, or None where the check lets it pass."""
    try:
        check(*args, **kwargs)
    except Denied as denied:
        return denied.sentence
    return None


def check_can_request(user: User) -> None:
    if user.is_auditor:
        raise Denied(_("Auditors read everything and change nothing."))


def check_can_edit(user: User, order: Order) -> None:
    _check_is_requester(user, order, _("Only the requester can edit this order."))
    _check_status(order, "edited")


def check_can_submit_request(user: User, order: Order) -> None:
    _check_is_requester(user, order, _("Only the requester can ask for approval."))
    _check_status(order, "requested")


def check_can_discard(user: User, order: Order) -> None:
    _check_is_requester(user, order, _("Only the requester can discard this draft."))
    _check_status(order, "discarded")


def check_can_withdraw(user: User, order: Order) -> None:
    check_can_request(user)
    stopped_by_approver = user.is_approver and order.status in (Status.APPROVED, Status.FAILED)
    if not stopped_by_approver:
        _check_is_requester(user, order, _("Only the requester can withdraw this order now."))
    _check_status(order, "withdrawn")


def check_can_retry(user: User, order: Order) -> None:
    check_can_request(user)
    if not user.is_approver:
        _check_is_requester(user, order, _("Only the requester or an approver can request this order again."))
    _check_status(order, "retried")


def check_can_decide(user: User, order: Order) -> None:
    """Approve, reject and ask for changes: four eyes, for superusers too (design, section 4)."""
    _check_status(order, "approved")
    check_can_request(user)
    if not user.is_approver:
        raise Denied(_("Only the security team can decide on orders."))
    if order.requester_id == user.pk:
        raise Denied(_("You requested this order, so somebody else has to decide on it."))
    if order.revisions.filter(editor=user).exists():
        raise Denied(_("You edited this order, so somebody else has to decide on it."))
    if order.approvals.filter(revision=order.revision_id, by=user).exists():
        raise Denied(_("You have already decided on this version of the order."))


def check_can_resolve(user: User, order: Order) -> None:
    """Settle an unconfirmed order: two approvers, neither of them the requester (design, section 3, step 7)."""
    _check_status(order, "declared_absent")
    if not user.is_approver:
        raise Denied(_("Only the security team can settle an unconfirmed order."))
    if order.requester_id == user.pk or order.revisions.filter(editor=user).exists():
        raise Denied(_("You requested or edited this order, so others have to settle it."))


def check_can_declare_absent(user: User, order: Order) -> None:
    check_can_resolve(user, order)
    if order.absence_proposed_at is None:
        raise Denied(_("The portal has not looked long enough yet to suggest that the cloud does not have it."))


def check_can_stop(user: User) -> None:
    if not (user.is_approver or user.is_superuser):
        raise Denied(_("Only the security team and administrators can stop buying."))


def check_can_resume(user: User, stop: Stop) -> None:
    if not user.is_approver:
        raise Denied(_("Only the security team can resume buying."))
    if stop.cause == Stop.Cause.RESTORED:
        raise Denied(_("After a restore an operator has to compare the portal with the cloud first."))


def check_can_see_history(user: User) -> None:
    if not user.sees_everything:
        raise Denied(_("The history of all orders is for approvers, auditors and administrators."))


def _check_is_requester(user: User, order: Order, sentence: Promise) -> None:
    check_can_request(user)
    if order.requester_id != user.pk:
        raise Denied(sentence)


def _check_status(order: Order, event: str) -> None:
    status = Status(order.status)
    if states.target(event, status) is None:
        raise Denied(format_lazy(_("This is not possible while the order is “{status}”."), status=status.label))
