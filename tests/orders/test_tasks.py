"""The entry points of the workers: a message is a hint, and a broker that is down breaks nothing."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from celery import Celery, current_app
from celery.exceptions import SoftTimeLimitExceeded

from orders import tasks
from orders.actions import moves, submitting, sweeping
from orders.models import Event, Order
from orders.states import OPEN, STAGES, Status, target
from portal.models import User
from tests import making
from tests.orders.actions.conftest import Messages, messages

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["messages"]

ENDING = sorted(status for status in OPEN if STAGES[status].then)


@pytest.fixture
def broken_broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody listens there."""
    with Celery("broken", set_as_current=False) as app:
        app.config_from_object("django.conf:settings", namespace="CELERY")
        app.conf.update(broker_url="redis://127.0.0.1:1/0")
        monkeypatch.setattr(moves, "current_app", app)
        yield


def test_a_sweep_announces_what_is_due_and_only_that(lin: User, mei: User, messages: Messages) -> None:
    due = making.in_status(Status.APPROVED, lin, mei)
    paused = making.approve(making.order(lin, making.certificate(order_number=2)), mei)
    Order.objects.filter(pk=paused.pk).update(not_before=due.status_since + timedelta(days=1))
    making.order(lin)
    messages()
    tasks.sweep()
    assert messages() == [due.pk]


def test_a_message_is_repeated_once_a_minute_and_not_at_every_sweep(lin: User, mei: User, messages: Messages) -> None:
    """Else the broker fills while all workers are busy."""
    order = making.in_status(Status.APPROVED, lin, mei)
    messages()
    for _ in range(3):
        tasks.sweep()
    assert messages() == [order.pk]
    with time_machine.travel(order.status_since + timedelta(minutes=2), tick=False):
        tasks.sweep()
        assert messages() == [order.pk]


def test_of_two_sweepers_at_once_one_announces(lin: User, mei: User, messages: Messages) -> None:
    order = making.in_status(Status.APPROVED, lin, mei)
    messages()
    for _ in range(2):
        sweeping.remind(order=order)
    assert messages() == [order.pk]


def test_after_a_pause_the_next_sweep_announces_at_once(lin: User, mei: User, messages: Messages) -> None:
    order = making.in_status(Status.APPROVED, lin, mei)
    tasks.sweep()
    submitting.defer(order=order, endpoint="", started_at=order.status_since, error="ConnectError", exchange=None)
    messages()
    with time_machine.travel(order.status_since + timedelta(seconds=15), tick=False):
        tasks.sweep()
    assert messages() == [order.pk]


@pytest.mark.parametrize("status", ENDING)
def test_a_sweep_ends_what_is_overdue_once(lin: User, mei: User, status: Status) -> None:
    order = making.in_status(status, lin, mei)
    assert order.deadline_at is not None
    with time_machine.travel(order.deadline_at, tick=False):
        tasks.sweep()
        swept = making.everything()
        tasks.sweep()
    event = STAGES[status].then
    assert event is not None
    assert making.fresh(order).status == target(event, status)
    assert making.everything() == swept


def test_an_expired_approval_is_ended_and_not_announced(lin: User, mei: User, messages: Messages) -> None:
    order = making.in_status(Status.APPROVED, lin, mei)
    messages()
    assert order.deadline_at is not None
    with time_machine.travel(order.deadline_at, tick=False):
        tasks.sweep()
    assert messages() == []


def test_an_approval_is_announced_once_it_is_committed(lin: User, mei: User, messages: Messages) -> None:
    order = making.approve(making.order(lin), mei)
    assert messages() == [order.pk]


def test_an_approval_holds_although_the_broker_is_down(
    lin: User, mei: User, broken_broker: None, caplog: pytest.LogCaptureFixture
) -> None:
    order = making.approve(making.order(lin), mei)
    assert making.fresh(order).status == Status.APPROVED
    assert "broker was not told" in caplog.text


def test_a_sweep_goes_on_although_the_broker_is_down(lin: User, mei: User, broken_broker: None) -> None:
    making.approve(making.order(lin), mei)
    pending = making.order(lin, making.certificate(order_number=2))
    Order.objects.filter(pk=pending.pk).update(deadline_at=pending.status_since)
    tasks.sweep()
    assert making.fresh(pending).status == Status.EXPIRED


def test_one_that_cannot_be_swept_keeps_nobody_waiting(lin: User, mei: User, monkeypatch: pytest.MonkeyPatch) -> None:
    order = making.in_status(Status.SUBMITTING, lin, mei)

    def broken() -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(sweeping, "guard", broken)
    Order.objects.update(deadline_at=order.status_since)
    tasks.sweep()
    assert making.fresh(order).status == Status.UNCONFIRMED


def test_the_end_of_its_time_ends_a_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    def over() -> None:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(sweeping, "guard", over)
    with pytest.raises(SoftTimeLimitExceeded):
        tasks.sweep()


def test_messages_outlive_a_difference_of_clocks() -> None:
    """The receiver's clock decides what is expired; they may differ by minutes."""
    assert current_app.conf.beat_schedule["sweep"]["options"]["expires"] >= 300
    assert sweeping.REMINDER_EXPIRES >= 300


def test_a_message_about_an_order_that_is_not_approved_does_nothing(lin: User) -> None:
    order = making.order(lin, request=False)
    before = making.everything()
    tasks.submit_order.apply(kwargs={"order_id": order.pk}, throw=True)
    tasks.submit_order.apply(kwargs={"order_id": order.pk + 1}, throw=True)
    assert making.everything() == before


def test_events_of_a_task_carry_its_id_and_those_of_the_next_one_do_not(lin: User, mei: User) -> None:
    order = making.approve(making.order(lin), mei)
    making.without_right(mei)
    tasks.submit_order.apply(kwargs={"order_id": order.pk}, task_id="task-0001", throw=True)
    assert Event.objects.newest_first()[0].request_id == "task-0001"
    Order.objects.update(deadline_at=order.status_since)
    tasks.sweep.apply(throw=True)
    last = Event.objects.newest_first()[0]
    assert (last.kind, last.request_id == "task-0001") == ("order.expired", False)


@pytest.mark.parametrize("task", [tasks.submit_order, tasks.sweep, tasks.look_up])
def test_a_task_is_never_repeated_by_the_broker(task: Any) -> None:
    assert (task.max_retries, task.acks_late, task.ignore_result) == (0, False, True)
    assert not getattr(task, "autoretry_for", ())
    assert current_app.conf.task_always_eager is False
