"""What the requester does: each verb checks, changes, records; and does nothing at all where it may not."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError

from orders import catalogue, policies
from orders.actions import ordering
from orders.actions.ordering import Content
from orders.errors import Changed, Denied, Invalid
from orders.models import Event, Order
from orders.states import Status
from portal.middleware import current_request_id
from portal.models import User
from tests import making

pytestmark = pytest.mark.django_db

S = Status
Do = Callable[[Order, User], object]


def edit(order: Order, by: User, **changes: Any) -> Order:
    given: dict[str, Any] = {"content": making.certificate(order_number=2), "seen_revision": 1, "request": False}
    return ordering.edit(order=order, by=by, **given | changes)


def withdraw(order: Order, by: User) -> Order:
    return ordering.withdraw(order=order, by=by, reason=" Not needed. ")


VERBS: list[tuple[str, Status, Do, list[tuple[str, Status, Status, str]]]] = [
    ("edit", S.DRAFT, edit, [("order.edited", S.DRAFT, S.DRAFT, "")]),
    ("edit", S.PENDING_APPROVAL, edit, [("order.edited", S.PENDING_APPROVAL, S.PENDING_APPROVAL, "")]),
    ("edit", S.CHANGES_REQUESTED, edit, [("order.edited", S.CHANGES_REQUESTED, S.CHANGES_REQUESTED, "")]),
    (
        "edit",
        S.DRAFT,
        lambda order, by: edit(order, by, request=True),
        [("order.edited", S.DRAFT, S.DRAFT, ""), ("order.requested", S.DRAFT, S.PENDING_APPROVAL, "")],
    ),
    (
        "edit",
        S.CHANGES_REQUESTED,
        lambda order, by: edit(order, by, request=True),
        [
            ("order.edited", S.CHANGES_REQUESTED, S.CHANGES_REQUESTED, ""),
            ("order.requested", S.CHANGES_REQUESTED, S.PENDING_APPROVAL, ""),
        ],
    ),
    (
        "request",
        S.DRAFT,
        lambda order, by: ordering.request(order=order, by=by),
        [("order.requested", S.DRAFT, S.PENDING_APPROVAL, "")],
    ),
    (
        "discard",
        S.DRAFT,
        lambda order, by: ordering.discard(order=order, by=by),
        [("order.discarded", S.DRAFT, S.WITHDRAWN, "")],
    ),
    *(
        ("withdraw", status, withdraw, [("order.withdrawn", status, S.WITHDRAWN, "Not needed.")])
        for status in (S.PENDING_APPROVAL, S.CHANGES_REQUESTED, S.APPROVED, S.FAILED)
    ),
    ("retry", S.FAILED, making.retried, [("order.retried", S.FAILED, S.PENDING_APPROVAL, "")]),
]
IDS = [f"{name}-{status}-{len(events)}" for name, status, _do, events in VERBS]


@pytest.mark.parametrize(("name", "status", "do", "events"), VERBS, ids=IDS)
def test_a_verb_changes_the_order_and_records_who_did_what(
    lin: User, mei: User, name: str, status: Status, do: Do, events: list[tuple[str, Status, Status, str]]
) -> None:
    order = making.in_status(status, lin, mei)
    last = Event.objects.newest_first()[0].pk
    token = current_request_id.set("request-0001")
    try:
        do(order, lin)
    finally:
        current_request_id.reset(token)
    new = Event.objects.filter(pk__gt=last).order_by("pk")
    assert [(each.kind, each.status_before, each.status_after, each.reason) for each in new] == events
    assert {(each.by, each.by_name, each.order, each.request_id) for each in new} == {
        (lin, "lin", order, "request-0001")
    }
    assert making.fresh(order).status == events[-1][2]


@pytest.mark.parametrize(("name", "status", "do", "events"), VERBS, ids=IDS)
def test_a_stranger_changes_nothing_and_is_recorded(
    lin: User, mei: User, ana: User, name: str, status: Status, do: Do, events: object
) -> None:
    order = making.in_status(status, lin, mei)
    before = making.everything()
    with pytest.raises(Denied) as denial:
        do(order, ana)
    after = making.everything()
    event = after["Event"].pop()
    assert after == before
    assert (event["kind"], event["by_id"], event["order_id"]) == (f"denied.{name}", ana.pk, order.pk)
    assert event["reason"] == denial.value.sentence


@pytest.mark.parametrize(("name", "status", "do", "events"), VERBS, ids=IDS)
def test_no_record_no_change(
    lin: User, mei: User, request: pytest.FixtureRequest, name: str, status: Status, do: Do, events: object
) -> None:
    order = making.in_status(status, lin, mei)
    before = making.everything()
    request.getfixturevalue("full_history")
    with pytest.raises(DatabaseError, match="disk full"):
        do(order, lin)
    assert making.everything() == before


@pytest.mark.parametrize(("name", "status", "do", "events"), VERBS, ids=IDS)
def test_a_verb_goes_by_the_order_as_it_is_now(
    lin: User, mei: User, name: str, status: Status, do: Do, events: object
) -> None:
    order = making.in_status(status, lin, mei)
    making.put(order, S.REJECTED)
    with pytest.raises(Denied, match="not possible while the order is “Rejected”"):
        do(order, lin)
    assert making.fresh(order).status == S.REJECTED


# ---------------------------------------------------------------- create


@pytest.mark.parametrize(
    ("request_at_once", "kinds"), [(False, ["order.drafted"]), (True, ["order.drafted", "order.requested"])]
)
def test_an_order_is_drafted_or_requested(lin: User, mei: User, *, request_at_once: bool, kinds: list[str]) -> None:
    order = making.fresh(making.order(lin, request=request_at_once))
    assert making.kinds(order) == kinds
    assert order.status == (S.PENDING_APPROVAL if request_at_once else S.DRAFT)
    assert (order.requester, order.content.number, order.content.editor) == (lin, 1, lin)
    assert order.fingerprint == catalogue.fingerprint(order.content.offer, order.content.values)
    assert order.content.digest == catalogue.digest(bytes(order.content.body))
    assert order.deadline_at == order.status_since + (order.stage.lasts or 0)  # type: ignore[operator]


def test_the_first_event_says_all_that_was_asked_for(lin: User) -> None:
    order = making.order(lin, request=False)
    event = order.events.get()
    assert (event.status_before, event.status_after, event.by, event.revision_number) == ("", S.DRAFT, lin, 1)
    assert event.data == {
        "revision": 1,
        "api": "scm.v2",
        "digest": order.content.digest,
        "values": making.CERTIFICATE,
        "purpose": "Shop front",
        "team": "Payments",
        "domain_names": ["www.example.com"],
    }


def test_an_order_made_from_another_one_says_so(lin: User) -> None:
    origin = making.order(lin, request=False)
    order = making.order(lin, request=False, origin=origin)
    assert order.origin == origin
    assert order.events.get().data["origin"] == origin.reference


def test_a_double_click_makes_one_order(lin: User) -> None:
    token = uuid.uuid4()
    first, second = (making.order(lin, request=False, token=token) for _click in range(2))
    assert first == second
    assert making.kinds(first) == ["order.drafted"]


def test_the_token_of_somebody_else_gives_an_order_of_ones_own(lin: User, ana: User) -> None:
    token = uuid.uuid4()
    first, second = (making.order(by, request=False, token=token) for by in (lin, ana))
    assert first != second
    assert (first.requester, second.requester) == (lin, ana)


def test_an_auditor_requests_nothing(noor: User) -> None:
    with pytest.raises(Denied, match="Auditors read everything"):
        making.order(noor, request=False)
    event = Event.objects.get()
    assert (event.kind, event.by, event.order) == ("denied.create", noor, None)
    assert not Order.objects.exists()


BROKEN: list[tuple[Content, str]] = [
    (making.certificate(order_number=0), "order_number"),
    (making.certificate(agree_privacy_protection=False), "agree_privacy_protection"),
    (making.certificate(cert_type="EV_SSL_CERT", domain_type="WILDCARD", domain_numbers=1), "domain_type"),
    (making.certificate(domain_names=[]), "domain_names"),
    (making.certificate(domain_names=["a.cn", "a.cn"]), "domain_names"),
    (making.certificate(unknown=1), "unknown"),
    (Content(values=making.CERTIFICATE, purpose=" \n", domain_names=["a.cn"]), "purpose"),
    (making.ca(period_num=True), "period_num"),
]


@pytest.mark.parametrize(("content", "field"), BROKEN)
def test_content_that_breaks_a_rule_writes_nothing(lin: User, content: Content, field: str) -> None:
    before = making.everything()
    with pytest.raises(Invalid) as refusal:
        making.order(lin, content)
    assert field in refusal.value.problems
    assert making.everything() == before


@pytest.mark.parametrize(("content", "field"), BROKEN[:-1])
def test_an_edit_that_breaks_a_rule_writes_nothing(lin: User, mei: User, content: Content, field: str) -> None:
    order = making.order(lin)
    before = making.everything()
    with pytest.raises(Invalid) as refusal:
        edit(order, lin, content=content)
    assert field in refusal.value.problems
    assert making.everything() == before


def test_no_record_no_order(lin: User, full_history: None) -> None:
    with pytest.raises(DatabaseError, match="disk full"):
        making.order(lin)
    assert not Order.objects.exists()


# ---------------------------------------------------------------- asking for approval


@pytest.mark.parametrize(
    ("content", "approvers", "needed"),
    [(making.certificate(), 0, 1), (making.ca(), 1, 2), (making.certificate(cert_type="EV_SSL_CERT"), 1, 2)],
)
def test_what_nobody_could_approve_is_not_requested(lin: User, content: Content, approvers: int, needed: int) -> None:
    for name in ("mei", "omar")[:approvers]:
        making.person(name, "approvers")
    sentence = f"This order needs {needed} approvers, but only {approvers} can approve it."
    with pytest.raises(Denied) as denial:
        making.order(lin, content)
    assert denial.value.sentence == sentence
    assert not Order.objects.exists()
    assert Event.objects.get().kind == "denied.create"


def test_the_requester_does_not_count_among_those_who_could_approve(mei: User, omar: User) -> None:
    with pytest.raises(Denied, match="needs 2 approvers, but only 1 can"):
        making.order(mei, making.ca())
    assert making.order(mei).quorum == 1


def test_the_quorum_is_frozen_when_the_order_is_requested(
    lin: User, mei: User, omar: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = making.order(lin, making.ca())
    monkeypatch.setattr(policies, "RULES", policies.RULES[:1])
    order = making.approve(order, mei)
    frozen = making.fresh(order)
    assert (frozen.quorum, frozen.quorum_reasons, frozen.policy_version) == (2, ["ca"], policies.VERSION)
    assert order.status == S.PENDING_APPROVAL
    assert making.approve(order, omar).status == S.APPROVED


def test_after_changes_were_asked_for_the_order_is_edited_first(lin: User, mei: User) -> None:
    order = making.in_status(S.CHANGES_REQUESTED, lin, mei)
    with pytest.raises(Denied, match="edit the order to request it again"):
        ordering.request(order=order, by=lin)
    assert making.fresh(order).status == S.CHANGES_REQUESTED


# ---------------------------------------------------------------- edit


def test_an_edit_makes_the_next_revision_and_keeps_the_first(lin: User) -> None:
    order = making.order(lin, request=False)
    first = order.content
    edited = making.fresh(edit(order, lin))
    assert (edited.content.number, edited.content.values["order_number"]) == (2, 2)
    assert edited.content.digest != first.digest
    assert edited.fingerprint == catalogue.fingerprint(edited.content.offer, edited.content.values)
    assert list(edited.revisions.order_by("number").values_list("digest", flat=True)) == [
        first.digest,
        edited.content.digest,
    ]


def test_an_edit_voids_the_approvals(lin: User, mei: User, omar: User) -> None:
    order = making.approve(making.order(lin, making.ca()), mei)
    order = edit(order, lin, content=making.ca(period_num=2))
    assert making.approve(order, omar).status == S.PENDING_APPROVAL
    assert making.approve(order, mei).status == S.APPROVED


def test_an_edit_of_an_older_revision_is_refused(lin: User, mei: User) -> None:
    order = making.order(lin)
    edit(order, lin)
    before = making.everything()
    with pytest.raises(Changed):
        edit(order, lin)
    assert making.everything() == before


def test_an_edit_of_a_pending_order_asks_the_rules_again(lin: User, mei: User, omar: User) -> None:
    order = making.order(lin)
    edited = edit(order, lin, content=making.certificate(order_number=11))
    assert (edited.status, edited.quorum, edited.quorum_reasons) == (S.PENDING_APPROVAL, 2, ["large"])
    assert making.approve(edited, mei).status == S.PENDING_APPROVAL


def test_an_edit_that_nobody_could_approve_is_refused(lin: User, mei: User) -> None:
    order = making.order(lin)
    with pytest.raises(Denied, match="needs 2 approvers, but only 1 can"):
        edit(order, lin, content=making.certificate(order_number=11))
    assert making.fresh(order).content.number == 1


# ---------------------------------------------------------------- withdraw, retry


@pytest.mark.parametrize("reason", ["", " ", "\n\t"])
def test_a_withdrawal_needs_a_reason(lin: User, mei: User, reason: str) -> None:
    order = making.order(lin)
    before = making.everything()
    with pytest.raises(Invalid) as refusal:
        ordering.withdraw(order=order, by=lin, reason=reason)
    assert list(refusal.value.problems) == ["reason"]
    assert making.everything() == before


@pytest.mark.parametrize("status", [S.APPROVED, S.FAILED])
def test_an_approver_may_stop_what_is_not_bought_yet(lin: User, mei: User, status: Status) -> None:
    order = making.in_status(status, lin, mei)
    assert withdraw(order, mei).status == S.WITHDRAWN
    assert Event.objects.newest_first()[0].by == mei


@pytest.mark.parametrize("status", [S.SUBMITTING, S.UNCONFIRMED, S.PLACED])
def test_what_may_have_been_bought_is_not_withdrawn(lin: User, mei: User, status: Status) -> None:
    order = making.in_status(status, lin, mei)
    with pytest.raises(Denied):
        withdraw(order, lin)
    assert making.fresh(order).status == status


def test_a_retry_is_a_new_revision_and_needs_a_fresh_approval(lin: User, mei: User) -> None:
    order = making.in_status(S.FAILED, lin, mei)
    again = making.fresh(making.retried(order, by=lin))
    assert (again.status, again.content.number, again.content.digest) == (S.PENDING_APPROVAL, 2, order.content.digest)
    assert policies.standing_approvals(again).count() == 0
    assert (again.tries, again.not_before) == (0, None)
    assert making.approve(again, mei).status == S.APPROVED


def test_an_approver_who_retries_does_not_approve_it(lin: User, mei: User, omar: User) -> None:
    order = making.retried(making.in_status(S.FAILED, lin, mei), by=mei)
    with pytest.raises(Denied, match="You edited this order"):
        making.approve(order, mei)
    assert making.approve(order, omar).status == S.APPROVED


def test_a_retry_that_the_present_limits_refuse_says_why(lin: User, mei: User, omar: User, settings: Any) -> None:
    order = making.answered(making.approve(making.order(lin, making.ca(period_num=3)), mei, omar), making.NO)
    settings.CA_MAX_PERIODS = 2
    with pytest.raises(Invalid) as refusal:
        making.retried(order, by=lin)
    assert list(refusal.value.problems) == ["period_num"]
    assert making.fresh(order).status == S.FAILED


def test_a_retry_goes_through_the_api_it_was_made_for(lin: User, mei: User, settings: Any) -> None:
    order = making.in_status(S.FAILED, lin, mei)
    settings.CLOUD = settings.CLOUD.model_copy(update={"scm_api": "v3"})
    again = making.fresh(making.retried(order, by=lin))
    assert (again.content.api, again.content.digest) == ("scm.v2", order.content.digest)
