"""Planted bugs: each undoes one rule of buying once. The layers must see every one of them, or they see nothing.

Planted by replacing functions in the child process that runs a layer; the product has no hooks for it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from orders import matching, policies, purchasing, reconciling, states
from orders.actions import moves, resolving, stopping, submitting, sweeping
from orders.actions.resolving import Candidate
from orders.cloud.exchange import Exchange
from orders.cloud.verdicts import NotReached, Unknown
from orders.errors import Changed, ClaimRefused
from orders.models import Attempt, Decision, Event, Lookup, Order, Outcome
from orders.states import Status
from tests.chaos import world

# Modules as what they are here: bags of names to be replaced.
_purchasing: Any = purchasing
_submitting: Any = submitting
_sweeping: Any = sweeping
_resolving: Any = resolving
_reconciling: Any = reconciling
_matching: Any = matching
_policies: Any = policies
_stopping: Any = stopping
_transaction: Any = transaction


def _resend_where(is_trouble: Callable[[Exchange], bool]) -> None:
    """A retry in the transport: the claim was made, so why not once more."""
    real = _purchasing.send_once

    def send_once(call: Any, *, before_first_byte: Any, **given: Any) -> Any:
        exchange = real(call, before_first_byte=before_first_byte, **given)
        if not (exchange.may_have_been_sent and is_trouble(exchange)):
            return exchange
        given.pop("exchange", None)
        return real(call, before_first_byte=lambda: None, **given, exchange=Exchange.of(call))

    _purchasing.send_once = send_once


def resend_on_reset() -> None:
    _resend_where(lambda exchange: exchange.error_class in ("ReadError", "RemoteProtocolError"))


def resend_on_timeout() -> None:
    _resend_where(lambda exchange: exchange.error_class == "ReadTimeout")


def resend_on_5xx() -> None:
    _resend_where(lambda exchange: (exchange.status or 0) >= 500)


def server_error_is_a_refusal_to_serve() -> None:
    """5xx read as “never reached the service”: back to approved, and bought again later."""
    real = _purchasing.verdict

    def verdict(exchange: Exchange, **given: Any) -> Any:
        found = real(exchange, **given)
        if isinstance(found, Unknown) and (exchange.status or 0) >= 500:
            return NotReached(code="5xx", message="", renew=False, permanent=False)
        return found

    _purchasing.verdict = verdict


def mark_after_send() -> None:
    """The claim is made when the answer is there."""

    def send(self: Any, call: Any, account: Any) -> Exchange:
        exchange = Exchange.of(call)
        _purchasing.send_once(
            call,
            exchange=exchange,
            before_first_byte=lambda: None,
            on_answer=lambda _: None,
            timeouts=account.timeouts,
            tls=account.tls,
        )
        if exchange.may_have_been_sent:
            self._claim(call.body)
        return exchange

    _purchasing._Submission.send = send


def takeover() -> None:
    """What hangs for too long is given to another worker."""
    real = _sweeping.end

    @transaction.atomic
    def end(*, order: Order) -> None:
        order = moves.locked(order)
        overdue = order.deadline_at is not None and order.deadline_at <= timezone.now()
        if order.status != Status.SUBMITTING or not overdue:
            real(order=order)
            return
        assert order.attempt is not None
        _submitting._settle(order.attempt, Outcome.BOUNCED, "", "")
        moves.move(order, "bounced", by=None)

    _sweeping.end = end


def no_digest_check() -> None:
    """The claim does not compare the bytes in hand with the approved ones."""
    real = _submitting.claim

    def claim(*, order: Order, sha256: str, endpoint: str, started_at: datetime) -> Any:
        stored = moves.locked(order).content.digest if order.pk else sha256
        return real(order=order, sha256=stored, endpoint=endpoint, started_at=started_at)

    _submitting.claim = claim


def stale_votes_count() -> None:
    """An approval is for the order, whatever became of its content."""

    def standing(order: Order) -> Any:
        eligible = _policies.eligible_approvers(order).values("pk")
        return order.approvals.filter(decision=Decision.APPROVE, by__in=eligible)

    _policies.standing_approvals = standing


def no_recheck_of_rights() -> None:
    """Once approved, always approved: the claim does not ask who still holds the right."""
    real = _policies.standing_approvals
    _policies.has_quorum = lambda order: order.status == Status.APPROVED or real(order).count() >= order.quorum


def no_durable_commit() -> None:
    """The claim is written, and committed together with the answer."""
    claim, conclude, note = _submitting.claim, _submitting.conclude, _submitting.note_answer
    held: list[transaction.Atomic] = []

    def late_claim(**given: Any) -> Any:
        held.append(transaction.atomic())
        held[-1].__enter__()
        try:
            return _without_durability(lambda: claim(**given))
        except BaseException:
            held.pop().__exit__(*sys.exc_info())
            raise

    def late_conclude(**given: Any) -> None:
        if held:
            held.pop().__exit__(None, None, None)
        conclude(**given)

    _submitting.claim, _submitting.conclude = late_claim, late_conclude
    _submitting.note_answer = lambda **given: None if held else note(**given)


def _without_durability(act: Callable[[], Attempt]) -> Attempt:
    real = _transaction.atomic
    _transaction.atomic = lambda durable=False: real()
    try:
        return act()
    finally:
        _transaction.atomic = real


def absent_means_resend() -> None:
    """Not found means not bought: send it again."""
    real = _resolving.record_lookup

    def record_lookup(*, order: Order, **given: Any) -> None:
        real(order=order, **given)
        fresh = Order.objects.select_related("attempt", "revision").get(pk=order.pk)
        last = fresh.lookups.order_by("-number").first()
        if fresh.status != Status.UNCONFIRMED or last is None or last.result != Lookup.Result.NOTHING:
            return
        with transaction.atomic():
            assert fresh.attempt is not None
            _submitting._settle(fresh.attempt, Outcome.BOUNCED, "", "")
            _force(fresh, Status.APPROVED)

    _resolving.record_lookup = record_lookup


def _force(order: Order, status: Status) -> None:
    """Past the table of states, with an event that pretends to be one of them."""
    Order.objects.filter(pk=order.pk).update(**moves._entering(status), version=order.version + 1)
    moves.record("order.bounced", by=None, order=order, before=order.status, after=status)


def no_compare_and_swap() -> None:
    """What was read at the start is taken for true at the end."""

    def locked(order: Order) -> Order:
        return order

    def move(
        order: Order, event: str, *, by: Any, reason: str = "", data: dict[str, Any] | None = None, **changes: Any
    ) -> Event:
        before = Status(order.status)
        after = states.target(event, before)
        if after is None:
            raise Changed
        if after is not before:
            changes = moves._entering(after) | changes
        Order.objects.filter(pk=order.pk).update(**changes)
        for name, value in changes.items():
            setattr(order, name, value)
        return moves.record(f"order.{event}", by=by, order=order, before=before, after=after, reason=reason, data=data)

    for module in (_submitting, _sweeping, _resolving):
        module.locked, module.move = locked, move


def failure_is_a_negative() -> None:
    """A look-up that got no answer counts as “not there”."""
    real = _resolving._result

    def result(*given: Any) -> Lookup.Result:
        found = real(*given)
        return Lookup.Result.NOTHING if found == Lookup.Result.FAILED else found

    _resolving._result = result
    Lookup.is_full = property(lambda _: True)  # type: ignore[method-assign,assignment]


def any_match_will_do() -> None:
    """Whatever the cloud has in the time window is taken for ours."""
    _matching.terms = lambda found, content: matching.Fit.AGREES
    _matching.objections = lambda found, order, *, content_is_seen: []
    _reconciling._Search.candidate = lambda self, found, items, **_: Candidate(
        order_id=found.order_id, item_ids=tuple(items), found_by="billing"
    )


def buyer_does_not_matter() -> None:
    """Who bought it is not compared."""
    _matching._buyer = lambda found: None


def twins_are_not_thought_of() -> None:
    """That another order of ours may have made it is not asked."""
    _matching._is_contested = lambda found, order, *, content_is_seen: False


def stop_is_read_once() -> None:
    """The kill switch is looked at when the message comes, and not again."""
    real = _submitting.claim

    def claim(**given: Any) -> Any:
        standing = _stopping.standing
        _stopping.standing = lambda product="": standing(product).none()
        try:
            return real(**given)
        finally:
            _stopping.standing = standing

    _submitting.claim = claim


def refusal_is_ignored() -> None:
    """A claim that is refused is logged, and the request goes out."""
    real = _purchasing._Submission._claim

    def claim(self: Any, body: bytes) -> None:
        try:
            real(self, body)
        except ClaimRefused as refusal:
            _purchasing.log.info("%s", refusal)

    _purchasing._Submission._claim = claim


MUTANTS: dict[str, Callable[[], None]] = {
    "resend on reset": resend_on_reset,
    "resend on timeout": resend_on_timeout,
    "resend on 5xx": resend_on_5xx,
    "5xx means not reached": server_error_is_a_refusal_to_serve,
    "mark after send": mark_after_send,
    "takeover": takeover,
    "no digest check": no_digest_check,
    "stale votes count": stale_votes_count,
    "no re-check of rights": no_recheck_of_rights,
    "no durable commit": no_durable_commit,
    "absent means resend": absent_means_resend,
    "no compare-and-swap": no_compare_and_swap,
    "a failed look-up is a negative": failure_is_a_negative,
    "any match will do": any_match_will_do,
    "the buyer does not matter": buyer_does_not_matter,
    "twins are not thought of": twins_are_not_thought_of,
    "the stop is read once": stop_is_read_once,
    "a refused claim is ignored": refusal_is_ignored,
}


def plant(name: str) -> None:
    """Plant one in this process, in a world that remembers none before it; the empty name plants none."""
    world.forget()
    if name:
        MUTANTS[name]()
