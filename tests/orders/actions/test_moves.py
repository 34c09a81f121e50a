"""One private function moves an order along one edge; the whole matrix comes from the table."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import translation
from django.utils.translation import trans_real

from orders import states
from orders.actions import moves, ordering
from orders.errors import Changed, Denied
from orders.models import Event, Order
from orders.states import EVENTS, Status
from portal.middleware import current_request_id
from portal.models import User
from tests import making

pytestmark = pytest.mark.django_db

LEGAL = [(name, status) for name, event in EVENTS.items() for status in event.moves]


@pytest.fixture
def order(lin: User) -> Order:
    return making.order(lin, request=False)


@pytest.mark.parametrize(("name", "status"), LEGAL)
def test_a_legal_move_changes_the_order_and_is_recorded(order: Order, mei: User, name: str, status: Status) -> None:
    order = making.put(order, status)
    before, version, to = Event.objects.count(), order.version, states.target(name, status)
    needed: dict[str, Any] = {"cloud_order_id": "CS1"} if to == Status.PLACED else {}
    moves.move(order, name, by=mei, reason="Because.", data={"n": 1}, **needed)
    assert (making.fresh(order).status, making.fresh(order).version) == (to, version + 1)
    assert Event.objects.count() == before + 1
    event = Event.objects.newest_first()[0]
    assert (event.kind, event.status_before, event.status_after) == (f"order.{name}", status, to)
    assert (event.order, event.by, event.by_name, event.reason) == (order, mei, "mei", "Because.")
    assert (event.data, event.revision_number) == ({"n": 1}, 1)


@pytest.mark.parametrize("name", EVENTS)
def test_an_illegal_move_changes_and_records_nothing(order: Order, mei: User, name: str) -> None:
    for status in set(Status) - set(EVENTS[name].moves):
        order = making.put(order, status)
        before = making.everything()
        with pytest.raises(Changed):
            moves.move(order, name, by=mei)
        assert making.everything() == before


@pytest.mark.parametrize(("name", "status"), LEGAL)
def test_entering_a_status_starts_its_clock_and_staying_does_not(order: Order, name: str, status: Status) -> None:
    order = making.put(order, status)
    since, deadline, to = order.status_since, order.deadline_at, states.target(name, status)
    needed: dict[str, Any] = {"cloud_order_id": "CS1"} if to == Status.PLACED else {}
    moves.move(order, name, by=None, **needed)
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
    before = making.everything()
    with pytest.raises(Changed):
        moves.move(order, "discarded", by=None)
    assert making.everything() == before


def test_no_record_no_change(order: Order, full_history: None) -> None:
    before = making.everything()
    with pytest.raises(DatabaseError), transaction.atomic():
        moves.move(order, "discarded", by=None)
    assert making.everything() == before


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

    with pytest.raises(Denied):
        sell(order=making.fresh(order), by=mei)
    assert making.fresh(order).status == Status.DRAFT
    event = Event.objects.newest_first()[0]
    assert (event.kind, event.by, event.order, event.reason) == ("denied.sell", mei, order, "Nothing is sold here.")
    assert making.kinds(order) == ["order.drafted", "denied.sell"]


CHINESE = {
    "Only the requester can discard this draft.": "只有申请人可以放弃此草稿。",
    "This is not possible while the order is “%(status)s”.": "订单处于“%(status)s”状态时无法执行此操作。",
    "Draft": "草稿",
}


@pytest.mark.parametrize(
    ("verb", "sentence"),
    [
        (ordering.discard, "Only the requester can discard this draft."),
        (making.retried, "This is not possible while the order is “Draft”."),
    ],
)
def test_the_history_is_written_in_english_whoever_is_denied(
    order: Order, mei: User, monkeypatch: pytest.MonkeyPatch, verb: Callable[..., object], sentence: str
) -> None:
    monkeypatch.setattr(trans_real.translation("zh-hans"), "_catalog", CHINESE)
    with translation.override("zh-hans"), pytest.raises(Denied) as denial:
        verb(order=order, by=mei)
    assert Event.objects.newest_first()[0].reason == sentence
    with translation.override("zh-hans"):
        assert denial.value.sentence != sentence
