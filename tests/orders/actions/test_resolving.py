"""Settling an unconfirmed order: what the look-ups lead to, and what two people decide. No cloud takes part."""

from datetime import timedelta

import pytest
from django.utils import timezone

from orders import epoch
from orders.actions import resolving
from orders.actions.resolving import Asked, Candidate
from orders.models import Event, Finding, Lookup, Order
from orders.states import Status
from portal.models import User
from tests import making

pytestmark = pytest.mark.django_db(transaction=True)
Objection = Lookup.Objection
TOLD, SILENT = Asked(source="billing", ok=True), Asked(source="billing", ok=False)


@pytest.fixture
def lost(lin: User, mei: User) -> Order:
    return making.answered(making.approve(making.order(lin), mei), making.SILENCE)


def seen(order_id: str = "CS1", *objections: Objection) -> Candidate:
    return Candidate(order_id=order_id, item_ids=(), found_by="billing", objections=objections)


def looked(order: Order, *candidates: Candidate, asked: Asked = TOLD, times: int = 1) -> Order:
    for _ in range(times):
        order = making.fresh(order)
        resolving.record_lookup(order=order, seen=order.lookups.count(), asked=[asked], candidates=candidates)
    return making.fresh(order)


def waited(order: Order, **by: float) -> Order:
    Order.objects.filter(pk=order.pk).update(status_since=timezone.now() - timedelta(**by))
    return making.fresh(order)


def proposed(order: Order, *candidates: Candidate) -> Order:
    order = looked(waited(order, hours=25), *candidates, times=resolving.NEGATIVES)
    assert order.absence_proposed_at is not None
    return order


def attach(order: Order, by: User, order_id: str = "CS1") -> Order:
    candidate = Candidate(order_id=order_id, item_ids=(), found_by="people")
    return resolving.attach(order=order, by=by, reason="Seen there", candidate=candidate)


def absent(order: Order, by: User) -> Order:
    return resolving.declare_absent(order=making.fresh(order), by=by, reason="Nowhere")


def test_after_an_hour_of_nothing_absence_is_proposed(lost: Order) -> None:
    assert looked(waited(lost, minutes=59), times=3).absence_proposed_at is None
    assert looked(waited(lost, minutes=61)).absence_proposed_at is not None


def test_answers_that_failed_are_no_negatives(lost: Order) -> None:
    assert looked(waited(lost, days=3), asked=SILENT, times=5).absence_proposed_at is None


def test_a_failure_in_between_starts_the_count_anew(lost: Order) -> None:
    lost = waited(lost, hours=2)
    looked(lost, times=2)
    looked(lost, asked=SILENT)
    assert looked(lost, times=2).absence_proposed_at is None
    assert looked(lost).absence_proposed_at is not None


def test_what_may_be_it_keeps_absence_back_for_a_day_but_not_for_ever(lost: Order) -> None:
    doubtful = seen("CS1", Objection.BUYER_UNKNOWN)
    assert looked(waited(lost, hours=23), doubtful, times=3).absence_proposed_at is None
    assert looked(waited(lost, hours=25), doubtful).absence_proposed_at is not None


def test_of_several_that_agree_in_everything_none_may_be_it(lost: Order) -> None:
    assert looked(waited(lost, hours=23), seen("CS1"), seen("CS2"), times=3).absence_proposed_at is None
    assert looked(waited(lost, hours=25), seen("CS1"), seen("CS2")).absence_proposed_at is not None


def test_anything_that_anybody_bought_is_no_finding(lost: Order, mei: User, omar: User) -> None:
    proposed(lost, seen("CS2", Objection.BUYER_UNKNOWN, Objection.CONTENT_UNSEEN), seen("CS3", Objection.BUYER_UNKNOWN))
    for person in (mei, omar):
        absent(lost, person)
    assert [each.cloud_order_id for each in Finding.objects.all()] == ["CS3"]


def test_a_finding_that_got_an_owner_is_nobodys_no_more(lost: Order, mei: User, omar: User) -> None:
    Finding.objects.create(cloud_order_id="CS1", at=timezone.now())
    Finding.objects.create(cloud_order_id="CS2", at=timezone.now())
    for person in (mei, omar):
        attach(lost, person)
    assert [each.cloud_order_id for each in Finding.objects.unowned()] == ["CS2"]


def test_look_ups_that_were_stored_before_there_were_objections_are_read(lost: Order, mei: User, omar: User) -> None:
    """They can never be changed."""
    old = {"order_id": "CS7", "item_ids": [], "exact": False, "found_by": "billing", "evidence": {}}
    Lookup.objects.create(order=lost, number=1, at=timezone.now(), result="uncertain", sources=[], candidates=[old])
    assert lost.lookups.get().shown_candidates[0]["objections"] == []
    for person in (mei, omar):
        attach(lost, person)
    assert [each.cloud_order_id for each in Finding.objects.all()] == ["CS7"]


def test_something_new_takes_the_proposal_back(lost: Order) -> None:
    order = looked(proposed(lost), seen("CS1", Objection.LATE))
    assert order.absence_proposed_at is None
    assert order.events.get(kind="order.absence_withdrawn").data == {"new": ["CS1"]}


def test_absence_said_before_something_turned_up_does_not_count(lost: Order, mei: User, omar: User) -> None:
    absent(proposed(lost), mei)
    doubtful = seen("CS1", Objection.LATE)
    looked(lost, doubtful)
    order = looked(lost, doubtful, times=resolving.NEGATIVES)
    assert order.absence_proposed_at is not None
    assert absent(order, omar).status == Status.UNCONFIRMED
    assert absent(order, mei).status == Status.ABSENT


def test_absence_does_not_outvote_an_order_that_the_cloud_confirmed(
    lost: Order, mei: User, omar: User, sofia: User
) -> None:
    proposed(lost)
    attach(lost, mei)
    absent(lost, omar)
    assert absent(lost, sofia).status == Status.UNCONFIRMED
    order = absent(lost, mei)
    assert order.status == Status.ABSENT
    assert order.events.get(kind="order.declared_absent").data["people"] == ["mei", "omar", "sofia"]


def test_what_was_named_or_seen_stays_as_a_finding(lost: Order, mei: User, omar: User) -> None:
    proposed(lost, seen("CS2", Objection.LATE), seen("CS3", Objection.OTHER_BUYER), seen("CS4", Objection.CONTESTED))
    attach(lost, mei, "CS1")
    for person in (mei, omar):
        absent(lost, person)
    assert {each.cloud_order_id for each in Finding.objects.all()} == {"CS1", "CS2"}


def test_what_an_earlier_look_up_saw_is_a_finding_too(lost: Order, mei: User, omar: User) -> None:
    looked(lost, seen("CS1"), seen("CS2"))
    looked(lost, asked=SILENT)
    for person in (mei, omar):
        attach(lost, person)
    assert making.fresh(lost).status == Status.PLACED
    assert [each.cloud_order_id for each in Finding.objects.all()] == ["CS2"]


def test_in_an_old_copy_of_the_database_the_next_person_is_told(lost: Order, mei: User) -> None:
    epoch.write(Event(pk=10_000_000, at=timezone.now()))
    attach(lost, mei)
    assert lost.resolutions.get().evidence["objections"] == [Objection.RESTORED]


def test_who_lost_the_right_has_said_nothing(lost: Order, mei: User, omar: User) -> None:
    attach(lost, mei)
    making.without_right(mei)
    assert attach(lost, omar).status == Status.UNCONFIRMED
