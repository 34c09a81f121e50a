"""What approvers do: one vote per person on exactly what was looked at, by people who may."""

from collections.abc import Callable

import pytest
from django.db import DatabaseError

from orders.actions import approving, ordering
from orders.actions.ordering import Content
from orders.errors import Changed, Denied, Invalid
from orders.models import Approval, Decision, Event, Order
from orders.states import Status
from portal.middleware import current_request_id
from portal.models import APPROVERS, AUDITORS, User
from tests import making
from tests.orders.actions.conftest import Messages

pytestmark = pytest.mark.django_db

Verb = Callable[..., Order]
VERBS: list[tuple[Verb, Decision, Status, list[str]]] = [
    (approving.approve, Decision.APPROVE, Status.APPROVED, ["approval_given", "approved"]),
    (approving.reject, Decision.REJECT, Status.REJECTED, ["rejected"]),
    (approving.request_changes, Decision.REQUEST_CHANGES, Status.CHANGES_REQUESTED, ["changes_requested"]),
]
each_verb = pytest.mark.parametrize("verb", [verb for verb, *_rest in VERBS])


@pytest.fixture
def order(lin: User, mei: User) -> Order:
    return making.order(lin)


def decide(verb: Verb, order: Order, by: User, *, digest: str = "", comment: str = " Because. ") -> Order:
    """Decide on the order as it was loaded, or on other bytes than that."""
    digest = digest or order.content.digest
    return verb(order=order, by=by, digest=digest, seen_revision=order.content.number, comment=comment)


@pytest.mark.parametrize(("verb", "decision", "status", "kinds"), VERBS)
def test_a_decision_is_stored_and_recorded(
    order: Order, mei: User, verb: Verb, decision: Decision, status: Status, kinds: list[str]
) -> None:
    token = current_request_id.set("request-0001")
    try:
        decide(verb, order, mei)
    finally:
        current_request_id.reset(token)
    vote = Approval.objects.get()
    assert (vote.order, vote.revision, vote.by, vote.decision) == (order, order.content, mei, decision)
    assert (vote.digest, vote.comment) == (order.content.digest, "Because.")
    assert making.fresh(order).status == status
    new = list(Event.objects.order_by("pk"))[-len(kinds) :]
    assert [event.kind for event in new] == [f"order.{kind}" for kind in kinds]
    assert {(event.by, event.request_id, event.data["digest"]) for event in new} == {
        (mei, "request-0001", order.content.digest)
    }
    assert (new[0].reason, new[0].status_before, new[-1].status_after) == ("Because.", "pending_approval", status)


@each_verb
def test_no_record_no_decision(order: Order, mei: User, verb: Verb, full_history: None) -> None:
    before = making.everything()
    with pytest.raises(DatabaseError, match="disk full"):
        decide(verb, order, mei)
    assert making.everything() == before


@each_verb
def test_a_digest_that_is_not_the_current_one_records_nothing(order: Order, mei: User, verb: Verb) -> None:
    before = making.everything()
    for digest in ("0" * 64, "nonsense", order.content.digest.upper(), order.content.digest[:-1]):
        with pytest.raises(Changed):
            decide(verb, order, mei, digest=digest)
    with pytest.raises(Changed):
        verb(order=order, by=mei, digest="", seen_revision=1, comment="No.")
    assert making.everything() == before


@each_verb
@pytest.mark.parametrize("seen", [0, 2])
def test_a_revision_that_is_not_the_current_one_records_nothing(order: Order, mei: User, verb: Verb, seen: int) -> None:
    before = making.everything()
    with pytest.raises(Changed):
        verb(order=order, by=mei, digest=order.content.digest, seen_revision=seen, comment="No.")
    assert making.everything() == before


@each_verb
def test_what_was_edited_meanwhile_is_not_decided(order: Order, lin: User, mei: User, verb: Verb) -> None:
    content = making.certificate(order_number=2)
    ordering.edit(order=order, by=lin, content=content, seen_revision=1, request=False)
    before = making.everything()
    with pytest.raises(Changed):
        decide(verb, order, mei)
    assert making.everything() == before


@each_verb
@pytest.mark.parametrize(
    "content",
    [
        Content(values=making.CERTIFICATE, purpose="Something else", team="Payments", domain_names=["www.example.com"]),
        making.certificate(domain_names=["login.bank.example.com"]),
    ],
    ids=["purpose", "domain names"],
)
def test_what_the_approver_did_not_see_is_not_decided_even_where_the_body_stays_the_same(
    order: Order, lin: User, mei: User, verb: Verb, content: Content
) -> None:
    edited = ordering.edit(order=order, by=lin, content=content, seen_revision=1, request=False)
    assert edited.content.digest == order.content.digest
    before = making.everything()
    with pytest.raises(Changed):
        decide(verb, order, mei)
    assert making.everything() == before


@each_verb
@pytest.mark.parametrize(
    ("groups", "fields"),
    [
        ((), {}),
        ((), {"is_superuser": True, "is_staff": True}),
        ((AUDITORS,), {}),
        ((APPROVERS, AUDITORS), {}),
        ((APPROVERS,), {"is_active": False}),
    ],
    ids=["engineer", "superuser", "auditor", "auditor and approver", "inactive"],
)
def test_who_may_not_decide_changes_nothing_and_is_recorded(
    order: Order, verb: Verb, groups: tuple[str, ...], fields: dict[str, bool]
) -> None:
    assert_denied(verb, order, making.person("pat", *groups, **fields))


@each_verb
def test_nobody_decides_on_their_own_order(mei: User, omar: User, verb: Verb) -> None:
    assert_denied(verb, making.order(mei), mei)


@each_verb
def test_nobody_decides_on_what_they_edited(order: Order, mei: User, omar: User, verb: Verb) -> None:
    failed = making.answered(making.approve(order, mei), making.NO)
    assert_denied(verb, making.retried(failed, by=omar), omar)


@each_verb
def test_nobody_decides_twice(lin: User, mei: User, omar: User, verb: Verb) -> None:
    order = making.approve(making.order(lin, making.ca()), mei)
    if verb is not approving.approve:
        assert_denied(verb, order, mei)


def test_the_same_vote_again_is_no_second_one(lin: User, mei: User, omar: User) -> None:
    order = making.approve(making.order(lin, making.ca()), mei)
    before = making.everything()
    making.approve(order, mei)
    assert making.everything() == before


@each_verb
def test_only_what_waits_for_approval_is_decided(order: Order, mei: User, verb: Verb) -> None:
    for status in set(Status) - {Status.PENDING_APPROVAL}:
        order = making.put(order, status)
        with pytest.raises((Denied, Changed)):
            decide(verb, order, mei)
        assert (making.fresh(order).status, making.fresh(order).version) == (status, order.version)
    assert not Approval.objects.exists()


def assert_denied(verb: Verb, order: Order, by: User) -> None:
    order = making.fresh(order)
    before = making.everything()
    with pytest.raises(Denied) as denial:
        decide(verb, order, by)
    after = making.everything()
    event = after["Event"].pop()
    assert after == before
    assert (event["kind"], event["by_id"], event["reason"]) == (
        f"denied.{verb.__name__}",
        by.pk,
        denial.value.sentence,
    )


@pytest.mark.parametrize("verb", [approving.reject, approving.request_changes])
@pytest.mark.parametrize("comment", ["", " ", "\n"])
def test_a_no_needs_a_reason(order: Order, mei: User, verb: Verb, comment: str) -> None:
    before = making.everything()
    with pytest.raises(Invalid) as refusal:
        decide(verb, order, mei, comment=comment)
    assert list(refusal.value.problems) == ["comment"]
    assert making.everything() == before


def test_two_people_approve_what_needs_two(lin: User, mei: User, omar: User) -> None:
    order = making.approve(making.order(lin, making.ca()), mei)
    assert order.status == Status.PENDING_APPROVAL
    assert making.approve(order, omar).status == Status.APPROVED
    assert making.kinds(order)[2:] == ["order.approval_given", "order.approval_given", "order.approved"]


def test_an_approval_of_somebody_who_lost_the_right_does_not_count(
    lin: User, mei: User, omar: User, sofia: User
) -> None:
    order = making.approve(making.order(lin, making.ca()), mei)
    making.without_right(mei)
    assert making.approve(order, omar).status == Status.PENDING_APPROVAL
    assert making.approve(order, sofia).status == Status.APPROVED


def test_who_loses_the_right_while_the_page_is_open_does_not_approve(order: Order, mei: User) -> None:
    stale = User.objects.get(pk=mei.pk)
    assert stale.is_approver
    making.without_right(mei)
    decide(approving.approve, order, stale)
    assert making.fresh(order).status == Status.PENDING_APPROVAL


def test_the_last_approval_sends_the_order_on_its_way(
    lin: User,
    mei: User,
    omar: User,
    messages: Messages,
    django_capture_on_commit_callbacks: Callable[..., object],
) -> None:
    order = making.order(lin, making.ca())
    for approver, announced in ((mei, []), (omar, [order.pk])):
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
            making.approve(order, approver)
        assert messages() == announced


@pytest.mark.parametrize("verb", [approving.reject, approving.request_changes])
def test_nothing_else_does(
    order: Order, mei: User, verb: Verb, django_capture_on_commit_callbacks: Callable[..., object]
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:  # type: ignore[attr-defined]
        decide(verb, order, mei)
    assert callbacks == []
