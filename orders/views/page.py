"""The page of one order: whose turn, until when, what can be done and why something cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, QuerySet, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from orders import permissions, policies, states
from orders.actions import resolving, stopping, submitting
from orders.catalogue import Text
from orders.models import Approval, Decision, Finding, Order, Revision
from orders.models.order import FIRST_NUMBER
from orders.permissions import Check
from orders.refusals import explain
from orders.states import Status
from orders.views.loading import person, visible_order, wants_part
from portal.models import User

TIMELINE, LOOKUPS, ALIKE, ASKED = 200, 20, 5, 6


@dataclass(frozen=True, slots=True)
class Button:
    name: str
    label: Text
    url: str
    denied: str | None
    style: str = ""
    reason: str = ""
    """The name of the text field the button posts with; empty: none."""
    reason_required: bool = False


@dataclass(frozen=True, slots=True)
class _Offered:
    """A button as data: where it leads, who may press it, in which statuses it is shown at all."""

    name: str
    label: Text
    check: Check
    event: str
    style: str = ""
    reason: str = ""
    reason_required: bool = False


_OWN = (
    _Offered(
        "request",
        gettext_lazy("Ask for approval"),
        permissions.check_can_submit_request,
        "requested",
        "primary",
    ),
    _Offered("retry", gettext_lazy("Send for approval again"), permissions.check_can_retry, "retried", "primary"),
    _Offered("discard", gettext_lazy("Discard"), permissions.check_can_discard, "discarded", "danger"),
    _Offered(
        "withdraw",
        gettext_lazy("Withdraw"),
        permissions.check_can_withdraw,
        "withdrawn",
        "danger",
        "reason",
        reason_required=True,
    ),
)
_DECISIONS = (
    _Offered("approve", gettext_lazy("Approve"), permissions.check_can_decide, "approved", "primary", "comment"),
    _Offered(
        "request-changes",
        gettext_lazy("Ask for changes"),
        permissions.check_can_decide,
        "changes_requested",
        "",
        "comment",
        reason_required=True,
    ),
    _Offered(
        "reject",
        gettext_lazy("Reject"),
        permissions.check_can_decide,
        "rejected",
        "danger",
        "comment",
        reason_required=True,
    ),
)


@require_safe
def order(request: HttpRequest, number: int) -> HttpResponse:
    found = visible_order(request, number)
    if wants_part(request) and request.GET.get("v") == str(found.version):
        return HttpResponse(status=204)
    return order_page(request, found)


def order_page(
    request: HttpRequest,
    order: Order,
    *,
    status: int = 200,
    notice: str = "",
    problems: dict[str, list[str]] | None = None,
) -> HttpResponse:
    """The page, or its live part; with a notice above it, or problems beside what was typed."""
    template = "orders/order.html#live" if wants_part(request) else "orders/order.html"
    context = (
        order_context(person(request), order)
        | _reading_context(request, order)
        | {
            "notice": notice,
            "problems": problems or {},
            "typed": request.POST,
        }
    )
    return render(request, template, context, status=status)


def _reading_context(request: HttpRequest, order: Order) -> dict[str, Any]:
    """Which version the reader has in front of them: nobody may decide on one that came in behind their back."""
    read = request.GET.get("r", "") if wants_part(request) else ""
    shown = order.revisions.filter(number=int(read)).first() if read.isdecimal() and len(read) < 6 else None
    if shown is None or shown.pk == order.revision_id:
        return {"read": order.content.number}
    return {"read": shown.number, "reread": order.content.changes_since(shown)}


def order_context(user: User, order: Order) -> dict[str, Any]:
    status = Status(order.status)
    alike = look_alikes(order, user)
    standing = list(policies.standing_approvals(order).select_related("by")) if status in states.OPEN else []
    return {
        "order": order,
        "revision": order.content,
        "facts": order.content.facts(),
        "stage": order.stage,
        "quorum_reasons": [policies.REASONS[name] for name in order.quorum_reasons if name in policies.REASONS],
        "waiting": waiting_sentence(order, len(standing)),
        "standing": {approval.pk for approval in standing} if status in states.OPEN else _counted(order),
        "payment_note": payment_note(order),
        "asked": asked_for(order),
        "previous": _previous(order.content),
        "approvals": order.approvals.select_related("by", "revision").order_by("pk"),
        "attempts": order.attempts.order_by("number"),
        "items": order.items.all(),
        "failure": explain(order.attempt) if order.attempt else "",
        "timeline": order.events.select_related("by").order_by("-pk")[:TIMELINE],
        "alike": alike[:ALIKE],
        "more_alike": len(alike) > ALIKE,
        "stopped": list(stopping.standing(order.product)) if status == Status.APPROVED else [],
        "twins": list(submitting.twins_in_flight(order)) if status == Status.APPROVED else [],
        **_resolving_context(user, order),
        "findings": Finding.objects.unowned().filter(order=order),
        "own_buttons": _buttons(_OWN, user, order),
        "decision_buttons": _buttons(_DECISIONS, user, order),
        "edit_denied": permissions.denial(permissions.check_can_edit, user, order),
        "editable": states.target("edited", status) is not None,
        "polls_every": _poll_seconds(status),
    }


def _counted(order: Order) -> set[int]:
    """The approvals that carried the order, as its history says."""
    approved = order.events.filter(kind="order.approved").order_by("-pk").first()
    return {each["approval"] for each in approved.data.get("approvals", [])} if approved else set()


@require_safe
def version(request: HttpRequest, number: int, revision: int) -> HttpResponse:
    """One version of the content, as it stays readable for as long as there is a history."""
    order = visible_order(request, number)
    found = get_object_or_404(order.revisions.select_related("editor"), number=revision)
    context = {"order": order, "revision": found, "facts": found.facts(), "previous": _previous(found)}
    return render(request, "orders/version.html", context)


def _previous(content: Revision) -> dict[str, Any] | None:
    """The version before, and what has changed since."""
    if content.number == 1:
        return None
    earlier = Revision.objects.get(order=content.order_id, number=content.number - 1)
    return {"number": earlier.number, "changes": content.changes_since(earlier)}


def asked_for(order: Order) -> Approval | None:
    """The words with which an approver sent the order back or rejected it, while that is where it stands."""
    decisions = {Status.CHANGES_REQUESTED: Decision.REQUEST_CHANGES, Status.REJECTED: Decision.REJECT}
    decision = decisions.get(Status(order.status))
    if decision is None:
        return None
    return order.approvals.filter(decision=decision).select_related("by").order_by("-pk").first()


def _resolving_context(user: User, order: Order) -> dict[str, Any]:
    """What was looked up, what may be it, and whether this person may settle it."""
    lookups = list(order.lookups.order_by("-number")[:LOOKUPS])
    standing = resolving.standing_answers(order) if order.status == Status.UNCONFIRMED else []
    return {
        "answered": next((each for each in standing if each.by_id == user.pk), None),
        "lookups": lookups,
        "candidates": lookups[0].shown_candidates if lookups else [],
        "resolutions": order.resolutions.select_related("by"),
        "resolve_denied": permissions.denial(permissions.check_can_resolve, user, order),
        "absent_denied": permissions.denial(permissions.check_can_declare_absent, user, order),
    }


def _buttons(offered: tuple[_Offered, ...], user: User, order: Order) -> list[Button]:
    shown = [each for each in offered if states.target(each.event, Status(order.status)) is not None]
    return [
        Button(
            name=each.name,
            label=each.label,
            url=reverse(each.name, kwargs={"number": FIRST_NUMBER + order.pk}),
            denied=permissions.denial(each.check, user, order),
            style=each.style,
            reason=each.reason,
            reason_required=each.reason_required,
        )
        for each in shown
        if not (each.name == "request" and order.status == Status.CHANGES_REQUESTED)
    ]


def look_alikes(order: Order, user: User) -> list[Order]:
    """Other orders that would buy, or may have bought, the same; those where money moved come first."""
    alike = Order.objects.visible_to(user).filter(
        fingerprint=order.fingerprint, status__in=states.OPEN | {Status.PLACED}
    )
    moved = Case(*(When(status=each, then=rank) for rank, each in enumerate(_BY_WEIGHT)), default=len(_BY_WEIGHT))
    return list(alike.exclude(pk=order.pk).select_related("requester").order_by(moved, "-pk")[: ALIKE + 1])


_BY_WEIGHT = (Status.SUBMITTING, Status.UNCONFIRMED, Status.PLACED, Status.APPROVED)


def payment_note(order: Order) -> str:
    """What a placed order may still need: an order id does not prove payment (contract B)."""
    if order.status == Status.PLACED and not order.content.values.get("is_auto_pay", True):
        return _("It was ordered without automatic payment: pay it in the cloud's console.")
    return ""


def waiting_sentence(order: Order, given: int) -> str:
    """Who has to move, in words; the age and the deadline stand beside it."""
    sentence = _WAITING.get(Status(order.status))
    return sentence(order, given) if sentence else ""


def _waiting_for_approvals(order: Order, given: int) -> str:
    voters = order.approvals.filter(revision=order.revision_id).values("by")
    return _("%(given)d of %(quorum)d approvals given. Asked: %(names)s.") % {
        "given": given,
        "quorum": order.quorum,
        "names": _named(policies.eligible_approvers(order).exclude(pk__in=voters)),
    }


def _named(people: QuerySet[User]) -> str:
    names = [str(each) for each in people.order_by("first_name", "username")[: ASKED + 1]]
    return ", ".join(names[:ASKED]) + (" …" if len(names) > ASKED else "")


def _waiting_for_requester(order: Order, given: int) -> str:  # noqa: ARG001
    return _("Waiting for %(name)s.") % {"name": order.requester}


def _waiting_for_worker(order: Order, given: int) -> str:  # noqa: ARG001
    if order.not_before is not None:
        at = date_format(timezone.localtime(order.not_before), "Y-m-d H:i:s")
        return _("Nothing was bought. The portal tries again by itself, not before %(at)s.") % {"at": at}
    return _("Waiting for the portal to buy it.")


def _waiting_for_an_end(order: Order, given: int) -> str:  # noqa: ARG001
    answers = resolving.standing_answers(order)
    if not answers and order.absence_proposed_at is None:
        return _("Waiting for the portal to find the order in the cloud, or for two approvers to settle it.")
    said = [f"{each.by}: {each.get_answer_display()} {each.cloud_order_id}".strip() for each in answers]
    others = policies.eligible_approvers(order).exclude(pk__in=[each.by_id for each in answers])
    asked = _("Two approvers have to give the same answer. Asked: %(names)s.") % {"names": _named(others)}
    return " ".join([*(f"{each}." for each in said), asked])


_WAITING: dict[Status, Callable[[Order, int], str]] = {
    Status.DRAFT: _waiting_for_requester,
    Status.CHANGES_REQUESTED: _waiting_for_requester,
    Status.PENDING_APPROVAL: _waiting_for_approvals,
    Status.APPROVED: _waiting_for_worker,
    Status.SUBMITTING: lambda order, given: _("Waiting for the cloud's answer."),  # noqa: ARG005
    Status.UNCONFIRMED: _waiting_for_an_end,
    Status.FAILED: _waiting_for_requester,
}


def _poll_seconds(status: Status) -> int:
    if status in (Status.APPROVED, Status.SUBMITTING):
        return 1
    return 0 if states.STAGES[status].is_final else 4
