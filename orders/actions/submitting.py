"""What the worker records: the claim before the first byte, and what came of it. No HTTP in here."""

from __future__ import annotations

import logging
import random
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext_noop

from orders import catalogue, epoch, policies, states
from orders.actions import ordering, stopping
from orders.actions.moves import announce, locked, move, storable
from orders.cloud.exchange import Exchange
from orders.cloud.verdicts import NotReached, Placed, Refused, Unknown
from orders.errors import ClaimRefused
from orders.models import Attempt, Event, Finding, Item, Order, Outcome, Stop
from orders.states import Status

log = logging.getLogger(__name__)

NOT_COVERED = gettext_noop("The approvals no longer cover the order.")
FIRST_LOOK = timedelta(seconds=30)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=15)
ANSWER_KEPT = 16 * 1024


def check_may_send(order: Order) -> None:
    """Everything that makes the purchase legitimate at this moment (design, section 3, step 4)."""
    if order.status != Status.APPROVED:
        raise ClaimRefused("duplicate", f"the order is {order.status}")
    if order.not_before is not None and order.not_before > timezone.now():
        raise ClaimRefused("not_due", "the pause after the last try is not over")
    if order.deadline_at is not None and order.deadline_at <= timezone.now():
        raise ClaimRefused("expired", "the approval has expired")
    if stopping.standing(order.product).exists():
        raise ClaimRefused("stopped", "buying is stopped")
    if epoch.is_behind():
        raise ClaimRefused("restored", "the database is older than its marker")
    if not _is_covered(order):
        raise ClaimRefused("approval", "the approvals do not cover this body any more")
    if twins_in_flight(order).exists():
        raise ClaimRefused("waiting", "an order with the same content is in flight or unconfirmed")


def _is_covered(order: Order) -> bool:
    """The stored body is the approved one, and enough approvals of it still stand."""
    return catalogue.digest(bytes(order.content.body)) == order.content.digest and policies.has_quorum(order)


def twins_in_flight(order: Order) -> Any:
    return Order.objects.filter(fingerprint=order.fingerprint, status__in=states.IN_FLIGHT).exclude(pk=order.pk)


def claim(*, order: Order, sha256: str, endpoint: str, started_at: datetime) -> Attempt:
    """The last thing before the first request byte: from here on the outcome may be unknown.

    Durable: when this returns, the claim is on disk. Raises ClaimRefused, and then not one byte may be sent.
    """
    try:
        with transaction.atomic(durable=True):
            order = locked(order)
            check_may_send(order)
            if sha256 != order.content.digest:
                raise ClaimRefused("approval", "the bytes to be sent are not the approved ones")
            attempt = Attempt.objects.create(
                order=order,
                revision=order.content,
                number=order.attempts.count() + 1,
                outcome=Outcome.SENDING,
                endpoint=endpoint,
                body_sha256=sha256,
                started_at=started_at,
                claimed_at=timezone.now(),
            )
            data = {
                "attempt": attempt.number,
                "endpoint": endpoint,
                "digest": sha256,
                "approvals": policies.named(order),
            }
            event = move(order, "submission_started", by=None, data=data, attempt=attempt)
    except IntegrityError as error:
        raise ClaimRefused("waiting", "an order with the same content is in flight or unconfirmed") from error
    mark(event)
    return attempt


def mark(event: Event) -> None:
    """Outside a transaction: name the event in the marker. Where that fails nothing more is bought.

    Too late to refuse the claim that it is about: until the stop is there the marker before still protects.
    """
    try:
        epoch.write(event)
    except OSError:
        log.exception("the epoch marker could not be written")
        stopping.stop_by_portal(Stop.Cause.MARKER, stopping.NO_MARKER)


@transaction.atomic(durable=True)
def note_answer(*, attempt: Attempt, exchange: Exchange) -> None:
    """Status and request id, stored before the body is read: a lost body must not lose them."""
    Attempt.objects.filter(pk=attempt.pk).update(
        http_status=exchange.status, request_id=exchange.request_id, answered_at=exchange.answered_at
    )


@transaction.atomic(durable=True)
def defer(*, order: Order, endpoint: str, started_at: datetime, error: str, exchange: Exchange | None) -> None:
    """Provably nothing was sent: keep the order approved and try again after a pause."""
    order = locked(order)
    if order.status != Status.APPROVED:
        return
    attempt = Attempt(
        order=order,
        revision=order.content,
        number=order.attempts.count() + 1,
        outcome=Outcome.NOT_SENT,
        endpoint=endpoint,
        body_sha256=order.content.digest,
        started_at=started_at,
        finished_at=timezone.now(),
        error=error[:200],
    )
    if exchange is not None:
        attempt.phase, attempt.peer = exchange.phase, exchange.peer
    attempt.save()
    move(
        order,
        "deferred",
        by=None,
        data={"attempt": attempt.number, "error": error},
        attempt=attempt,
        **_pause(order),
    )


@transaction.atomic(durable=True)
def void_approval(*, order: Order) -> None:
    """The approvals do not cover what would be sent: people decide anew, on a body rendered anew."""
    order = locked(order)
    if order.status == Status.APPROVED and not _is_covered(order):
        ordering.back_to_approvers(order=order, reason=NOT_COVERED)


@transaction.atomic(durable=True)
def conclude(*, attempt: Attempt, exchange: Exchange, verdict: Placed | Refused | NotReached | Unknown) -> None:
    """Record what the answer means. A verdict that comes after the sweeper's may still settle the order."""
    order = locked(attempt.order)
    if order.attempt_id != attempt.pk or order.status not in states.IN_FLIGHT:
        _keep_too_late(order, verdict)
        return
    _store_evidence(attempt, exchange)
    match verdict:
        case Placed() if _owned_elsewhere(verdict):
            lose(order=order, attempt=attempt, reason="foreign_id", detail=f"{verdict.order_id} has an owner")
        case Placed():
            _place(order, attempt, verdict)
        case Refused():
            _settle(attempt, Outcome.REFUSED, verdict.code, verdict.message)
            move(order, "refused", by=None, data=_facts(attempt))
        case NotReached() if order.status == Status.SUBMITTING:
            _settle(attempt, Outcome.BOUNCED, verdict.code, verdict.message)
            _bounce(order, attempt, verdict)
        case NotReached():
            lose(order=order, attempt=attempt, reason="late_answer", detail=f"{verdict.code} {verdict.message}")
        case Unknown():
            lose(order=order, attempt=attempt, reason=verdict.reason, detail=verdict.detail)


def _keep_too_late(order: Order, verdict: Placed | Refused | NotReached | Unknown) -> None:
    """The order was settled without this answer. An order id that nothing owns must not be forgotten."""
    if isinstance(verdict, Placed) and not _owned_elsewhere(verdict):
        log.critical("%s is %s, and the cloud says %s now", order.reference, order.status, verdict.order_id)
        Finding.objects.get_or_create(
            cloud_order_id=verdict.order_id, defaults={"order": order, "at": timezone.now(), "evidence": {"late": True}}
        )


@transaction.atomic(durable=True)
def interrupt(*, attempt: Attempt, exchange: Exchange, reason: str) -> None:
    """The worker is being stopped after the claim: what is known is stored, and the outcome is not."""
    order = locked(attempt.order)
    if order.attempt_id == attempt.pk and order.status in states.IN_FLIGHT:
        _store_evidence(attempt, exchange)
        lose(order=order, attempt=attempt, reason=reason)


def lose(*, order: Order, attempt: Attempt | None, reason: str, detail: str = "") -> None:
    """Inside a transaction: nobody knows whether the order was executed, and it is never sent again."""
    if attempt is not None:
        attempt.error = " ".join(dict.fromkeys(part for part in (reason, detail, attempt.error) if part))[:200]
        _settle(attempt, Outcome.LOST, "", "")
    if order.status == Status.SUBMITTING:
        data = {"why": reason} | ({} if attempt is None else _facts(attempt))
        move(order, "outcome_lost", by=None, data=data, look_up_at=timezone.now() + FIRST_LOOK)
        stopping.trip_breaker()


def _place(order: Order, attempt: Attempt, verdict: Placed) -> None:
    _settle(attempt, Outcome.PLACED, "", "")
    now = timezone.now()
    Item.objects.bulk_create(Item(order=order, cloud_id=each, created_at=now) for each in verdict.item_ids)
    data = _facts(attempt) | {
        "order_id": verdict.order_id,
        "items": list(verdict.item_ids),
        "found_by": "answer",
    }
    move(order, "placed", by=None, data=data, cloud_order_id=verdict.order_id)


def _bounce(order: Order, attempt: Attempt, verdict: NotReached) -> None:
    """Back to approved, within the time that the approval had from the start."""
    renewed = verdict.renew and order.tries == 0
    if renewed:
        pause: dict[str, Any] = {"tries": order.tries + 1, "not_before": None, "announced_at": None}
    elif verdict.permanent:
        pause = _pause(order) | {"not_before": timezone.now() + LONGEST_PAUSE}
    else:
        pause = _pause(order)
    move(order, "bounced", by=None, data=_facts(attempt), deadline_at=_approval_ends(order), **pause)
    if renewed:
        announce(order)


def _approval_ends(order: Order) -> datetime:
    lasts = states.STAGES[Status.APPROVED].lasts
    last = policies.standing_approvals(order).order_by("-at").first()
    assert lasts is not None
    return (last.at if last else timezone.now()) + lasts


def _owned_elsewhere(verdict: Placed) -> bool:
    return (
        Order.objects.filter(cloud_order_id=verdict.order_id).exists()
        or Item.objects.filter(cloud_id__in=verdict.item_ids).exists()
    )


def _store_evidence(attempt: Attempt, exchange: Exchange) -> None:
    attempt.phase = exchange.phase
    attempt.peer = exchange.peer
    attempt.bytes_sent = exchange.bytes_sent
    attempt.bytes_received = exchange.bytes_received
    attempt.error = exchange.error[:200]
    attempt.http_status = exchange.status
    attempt.request_id = exchange.request_id[:128]
    attempt.answered_at = exchange.answered_at
    attempt.finished_at = exchange.finished_at or timezone.now()
    attempt.answer = storable((exchange.body or b"")[:ANSWER_KEPT].decode(errors="replace"))


def _settle(attempt: Attempt, outcome: Outcome, code: str, message: str) -> None:
    attempt.outcome, attempt.code, attempt.message = outcome, storable(code)[:64], storable(message)
    attempt.finished_at = attempt.finished_at or timezone.now()
    attempt.save()


def _pause(order: Order) -> dict[str, Any]:
    """Exponential back-off with jitter."""
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(order.tries, 16))
    jitter = random.uniform(0.8, 1.2)  # noqa: S311 – spreads load, guards nothing
    return {"tries": order.tries + 1, "not_before": timezone.now() + pause * jitter, "announced_at": None}


def _facts(attempt: Attempt) -> dict[str, Any]:
    return {
        "attempt": attempt.number,
        "outcome": attempt.outcome,
        "http_status": attempt.http_status,
        "request_id": attempt.request_id,
        "code": attempt.code,
        "message": attempt.message,
        "error": attempt.error,
        "duration_ms": attempt.duration_ms,
    }
