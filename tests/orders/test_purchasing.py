"""Buying against the real sandbox process; its ledger is the witness, never our own table."""

from typing import Any

import pytest
from django.db import OperationalError
from pydantic import SecretStr
from pytest_django import Settings

from orders import account, purchasing
from orders.actions import submitting
from orders.models import Event, Order
from orders.states import Status
from portal.models import User
from tests import making, sandbox_process
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


def test_an_order_that_does_not_exist_is_no_error() -> None:
    purchasing.buy(10**9)


def test_without_credentials_nothing_is_sent_and_the_reason_is_shown(
    sandbox: Sandbox, approved: Order, settings: Settings
) -> None:
    settings.CLOUD = making.cloud_config(sandbox.url, cloud_sdk_ak="", cloud_iam_user="")
    account.current_account.cache_clear()
    order = making.bought(approved)
    assert order.status == Status.APPROVED
    assert order.attempt is not None
    assert order.attempt.error.startswith("CredentialsRefused")
    assert order.not_before is not None


def test_an_iam_user_buys_with_a_token(sandbox: Sandbox, approved: Order, settings: Settings) -> None:
    settings.CLOUD = making.cloud_config(
        sandbox.url,
        cloud_sdk_ak="",
        cloud_iam_password=SecretStr(sandbox_process.PASSWORD),
        cloud_iam_domain=sandbox_process.DOMAIN_NAME,
    )
    account.current_account.cache_clear()
    assert making.bought(approved).status == Status.PLACED


def test_a_token_that_is_refused_is_renewed_at_once(sandbox: Sandbox, approved: Order) -> None:
    sandbox.fault("401")
    order = making.bought(approved)
    assert (order.status, order.not_before) == (Status.APPROVED, None)
    assert making.bought(approved).status == Status.PLACED
    assert len(sandbox.ledger()) == 1


@pytest.mark.parametrize("stopped_by", [KeyboardInterrupt, SystemExit])
def test_a_worker_stopped_after_the_claim_leaves_the_outcome_unknown(
    sandbox: Sandbox, approved: Order, monkeypatch: pytest.MonkeyPatch, stopped_by: type[BaseException]
) -> None:
    def interrupted(**given: object) -> None:
        raise stopped_by

    monkeypatch.setattr(submitting, "note_answer", interrupted)
    with pytest.raises(stopped_by):
        making.bought(approved)
    assert making.fresh(approved).status == Status.UNCONFIRMED
    assert len(sandbox.ledger()) == 1


def test_a_status_that_cannot_be_noted_at_once_is_stored_with_the_answer(
    sandbox: Sandbox, approved: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(**given: object) -> None:
        raise OperationalError("the database is away for a moment")

    monkeypatch.setattr(submitting, "note_answer", unavailable)
    order = making.bought(approved)
    assert order.status == Status.PLACED
    assert order.attempt is not None
    assert order.attempt.http_status == 200


def test_an_answer_that_cannot_be_stored_is_shouted_and_left_to_the_sweeper(
    sandbox: Sandbox, approved: Order, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def unavailable(**given: object) -> None:
        raise OperationalError("the database is gone")

    monkeypatch.setattr(submitting, "conclude", unavailable)
    with pytest.raises(OperationalError):
        making.bought(approved)
    assert making.fresh(approved).status == Status.SUBMITTING
    assert sandbox.ledger()[0]["order_id"] in caplog.text


def test_an_approval_that_no_longer_counts_goes_back_to_people(sandbox: Sandbox, approved: Order, mei: User) -> None:
    mei.groups.clear()
    assert making.bought(approved).status == Status.PENDING_APPROVAL
    assert sandbox.ledger() == []


def test_a_right_lost_between_check_and_first_byte_sends_nothing(
    sandbox: Sandbox, approved: Order, mei: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = submitting.claim

    def too_late(**given: Any) -> Any:
        mei.groups.clear()
        return claim(**given)

    monkeypatch.setattr(submitting, "claim", too_late)
    assert making.bought(approved).status == Status.PENDING_APPROVAL
    assert sandbox.ledger() == []
