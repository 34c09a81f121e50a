"""Planted bugs: each undoes one rule of buying once. The layers must see every one of them, or they see nothing.

Planted by replacing functions in the child process that runs a layer; the product has no hooks for it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from orders import purchasing, reconciling
from orders.actions import approving, moves, resolving, stopping, submitting, sweeping
from orders.cloud.exchange import Exchange
from orders.cloud.verdicts import NotReached, Unknown
from orders.errors import ClaimRefused
from orders.models import Attempt, Event, Lookup, Order, Outcome
from orders.states import Status


def _resend_where(is_trouble: Callable[[Exchange], bool]) -> None:
    """A retry in the transport: the claim was made, so why not once more."""
    real = purchasing.send_once

    def send_once(call: Any, *, before_first_byte: Any, **given: Any) -> Exchange:
        exchange = real(call, before_first_byte=before_first_byte, **given)
        if not (exchange.may_have_been_sent and is_trouble(exchange)):
            return exchange
        given.pop("exchange", None)
        return real(call, before_first_byte=lambda: None, **given, exchange=Exchange.of(call))

    purchasing.send_once = send_once


def resend_on_reset() -> None:
    _resend_where(lambda exchange: exchange.error_class in ("ReadError", "RemoteProtocolError"))


def resend_on_timeout() -> None:
    _resend_where(lambda exchange: exchange.error_class == "ReadTimeout")


def resend_on_5xx() -> None:
    _resend_where(lambda exchange: (exchange.status or 0) >= 500)


def server_error_is_a_refusal_to_serve() -> None:
    """5xx read as “never reached the service”: back to approved, and bought again later."""
    real = purchasing.verdict

    def verdict(exchange: Exchange, **given: Any) -> Any:
        found = real(exchange, **given)
        if isinstance(found, Unknown) and (exchange.status or 0) >= 500:
            return NotReached(code="5xx", message="", renew=False, permanent=False)
        return found

    purchasing.verdict = verdict


def mark_after_send() -> None:
    """The claim is made when the answer is there."""

    def send(self: Any, call: Any, account: Any) -> Exchange:
        exchange = Exchange.of(call)
        purchasing.send_once(
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

    purchasing._Submission.send = send  # type: ignore[method-assign]


def takeover() -> None:
    """What hangs for too long is given to another worker."""
    real = sweeping.end

    @transaction.atomic
    def end(*, order: Order) -> None:
        order = moves.locked(order)
        overdue = order.deadline_at is not None and order.deadline_at <= timezone.now()
        if order.status != Status.SUBMITTING or not overdue:
            real(order=order)
            return
        assert order.attempt is not None
        submitting._settle(order.attempt, Outcome.BOUNCED, "", "")
        moves.move(order, "bounced", by=None)

    sweeping.end = end


def no_digest_check() -> None:
    """The claim does not compare the bytes in hand with the approved ones."""
    real = submitting.claim

    def claim(*, order: Order, sha256: str, endpoint: str, started_at: datetime) -> Attempt:
        stored = moves.locked(order).content.digest if order.pk else sha256
        return real(order=order, sha256=stored, endpoint=endpoint, started_at=started_at)

    submitting.claim = claim


def stale_votes_count() -> None:
    """An approval is for the order, whatever became of its content."""
    from orders import policies
    from orders.models import Decision

    def standing(order: Order) -> Any:
        eligible = policies.eligible_approvers(order).values("pk")
        return order.approvals.filter(decision=Decision.APPROVE, by__in=eligible)

    policies.standing_approvals = standing


def no_recheck_of_rights() -> None:
    """Once approved, always approved: the claim does not ask who still holds the right."""
    submitting.policies.has_quorum = lambda order: True  # type: ignore[attr-defined]
    from orders import policies

    real = policies.standing_approvals
    approving.policies.has_quorum = lambda order: (  # type: ignore[attr-defined]
        order.status == Status.APPROVED or real(order).count() >= order.quorum
    )


def no_durable_commit() -> None:
    """The claim is written, and committed together with the answer."""
    claim, conclude, note = submitting.claim, submitting.conclude, submitting.note_answer

    def late_claim(**given: Any) -> Attempt:
        if transaction.get_autocommit():
            transaction.set_autocommit(False)
        with transaction.atomic():  # a savepoint, in which nothing is durable
            return _without_durability(lambda: claim(**given))

    def late_conclude(**given: Any) -> None:
        if not transaction.get_autocommit():
            transaction.commit()
            transaction.set_autocommit(True)
        conclude(**given)

    submitting.claim, submitting.conclude = late_claim, late_conclude
    submitting.note_answer = lambda **given: note(**given) if transaction.get_autocommit() else None


def _without_durability(act: Callable[[], Attempt]) -> Attempt:
    real = submitting.transaction.atomic  # type: ignore[attr-defined]
    submitting.transaction.atomic = lambda durable=False: real()  # type: ignore[attr-defined]
    try:
        return act()
    finally:
        submitting.transaction.atomic = real  # type: ignore[attr-defined]


def absent_means_resend() -> None:
    """Not found means not bought: send it again."""
    real = resolving.record_lookup

    def record_lookup(*, order: Order, **given: Any) -> None:
        real(order=order, **given)
        fresh = Order.objects.select_related("attempt", "revision").get(pk=order.pk)
        last = fresh.lookups.order_by("-number").first()
        if fresh.status != Status.UNCONFIRMED or last is None or last.result != Lookup.Result.NOTHING:
            return
        with transaction.atomic():
            assert fresh.attempt is not None
            submitting._settle(fresh.attempt, Outcome.BOUNCED, "", "")
            _force(fresh, Status.APPROVED)

    resolving.record_lookup = record_lookup


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
        after = moves.states.target(event, before)
        if after is None:
            raise moves.Changed
        if after is not before:
            changes = moves._entering(after) | changes
        Order.objects.filter(pk=order.pk).update(**changes)
        for name, value in changes.items():
            setattr(order, name, value)
        return moves.record(
            f"order.{event}", by=by, order=order, before=before, after=after, reason=reason, data=data
        )

    for module in (submitting, sweeping, resolving):
        module.locked, module.move = locked, move  # type: ignore[attr-defined]


def failure_is_a_negative() -> None:
    """A look-up that got no answer counts as “not there”."""
    real = resolving._result

    def result(*given: Any) -> Lookup.Result:
        found = real(*given)
        return Lookup.Result.NOTHING if found == Lookup.Result.FAILED else found

    resolving._result = result


def any_match_will_do() -> None:
    """Whatever the cloud has in the time window is taken for ours."""
    real = reconciling._candidate
    reconciling._has_terms = lambda found, search: True
    reconciling._candidate = lambda found, items, *, exact, found_by: real(found, items, exact=True, found_by=found_by)


def stop_is_read_once() -> None:
    """The kill switch is looked at when the message comes, and not again."""
    real = submitting.claim

    def claim(**given: Any) -> Attempt:
        standing = stopping.standing
        submitting.stopping.standing = lambda product="": standing(product).none()  # type: ignore[attr-defined]
        try:
            return real(**given)
        finally:
            submitting.stopping.standing = standing  # type: ignore[attr-defined]

    submitting.claim = claim


def refusal_is_ignored() -> None:
    """A claim that is refused is logged, and the request goes out."""
    real = purchasing._Submission._claim

    def claim(self: Any, body: bytes) -> None:
        try:
            real(self, body)
        except ClaimRefused as refusal:
            purchasing.log.info("%s", refusal)

    purchasing._Submission._claim = claim  # type: ignore[method-assign]


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
    "the stop is read once": stop_is_read_once,
    "a refused claim is ignored": refusal_is_ignored,
}


def plant(name: str) -> None:
    """Plant one in this process; the empty name plants none."""
    if name:
        MUTANTS[name]()


# ---------------------------------------------------------------- do the layers see it?

CRASHES = (
    ("body sent", "ok"),
    ("after conclude", "executed-then-reset"),
    ("after conclude", "executed-then-silent"),
    ("after conclude", "executed-then-504"),
    ("first bytes of the answer", "ok"),
    ("before conclude", "late-visibility"),
    ("answer read", "late-execution"),
    ("in the claim, before commit", "executed-then-close"),
)


def crashes(mutant: str) -> list[str]:
    """A few crash points: what is wrong first, or nothing."""
    from tests.chaos import crash

    plant(mutant)
    for number, (point, mode) in enumerate(CRASHES):
        try:
            wrong = crash.case(point, mode, ("certificate", "ca")[number % 2])["wrong"]
        except Exception as error:  # noqa: BLE001 - a portal that fails is seen to be wrong
            wrong = [f"{point}, {mode}: {error!r}"]
        if wrong:
            return [f"{point}, {mode}: {wrong[0]}"]
    return []


def simulated(mutant: str, number: int, examples: int, steps: int) -> list[str]:
    from tests.chaos import simulation

    try:
        simulation.run(number, examples, steps, mutant)
    except Exception as error:  # noqa: BLE001
        return [f"simulation: {str(error).strip().splitlines()[0] if str(error).strip() else error!r}"]
    return []
