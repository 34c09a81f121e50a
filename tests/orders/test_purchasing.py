"""Buying against the real sandbox process; its ledger is the witness, never our own table."""

import pytest

from orders.models import Event, Order
from orders.states import Status
from portal.models import User
from tests import making
from tests.sandbox_process import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def approved(lin: User, mei: User) -> Order:
    return making.approve(making.order(lin), mei)


def test_an_approved_order_is_bought_as_approved(sandbox: Sandbox, approved: Order) -> None:
    order = making.bought(approved)
    assert order.status == Status.PLACED
    (purchase,) = sandbox.ledger()
    assert purchase["body"].encode() == bytes(order.content.body)
    assert purchase["order_id"] == order.cloud_order_id
    assert [item.cloud_id for item in order.items.all()] == purchase["item_ids"]


def test_a_second_message_buys_nothing(sandbox: Sandbox, approved: Order) -> None:
    making.bought(approved)
    making.bought(approved)
    assert len(sandbox.ledger()) == 1


def test_a_refusal_is_shown_with_code_and_message(sandbox: Sandbox, approved: Order) -> None:
    sandbox.fault("out-of-sale")
    order = making.bought(approved)
    assert order.status == Status.FAILED
    assert order.attempt is not None
    assert order.attempt.code == "SCM.0049"
    assert order.attempt.message
    assert sandbox.ledger() == []


@pytest.mark.parametrize("fault", ["executed-then-reset", "executed-then-504", "200-without-id", "invalid-json"])
def test_a_lost_answer_is_unconfirmed_and_never_sent_again(sandbox: Sandbox, approved: Order, fault: str) -> None:
    sandbox.fault(fault)
    assert making.bought(approved).status == Status.UNCONFIRMED
    assert making.bought(approved).status == Status.UNCONFIRMED
    assert len(sandbox.ledger()) <= 1


def test_a_throttled_order_stays_approved_and_is_tried_later(sandbox: Sandbox, approved: Order) -> None:
    sandbox.fault("429")
    order = making.bought(approved)
    assert order.status == Status.APPROVED
    assert order.not_before is not None
    assert sandbox.ledger() == []


def test_nothing_is_sent_without_a_connection(sandbox: Sandbox, approved: Order, settings: object) -> None:
    sandbox.fault("refuse-before-connect", seconds=1)
    order = making.bought(approved)
    assert order.status == Status.APPROVED
    assert order.attempt is not None
    assert order.attempt.outcome == "not_sent"
    assert Event.objects.filter(order=order, kind="order.deferred").exists()
