"""The claim and what comes after it, without any HTTP: what is recorded, and what is refused before a byte leaves."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import DatabaseError, connection
from django.utils import timezone

from orders import append_only, catalogue, epoch
from orders.actions import submitting
from orders.cloud.exchange import Phase
from orders.cloud.verdicts import Placed, Refused, Verdict
from orders.errors import ClaimRefused, Denied
from orders.models import Attempt, Event, Finding, Item, Order, Outcome, Stop
from orders.states import IN_FLIGHT, Status
from portal.models import AUDITORS, User
from tests import making
from tests.orders.actions.conftest import Messages

pytestmark = pytest.mark.django_db

S = Status


@pytest.fixture
def order(lin: User, mei: User) -> Order:
    return making.approve(making.order(lin), mei)


def refused(order: Order, reason: str) -> None:
    """Refused before connecting and again at the claim, for that reason; and not a row is written."""
    before = making.everything()
    with pytest.raises(ClaimRefused) as early:
        submitting.check_may_send(making.fresh(order))
    with pytest.raises(ClaimRefused) as late:
        making.claimed(order)
    assert (early.value.reason, late.value.reason) == (reason, reason)
    assert making.everything() == before


# ---------------------------------------------------------------- the claim


def test_a_claim_says_what_will_be_sent_and_that_it_may_be(order: Order) -> None:
    attempt = making.claimed(order)
    order = making.fresh(order)
    assert (order.status, order.attempt) == (S.SUBMITTING, attempt)
    assert (attempt.outcome, attempt.number, attempt.revision) == (Outcome.SENDING, 1, order.content)
    assert (attempt.body_sha256, attempt.endpoint) == (order.content.digest, making.ENDPOINT)
    assert attempt.claimed_at is not None
    event = Event.objects.newest_first()[0]
    assert (event.kind, event.by, event.by_name) == ("order.submission_started", None, "")
    approvals = [{"approval": order.approvals.get().pk, "by": "mei"}]
    said = {"attempt": 1, "endpoint": making.ENDPOINT, "digest": order.content.digest, "approvals": approvals}
    assert event.data == said


def test_no_record_no_claim(order: Order, full_history: None) -> None:
    before = making.everything()
    with pytest.raises(DatabaseError, match="disk full"):
        making.claimed(order)
    assert making.everything() == before


@pytest.mark.parametrize("status", sorted(set(Status) - {S.APPROVED}))
def test_only_an_approved_order_is_claimed(order: Order, status: Status) -> None:
    refused(making.put(order, status), "duplicate")


def test_it_is_claimed_once(order: Order) -> None:
    making.claimed(order)
    refused(order, "duplicate")


def test_a_pause_is_kept_to_the_second(order: Order) -> None:
    until = timezone.now() + timedelta(minutes=1)
    Order.objects.filter(pk=order.pk).update(not_before=until)
    with time_machine.travel(until - timedelta(seconds=1), tick=False):
        refused(order, "not_due")
    with time_machine.travel(until, tick=False):
        assert making.claimed(order)


def test_an_expired_approval_buys_nothing_even_before_the_sweeper_saw_it(order: Order) -> None:
    assert order.deadline_at is not None
    with time_machine.travel(order.deadline_at, tick=False):
        refused(order, "expired")
    with time_machine.travel(order.deadline_at - timedelta(seconds=1), tick=False):
        assert making.claimed(order)


def stop(product: str, **columns: Any) -> Stop:
    given = {"cause": Stop.Cause.PERSON, "reason": "Audit.", "stopped_at": timezone.now()}
    return Stop.objects.create(product=product, **given | columns)


@pytest.mark.parametrize("product", ["", "certificate"])
@pytest.mark.parametrize("cause", Stop.Cause)
def test_nothing_is_claimed_while_buying_is_stopped(order: Order, product: str, cause: Stop.Cause) -> None:
    stop(product, cause=cause)
    refused(order, "stopped")


def test_a_stop_of_another_product_or_a_lifted_one_stops_nothing(order: Order) -> None:
    stop("ca")
    stop("", lifted_at=timezone.now())
    assert making.claimed(order)


def test_a_database_older_than_its_marker_buys_nothing(order: Order) -> None:
    event = Event.objects.newest_first()[0]
    event.pk += 1000
    epoch.write(event)
    refused(order, "restored")


@pytest.mark.parametrize("sha256", ["0" * 64, "", "nonsense"])
def test_other_bytes_than_the_approved_ones_are_not_claimed(order: Order, sha256: str) -> None:
    before = making.everything()
    with pytest.raises(ClaimRefused) as refusal:
        submitting.claim(order=order, sha256=sha256, endpoint=making.ENDPOINT, started_at=timezone.now())
    assert refusal.value.reason == "approval"
    assert making.everything() == before


def tamper(order: Order, **columns: Any) -> None:
    """What only somebody with the database's own password can do."""
    append_only.remove(connection)
    type(order.content).objects.filter(pk=order.content.pk).update(**columns)
    append_only.install(connection)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("columns", [{"body": b"{}"}, {"digest": "0" * 64}, {"body": b""}])
def test_a_body_changed_in_the_database_is_not_claimed(order: Order, columns: dict[str, Any]) -> None:
    tamper(order, **columns)
    refused(order, "approval")


@pytest.mark.django_db(transaction=True)
def test_a_body_changed_together_with_its_digest_is_not_what_was_approved(order: Order) -> None:
    body = bytes(order.content.body).replace(b'"order_number": 1', b'"order_number": 9')
    tamper(order, body=body, digest=catalogue.digest(body))
    refused(order, "approval")


@pytest.mark.parametrize("loss", ["group", "inactive", "auditor"])
def test_who_lost_the_right_to_approve_does_not_count_any_more(order: Order, mei: User, loss: str) -> None:
    if loss == "group":
        making.without_right(mei)
    elif loss == "inactive":
        User.objects.filter(pk=mei.pk).update(is_active=False)
    else:
        mei.groups.add(making.group(AUDITORS))
    refused(order, "approval")


def twin(order: Order, by: User, approver: User) -> Order:
    found = making.approve(making.order(by), approver)
    assert found.fingerprint == order.fingerprint
    return found


@pytest.mark.parametrize("status", sorted(IN_FLIGHT))
def test_the_same_content_waits_while_its_twin_is_in_flight(order: Order, ana: User, mei: User, status: Status) -> None:
    making.put(twin(order, ana, mei), status)
    refused(order, "waiting")


@pytest.mark.parametrize("status", sorted(set(Status) - IN_FLIGHT))
def test_a_twin_that_is_not_in_flight_is_no_obstacle(order: Order, ana: User, mei: User, status: Status) -> None:
    making.put(twin(order, ana, mei), status)
    assert making.claimed(order)


def test_the_index_refuses_a_twin_that_the_check_overlooked(
    order: Order, ana: User, mei: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    making.claimed(twin(order, ana, mei))
    monkeypatch.setattr(submitting, "twins_in_flight", lambda _order: Order.objects.none())
    before = making.everything()
    with pytest.raises(ClaimRefused) as refusal:
        making.claimed(order)
    assert refusal.value.reason == "waiting"
    assert making.everything() == before


# ---------------------------------------------------------------- nothing was sent


def defer(order: Order, error: str = "ConnectTimeout") -> Order:
    submitting.defer(order=order, endpoint=making.ENDPOINT, started_at=datetime.now(UTC), error=error, exchange=None)
    return making.fresh(order)


def test_a_try_that_sent_nothing_is_kept_and_repeated_later(order: Order) -> None:
    deferred = defer(order, "ConnectTimeout " + "x" * 300)
    assert (deferred.status, deferred.tries, deferred.deadline_at) == (S.APPROVED, 1, order.deadline_at)
    assert deferred.attempt is not None
    assert (deferred.attempt.outcome, deferred.attempt.claimed_at) == (Outcome.NOT_SENT, None)
    assert deferred.attempt.error.startswith("ConnectTimeout xxx")
    assert making.kinds(order)[-1] == "order.deferred"


@pytest.mark.parametrize("luck", [0.0, 0.5, 1.0])
def test_the_pause_grows_is_capped_and_jitters(order: Order, luck: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, high: low + luck * (high - low))
    pauses = []
    with time_machine.travel(timezone.now(), tick=False):
        for _try in range(12):
            pause = defer(order).not_before
            assert pause is not None
            pauses.append((pause - timezone.now()).total_seconds())
    jitter = 0.8 + luck * 0.4
    assert pauses == pytest.approx([jitter * min(10 * 2**n, 900) for n in range(12)])


def test_very_many_tries_still_have_a_pause(order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(tries=32_000)
    pause = defer(making.fresh(order)).not_before
    assert pause is not None
    assert pause <= timezone.now() + 1.2 * submitting.LONGEST_PAUSE


@pytest.mark.parametrize("status", sorted(set(Status) - {S.APPROVED}))
def test_what_is_not_approved_any_more_is_not_put_off(order: Order, status: Status) -> None:
    order = making.put(order, status)
    before = making.everything()
    defer(order)
    assert making.everything() == before


def test_tries_are_numbered_in_a_row(order: Order) -> None:
    defer(order)
    defer(order)
    Order.objects.update(not_before=None)
    assert making.claimed(order).number == 3


# ---------------------------------------------------------------- approvals that do not hold any more


def test_an_order_whose_quorum_is_gone_goes_back_to_the_approvers(order: Order, mei: User, omar: User) -> None:
    making.without_right(mei)
    submitting.void_approval(order=order)
    assert making.fresh(order).status == S.PENDING_APPROVAL
    event = Event.objects.newest_first()[0]
    assert (event.kind, event.by) == ("order.approval_voided", None)
    assert event.data.items() >= {"standing": 0, "quorum": 1, "revision": 2}.items()
    assert making.approve(making.fresh(order), omar).status == S.APPROVED


def test_an_order_with_its_quorum_keeps_it(order: Order) -> None:
    before = making.everything()
    submitting.void_approval(order=order)
    assert making.everything() == before


@pytest.mark.django_db(transaction=True)
def test_an_order_whose_body_was_changed_goes_back_to_people(order: Order) -> None:
    tamper(order, body=b"{}")
    making.bought(order)
    assert making.fresh(order).status == S.PENDING_APPROVAL
    assert making.kinds(order)[-1] == "order.approval_voided"


def test_an_order_that_todays_limits_refuse_goes_back_to_people_too(
    lin: User, mei: User, omar: User, settings: Any
) -> None:
    order = making.approve(making.order(lin, making.ca(period_num=3)), mei, omar)
    settings.CA_MAX_PERIODS = 2
    making.without_right(mei)
    submitting.void_approval(order=order)
    assert making.fresh(order).status != S.APPROVED


def test_an_approver_who_gets_the_right_back_can_approve_again(order: Order, mei: User) -> None:
    mei = making.without_right(mei)
    submitting.void_approval(order=order)
    mei.groups.add(making.group("approvers"))
    making.approve(making.fresh(order), User.objects.get(pk=mei.pk))
    assert making.fresh(order).status == S.APPROVED


# ---------------------------------------------------------------- the answer


def test_status_and_request_id_are_kept_before_the_body_is_read(order: Order) -> None:
    attempt = making.claimed(order)
    exchange = making.exchange(status=503, request_id="abc", phase=Phase.ANSWERED)
    submitting.note_answer(attempt=attempt, exchange=exchange)
    attempt.refresh_from_db()
    assert (attempt.http_status, attempt.request_id, attempt.answered_at) == (503, "abc", exchange.answered_at)
    assert (attempt.outcome, making.fresh(order).status) == (Outcome.SENDING, S.SUBMITTING)


def test_a_purchase_is_placed_with_its_ids(order: Order) -> None:
    placed = making.answered(order, Placed(order_id="CS1", item_ids=("scs1", "scs2")))
    assert (placed.status, placed.cloud_order_id, placed.deadline_at) == (S.PLACED, "CS1", None)
    assert [item.cloud_id for item in placed.items.all()] == ["scs1", "scs2"]
    assert placed.attempt is not None
    assert placed.attempt.outcome == Outcome.PLACED
    event = Event.objects.newest_first()[0]
    assert (event.kind, event.status_before, event.status_after) == ("order.placed", S.SUBMITTING, S.PLACED)
    assert {"order_id": "CS1", "items": ["scs1", "scs2"], "found_by": "answer"}.items() <= event.data.items()


def test_a_refusal_keeps_the_clouds_code_and_words(order: Order) -> None:
    failed = making.answered(order, making.NO)
    assert failed.attempt is not None
    assert (failed.status, failed.attempt.outcome) == (S.FAILED, Outcome.REFUSED)
    assert (failed.attempt.code, failed.attempt.message) == (making.NO.code, making.NO.message)
    assert Event.objects.newest_first()[0].data["code"] == "SCM.0049"


@pytest.mark.parametrize("words", ["nul \x00", "half a pair \ud800"], ids=["nul", "surrogate"])
def test_a_refusal_in_words_that_no_database_takes_is_still_a_refusal(order: Order, words: str) -> None:
    failed = making.answered(order, Refused(code="SCM.0049", message=words))
    assert failed.status == S.FAILED


def test_an_answer_is_kept_as_far_as_it_can_be(order: Order) -> None:
    attempt = making.claimed(order)
    exchange = making.exchange(body=b"\x00\xff" + b"x" * 20_000, error="e" * 300, request_id="r" * 300)
    submitting.conclude(attempt=attempt, exchange=exchange, verdict=making.SILENCE)
    attempt.refresh_from_db()
    assert attempt.answer == "��" + "x" * (submitting.ANSWER_KEPT - 2)
    assert (len(attempt.error), len(attempt.request_id)) == (200, 128)
    assert (attempt.phase, attempt.peer, attempt.bytes_sent) == ("complete", "127.0.0.1:443", 300)


def test_what_the_gateway_turned_away_is_tried_again_within_the_approvals_time(order: Order, mei: User) -> None:
    approval = order.approvals.get()
    with time_machine.travel(approval.at + timedelta(days=2), tick=False):
        bounced = making.answered(order, making.BUSY)
    assert (bounced.status, bounced.tries) == (S.APPROVED, 1)
    assert bounced.deadline_at == approval.at + timedelta(days=7)
    assert bounced.not_before is not None
    assert bounced.not_before > approval.at + timedelta(days=2)
    assert bounced.attempt is not None
    assert bounced.attempt.outcome == Outcome.BOUNCED


def test_a_stale_token_is_renewed_and_tried_again_at_once_but_only_once(
    order: Order, messages: Messages, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    for announced, waits in (([order.pk], False), ([], True)):
        with django_capture_on_commit_callbacks(execute=True):
            order = making.answered(order, making.STALE_TOKEN)
        assert messages() == announced
        assert (order.status, order.not_before is not None) == (S.APPROVED, waits)


def test_an_unclear_answer_is_an_unknown_outcome(order: Order) -> None:
    lost = making.answered(order, making.SILENCE)
    assert lost.attempt is not None
    assert (lost.status, lost.attempt.outcome, lost.attempt.error) == (
        S.UNCONFIRMED,
        Outcome.LOST,
        "timeout ReadTimeout",
    )
    assert lost.look_up_at is not None
    event = Event.objects.newest_first()[0]
    assert (event.kind, event.by, event.data["why"]) == ("order.outcome_lost", None, "timeout")


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        (making.BOUGHT, S.PLACED),
        (making.NO, S.FAILED),
        (making.BUSY, S.UNCONFIRMED),
        (making.STALE_TOKEN, S.UNCONFIRMED),
        (making.SILENCE, S.UNCONFIRMED),
    ],
)
def test_an_answer_that_comes_after_the_sweeper_still_settles_the_order(
    order: Order, verdict: Any, status: Status
) -> None:
    attempt = making.claimed(order)
    submitting.lose(order=making.fresh(order), attempt=attempt, reason="worker_gone")
    submitting.conclude(attempt=attempt, exchange=making.exchange(), verdict=verdict)
    assert making.fresh(order).status == status
    assert making.kinds(order).count("order.outcome_lost") == 1


@pytest.mark.parametrize(("order_id", "item_ids"), [("CS1803192259ROA8U", ()), ("CS2", ("scs2", "scs1481110651012"))])
def test_an_id_that_belongs_to_another_order_places_nothing(
    order: Order, lin: User, mei: User, order_id: str, item_ids: tuple[str, ...]
) -> None:
    making.answered(making.approve(making.order(lin, making.certificate(order_number=2)), mei), making.BOUGHT)
    order = making.answered(order, Placed(order_id=order_id, item_ids=item_ids))
    assert (order.status, order.cloud_order_id, order.items.count()) == (S.UNCONFIRMED, None, 0)
    assert order.attempt is not None
    assert order_id in order.attempt.error
    assert Event.objects.newest_first()[0].data["why"] == "foreign_id"


@pytest.mark.parametrize("status", sorted(set(Status) - IN_FLIGHT))
def test_an_answer_for_what_is_not_in_flight_changes_nothing(order: Order, status: Status) -> None:
    attempt = making.claimed(order)
    making.put(order, status)
    before = making.everything()
    submitting.conclude(attempt=attempt, exchange=making.exchange(), verdict=making.NO)
    assert making.everything() == before


@pytest.mark.parametrize("status", sorted(set(Status) - IN_FLIGHT))
def test_an_order_id_that_comes_too_late_is_kept_as_a_finding(order: Order, status: Status) -> None:
    attempt = making.claimed(order)
    making.put(order, status)
    before = making.fresh(order)
    submitting.conclude(attempt=attempt, exchange=making.exchange(), verdict=making.BOUGHT)
    assert (making.fresh(order).status, making.fresh(order).version) == (before.status, before.version)
    finding = Finding.objects.get()
    assert (finding.cloud_order_id, finding.order) == (making.BOUGHT.order_id, order)


@pytest.mark.parametrize("verdict", [making.NO, making.BUSY, making.SILENCE])
def test_the_answer_of_an_older_attempt_changes_nothing(order: Order, verdict: Verdict) -> None:
    older = making.claimed(order)
    submitting.conclude(attempt=older, exchange=making.exchange(), verdict=making.STALE_TOKEN)
    making.claimed(order)
    before = making.everything()
    submitting.conclude(attempt=older, exchange=making.exchange(), verdict=verdict)  # type: ignore[arg-type]
    assert making.everything() == before


@pytest.mark.parametrize("verdict", [making.BOUGHT, making.NO, making.BUSY, making.SILENCE])
def test_no_record_no_conclusion(order: Order, request: pytest.FixtureRequest, verdict: Any) -> None:
    attempt = making.claimed(order)
    before = making.everything()
    request.getfixturevalue("full_history")
    with pytest.raises(DatabaseError, match="disk full"):
        submitting.conclude(attempt=attempt, exchange=making.exchange(), verdict=verdict)
    assert making.everything() == before


def test_a_worker_that_is_stopped_leaves_what_it_knows(order: Order) -> None:
    attempt = making.claimed(order)
    exchange = making.exchange(status=None, body=None, phase=Phase.SENT, answered_at=None, bytes_received=0)
    submitting.interrupt(attempt=attempt, exchange=exchange, reason="SystemExit")
    attempt.refresh_from_db()
    assert (attempt.outcome, attempt.phase, attempt.error) == (Outcome.LOST, "sent", "SystemExit")
    assert making.fresh(order).status == S.UNCONFIRMED


@pytest.mark.parametrize("verdict", [making.BOUGHT, making.SILENCE])
def test_money_that_may_have_moved_is_not_bought_again(order: Order, lin: User, verdict: Any) -> None:
    making.answered(order, verdict)
    refused(order, "duplicate")
    with pytest.raises(Denied):
        making.retried(making.fresh(order), by=lin)
    assert Attempt.objects.count() == 1
    assert Item.objects.count() == (1 if verdict is making.BOUGHT else 0)
