"""One private function moves an order along one edge; the whole matrix comes from the table."""

from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from orders import states
from orders.actions import moves
from orders.errors import Changed, Denied
from orders.models import Event, Order
from orders.states import EVENTS, STAGES, Status
from portal.middleware import current_request_id
from portal.models import User
from tests import making

pytestmark = pytest.mark.django_db

MATRIX = [(name, status) for name in EVENTS for status in Status]
LEGAL = [(name, status) for name, status in MATRIX if states.target(name, status)]
ILLEGAL = [(name, status) for name, status in MATRIX if not states.target(name, status)]


def put(order: Order, status: Status) -> Order:
    """Into a status past all verbs: what a move does must depend on the status alone."""
    now = timezone.now()
    lasts = STAGES[status].lasts
    columns: dict[str, Any] = {
        "status": status,
        "deadline_at": None if lasts is None else now + lasts,
        "cloud_order_id": "CS1" if status == Status.PLACED else None,
    }
    Order.objects.filter(pk=order.pk).update(**columns)
    return making.fresh(order)


@pytest.fixture
def order(lin: User) -> Order:
    return making.order(lin, request=False)


@pytest.mark.parametrize(("name", "status"), LEGAL)
def test_a_legal_move_changes_the_order_and_is_recorded_once(order: Order, mei: User, name: str, status: Status) -> None:
    order = put(order, status)
    before, version, to = Event.objects.count(), order.version, states.target(name, status)
    needed = {"cloud_order_id": "CS1"} if to == Status.PLACED else {}
    moves.move(order, name, by=mei, reason="Because.", data={"n": 1}, **needed)
    assert (making.fresh(order).status, making.fresh(order).version) == (to, version + 1)
    assert Event.objects.count() == before + 1
    event = Event.objects.newest_first()[0]
    assert (event.kind, event.status_before, event.status_after) == (f"order.{name}", status, to)
    assert (event.order, event.by, event.by_name, event.reason) == (order, mei, "mei", "Because.")
    assert (event.data, event.revision_number) == ({"n": 1}, 1)


@pytest.mark.parametrize(("name", "status"), ILLEGAL)
def test_an_illegal_move_changes_and_records_nothing(order: Order, mei: User, name: str, status: Status) -> None:
    order = put(order, status)
    row, events = making.row(order), Event.objects.count()
    with pytest.raises(Changed):
        moves.move(order, name, by=mei)
    assert making.row(order) == row
    assert Event.objects.count() == events


@pytest.mark.parametrize(("name", "status"), LEGAL)
def test_entering_a_status_starts_its_clock_and_staying_does_not(order: Order, name: str, status: Status) -> None:
    order = put(order, status)
    since, deadline, to = order.status_since, order.deadline_at, states.target(name, status)
    moves.move(order, name, by=None, **({"cloud_order_id": "CS1"} if to == Status.PLACED else {}))
    order = making.fresh(order)
    if to == status:
        assert (order.status_since, order.deadline_at) == (since, deadline)
    else:
        lasts = order.stage.lasts
        assert order.status_since > since
        assert order.deadline_at == (lasts and order.status_since + lasts)


@pytest.mark.parametrize("column", ["version", "status"])
def test_a_row_that_somebody_else_changed_is_not_moved(order: Order, column: str) -> None:
    changed: dict[str, Any] = {"version": order.version + 1, "status": Status.PENDING_APPROVAL}
    Order.objects.filter(pk=order.pk).update(**{column: changed[column]})
    row = making.row(order)
    with pytest.raises(Changed):
        moves.move(order, "discarded", by=None)
    assert making.row(order) == row
    assert making.kinds(order) == ["order.drafted"]


def test_no_record_no_change(order: Order, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_columns: Any) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(Event.objects, "create", refuse)
    row = making.row(order)
    with pytest.raises(DatabaseError), transaction.atomic():
        moves.move(order, "discarded", by=None)
    assert making.row(order) == row


def test_an_event_carries_the_request_that_caused_it(order: Order) -> None:
    token = current_request_id.set("req-12345678")
    try:
        event = moves.record("buying.stopped", by=None)
    finally:
        current_request_id.reset(token)
    assert (event.request_id, event.by, event.by_name, event.order) == ("req-12345678", None, "", None)


def test_a_denied_verb_is_rolled_back_and_recorded(order: Order, mei: User) -> None:
    @moves.verb("sell")
    def sell(*, order: Order, by: User) -> None:
        moves.move(order, "discarded", by=by)
        raise Denied("Nothing is sold here.")

    row = making.row(order)
    with pytest.raises(Denied):
        sell(order=making.fresh(order), by=mei)
    assert making.row(order) == row
    event = Event.objects.newest_first()[0]
    assert (event.kind, event.by, event.order, event.reason) == ("denied.sell", mei, order, "Nothing is sold here.")
    assert making.kinds(order) == ["order.drafted", "denied.sell"]
