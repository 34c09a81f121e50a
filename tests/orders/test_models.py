"""What the database itself refuses, whoever asks; and what the queries find."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from orders.models import Approval, Attempt, Decision, Event, Item, Order, Outcome, Stop
from orders.states import FINAL, IN_FLIGHT, OPEN, Status
from portal.models import User
from tests import making

pytestmark = pytest.mark.django_db


@pytest.fixture
def order(lin: User, mei: User) -> Order:
    return making.order(lin)


def refused(constraint: str, order: Order, **columns: Any) -> None:
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        Order.objects.filter(pk=order.pk).update(**columns)
    assert constraint in str(refusal.value) or "UNIQUE constraint failed" in str(refusal.value)


@pytest.mark.parametrize("status", ["bought", "", "DRAFT", "Placed"])
def test_a_status_that_does_not_exist_is_refused(order: Order, status: str) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(status=status)


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.PLACED}))
def test_only_a_placed_order_has_a_cloud_order_id(order: Order, status: Status) -> None:
    order = making.put(order, status)
    refused("placed_means_order_id", order, cloud_order_id="CS1")


def test_a_placed_order_has_one(order: Order) -> None:
    refused("placed_means_order_id", making.put(order, Status.PLACED), cloud_order_id=None)


@pytest.mark.parametrize("status", sorted(OPEN))
def test_an_open_order_has_a_deadline(order: Order, status: Status) -> None:
    refused("open_means_deadline", making.put(order, status), deadline_at=None)


@pytest.mark.parametrize("status", sorted(FINAL))
def test_a_final_order_has_none(order: Order, status: Status) -> None:
    refused("open_means_deadline", making.put(order, status), deadline_at=timezone.now())


def test_nothing_is_approved_by_nobody(order: Order) -> None:
    refused("quorum_at_least_one", order, quorum=0)


@pytest.mark.parametrize("first", sorted(IN_FLIGHT))
@pytest.mark.parametrize("second", sorted(IN_FLIGHT))
def test_two_orders_with_the_same_content_are_never_in_flight(
    order: Order, ana: User, first: Status, second: Status
) -> None:
    making.put(order, first)
    twin = making.order(ana)
    refused("one_in_flight_per_fingerprint", twin, status=second)
    making.put(order, Status.FAILED)
    assert making.put(twin, second)


def test_an_order_in_the_cloud_belongs_to_one_order_here(order: Order, ana: User) -> None:
    placed = making.put(order, Status.PLACED)
    other = making.put(making.order(ana), Status.PLACED)
    refused("one_owner_per_cloud_order", other, cloud_order_id=placed.cloud_order_id)


def test_an_item_belongs_to_one_order(order: Order, ana: User) -> None:
    other, now = making.order(ana), timezone.now()
    Item.objects.create(order=order, cloud_id="scs1", created_at=now)
    with pytest.raises(IntegrityError), transaction.atomic():
        Item.objects.create(order=other, cloud_id="scs1", created_at=now)


def vote(order: Order, by: User, **columns: Any) -> Approval:
    given = {"decision": Decision.APPROVE, "digest": order.content.digest, "at": timezone.now()}
    return Approval.objects.create(order=order, revision=order.content, by=by, **given | columns)


def test_one_person_votes_once_on_a_revision(order: Order, mei: User) -> None:
    vote(order, mei)
    with pytest.raises(IntegrityError), transaction.atomic():
        vote(order, mei, decision=Decision.REJECT, comment="No.")


@pytest.mark.parametrize("decision", [Decision.REJECT, Decision.REQUEST_CHANGES])
def test_a_no_without_a_reason_is_refused(order: Order, mei: User, decision: Decision) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        vote(order, mei, decision=decision)
    assert vote(order, mei, decision=decision, comment="Too many.")


def attempt(order: Order, number: int, outcome: Outcome, *, claimed: bool) -> Attempt:
    now = timezone.now()
    return Attempt.objects.create(
        order=order,
        revision=order.content,
        number=number,
        outcome=outcome,
        started_at=now,
        claimed_at=now if claimed else None,
    )


@pytest.mark.parametrize("first", [Outcome.SENDING, Outcome.PLACED, Outcome.LOST])
@pytest.mark.parametrize("second", [Outcome.SENDING, Outcome.PLACED, Outcome.LOST])
def test_an_order_is_possibly_executed_once(order: Order, first: Outcome, second: Outcome) -> None:
    attempt(order, 1, first, claimed=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        attempt(order, 2, second, claimed=True)
    assert attempt(order, 2, Outcome.REFUSED, claimed=True)


@pytest.mark.parametrize("outcome", Outcome)
def test_what_was_claimed_was_maybe_sent_and_nothing_else(order: Order, outcome: Outcome) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        attempt(order, 1, outcome, claimed=outcome == Outcome.NOT_SENT)
    assert attempt(order, 1, outcome, claimed=outcome != Outcome.NOT_SENT)


def test_a_try_has_its_number_once(order: Order) -> None:
    attempt(order, 1, Outcome.NOT_SENT, claimed=False)
    with pytest.raises(IntegrityError), transaction.atomic():
        attempt(order, 1, Outcome.BOUNCED, claimed=True)


def test_one_cause_stops_one_product_once(db: None) -> None:
    given = {"product": "", "cause": Stop.Cause.BREAKER, "reason": "Lost.", "stopped_at": timezone.now()}
    stop = Stop.objects.create(**given)
    with pytest.raises(IntegrityError), transaction.atomic():
        Stop.objects.create(**given)
    Stop.objects.filter(pk=stop.pk).update(lifted_at=timezone.now())
    assert Stop.objects.create(**given)


def test_nobody_lifts_a_stop_that_still_stands(mei: User) -> None:
    given = {"cause": Stop.Cause.PERSON, "reason": "Audit.", "stopped_at": timezone.now()}
    with pytest.raises(IntegrityError), transaction.atomic():
        Stop.objects.create(lifted_by=mei, **given)


# ---------------------------------------------------------------- what the queries find


def test_an_engineer_sees_their_own_orders_and_the_team_sees_all(
    lin: User, ana: User, mei: User, noor: User, admin: User
) -> None:
    own, other = making.order(lin), making.order(ana)
    assert list(Order.objects.visible_to(lin)) == [own]
    for user in (mei, noor, admin):
        assert set(Order.objects.visible_to(user)) == {own, other}


def test_a_row_of_a_list_costs_two_queries(lin: User, mei: User, django_assert_num_queries: Any) -> None:
    making.in_status(Status.PLACED, lin, mei)
    making.order(lin, making.certificate(order_number=2))
    with django_assert_num_queries(2):
        rows = list(Order.objects.with_row().newest_first())
        assert [(str(row.requester), row.content.number, row.attempt and row.attempt.number, len(row.items.all()))
                for row in rows] == [("lin", 1, None, 0), ("lin", 1, 1, 1)]  # fmt: skip


def test_a_reference_does_not_look_like_a_row_number(order: Order) -> None:
    assert order.reference == f"ORD-{1000 + order.pk}"
    assert str(order) == order.reference
    assert str(order.content) == f"{order.reference} r1"
    assert order.get_absolute_url() == f"/orders/{1000 + order.pk}/"


def test_an_order_without_content_says_so() -> None:
    with pytest.raises(ValueError, match="no revision yet"):
        _content = Order().content


def test_the_facts_are_in_words(order: Order) -> None:
    facts = {str(label): str(value) for label, value in order.content.facts()}
    assert facts["Brand"] == "GlobalSign"
    assert facts["Certificate type"] == "OV: organisation validated"
    assert facts["Validity in years"] == "1"
    assert facts["I agree to the cloud's privacy terms"] == "yes"
    assert order.content.body_text == bytes(order.content.body).decode()


def test_the_facts_of_a_ca_are_in_words(lin: User) -> None:
    order = making.order(lin, making.ca(period_type=3), request=False)
    facts = {str(label): str(value) for label, value in order.content.facts()}
    assert (facts["Period unit"], facts["Renew automatically"]) == ("Years", "no")


@pytest.mark.parametrize(
    ("kind", "label"),
    [
        ("order.approved", "Approved"),
        ("denied.request_changes", "Refused: ask for changes"),
        ("buying.stopped", "Buying stopped"),
        ("order.unheard_of", "order.unheard_of"),
    ],
)
def test_an_event_has_words(kind: str, label: str) -> None:
    assert Event(kind=kind).label == label
    assert str(Event(kind=kind, pk=7)) == f"{kind} #7"


def test_events_are_found_by_time(order: Order) -> None:
    drafted, requested = Event.objects.order_by("pk")
    assert list(Event.objects.between(None, None).newest_first()) == [requested, drafted]
    assert list(Event.objects.between(requested.at, None)) == [requested]
    assert list(Event.objects.between(None, requested.at)) == [drafted]


def test_the_duration_of_a_try_is_known_when_it_is_over() -> None:
    start = timezone.now()
    assert Attempt(started_at=start).duration_ms is None
    assert Attempt(started_at=start, finished_at=start + timedelta(seconds=1.5)).duration_ms == 1500
