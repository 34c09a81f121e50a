"""What time does: each deadline has one exit, taken once and never early."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine

from orders.actions import sweeping
from orders.models import Event, Order, Outcome, Stop
from orders.states import OPEN, STAGES, Status, target
from portal.models import User
from tests import making
from tests.orders.actions.conftest import Messages

pytestmark = pytest.mark.django_db

ENDING = sorted(status for status in OPEN if STAGES[status].then)


@pytest.mark.parametrize("status", ENDING)
def test_an_order_ends_at_its_deadline_and_not_before(lin: User, mei: User, status: Status) -> None:
    order = making.in_status(status, lin, mei)
    event = STAGES[status].then
    assert event is not None
    assert order.deadline_at is not None
    before = making.everything()
    with time_machine.travel(order.deadline_at - timedelta(milliseconds=1), tick=False):
        sweeping.end(order=order)
    assert making.everything() == before
    with time_machine.travel(order.deadline_at, tick=False):
        sweeping.end(order=order)
    assert making.fresh(order).status == target(event, status)
    last = Event.objects.newest_first()[0]
    assert (last.kind, last.by, last.order) == (f"order.{event}", None, order)
    assert last.data["why"] == ("worker_gone" if status == Status.SUBMITTING else "deadline")


@pytest.mark.parametrize("status", ENDING)
def test_an_order_that_moved_on_is_left_alone(lin: User, mei: User, status: Status) -> None:
    order = making.in_status(status, lin, mei)
    assert order.deadline_at is not None
    making.put(order, Status.PLACED)
    before = making.everything()
    with time_machine.travel(order.deadline_at + timedelta(days=1000), tick=False):
        sweeping.end(order=order)
    assert making.everything() == before


def test_an_unconfirmed_order_stays_whatever_the_time(lin: User, mei: User) -> None:
    order = making.in_status(Status.UNCONFIRMED, lin, mei)
    before = making.everything()
    with time_machine.travel(order.status_since + timedelta(days=1000), tick=False):
        sweeping.end(order=order)
    assert making.everything() == before


def test_a_worker_that_is_gone_leaves_an_unknown_outcome(lin: User, mei: User) -> None:
    order = making.in_status(Status.SUBMITTING, lin, mei)
    with time_machine.travel(order.status_since + timedelta(minutes=3), tick=False):
        sweeping.end(order=order)
    order = making.fresh(order)
    assert order.attempt is not None
    assert (order.status, order.attempt.outcome, order.attempt.error) == (
        Status.UNCONFIRMED,
        Outcome.LOST,
        "worker_gone",
    )


def test_an_approved_order_is_announced_again(
    lin: User, mei: User, messages: Messages, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    order = making.in_status(Status.APPROVED, lin, mei)
    with django_capture_on_commit_callbacks(execute=True):
        sweeping.remind(order=order)
    assert messages() == [order.pk]


def test_two_outcomes_lost_within_ten_minutes_stop_buying_once(lin: User, mei: User) -> None:
    for number in (1, 2):
        assert not Stop.objects.exists()
        making.answered(making.approve(making.order(lin, making.certificate(order_number=number)), mei), making.SILENCE)
    sweeping.guard()
    sweeping.guard()
    stop = Stop.objects.get()
    assert (stop.cause, stop.product, stop.stopped_by) == (Stop.Cause.BREAKER, "", None)
    assert Event.objects.filter(kind="buying.stopped").count() == 1


def test_nothing_is_stopped_while_all_is_well(lin: User, mei: User) -> None:
    making.in_status(Status.PLACED, lin, mei)
    sweeping.guard()
    assert not Stop.objects.exists()


def test_orders_are_found_when_they_are_due_and_overdue(lin: User, mei: User) -> None:
    order = making.in_status(Status.APPROVED, lin, mei)
    now = order.status_since
    Order.objects.update(not_before=now + timedelta(minutes=1))
    assert not Order.objects.due(now)
    assert list(Order.objects.due(now + timedelta(minutes=1))) == [order]
    assert order.deadline_at is not None
    assert not Order.objects.overdue(order.deadline_at - timedelta(milliseconds=1))
    assert list(Order.objects.overdue(order.deadline_at)) == [order]
