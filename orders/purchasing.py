"""Buying once: one approved revision, one connection, one POST (design, section 3).

The claim runs inside the transport, right before the first request byte. What fails before it was provably not sent
and is tried again; everything after it is either understood or unknown, and never sent again.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from orders.account import current_account
from orders.actions import stopping, submitting
from orders.catalogue import digest
from orders.cloud.account import Account
from orders.cloud.calls import Call
from orders.cloud.errors import NotSent as PreparationFailed
from orders.cloud.exchange import Exchange
from orders.cloud.transport import send_once
from orders.cloud.verdicts import NotReached, NotSent, verdict
from orders.errors import ClaimRefused
from orders.models import Attempt, Order

log = logging.getLogger(__name__)


def buy(order_id: int) -> None:
    """Try to buy an approved order, once. Does nothing when it is not this order's time."""
    order = Order.objects.select_related("revision").filter(pk=order_id).first()
    if order is None:
        log.warning("order %s does not exist", order_id)
        return
    try:
        submitting.check_may_send(order)
    except ClaimRefused as refusal:
        _stand_back(order, refusal)
        return
    submission = _Submission(order, started_at=datetime.now(UTC))
    try:
        account = current_account()
        call = submission.prepared(account)
    except PreparationFailed as error:
        submission.defer(f"{type(error).__name__}: {error.message}")
        return
    try:
        exchange = submission.send(call, account)
    except ClaimRefused as refusal:
        _stand_back(order, refusal)
        return
    submission.conclude(exchange, account)


def _stand_back(order: Order, refusal: ClaimRefused) -> None:
    """Nothing was sent, and nothing needs to be: the row already says what happens next."""
    log.info("%s not sent: %s", order.reference, refusal.sentence)
    match refusal.reason:
        case "approval":
            submitting.void_approval(order=order)
        case "restored":
            stopping.heed_marker()


@dataclass(slots=True)
class _Submission:
    order: Order
    started_at: datetime
    endpoint: str = ""
    attempt: Attempt | None = None
    """Set by the claim: from then on a request may have been sent."""

    def prepared(self, account: Account) -> Call:
        content = self.order.content
        call = account.purchase_call(content.api, bytes(content.body))
        self.endpoint = f"{call.method} {call.url}"
        return account.authenticated(call, now=datetime.now(UTC))

    def send(self, call: Call, account: Account) -> Exchange:
        exchange = Exchange.of(call)
        try:
            return send_once(
                call,
                exchange=exchange,
                before_first_byte=lambda: self._claim(call.body),
                on_answer=self._note_answer,
                timeouts=account.timeouts,
                tls=account.tls,
            )
        except ClaimRefused:
            raise
        except BaseException as error:
            if self.attempt is not None:
                self._lose(type(error).__name__, exchange)
            raise

    def _claim(self, body: bytes) -> None:
        self.attempt = submitting.claim(
            order=self.order, sha256=digest(body), endpoint=self.endpoint, started_at=self.started_at
        )

    def _note_answer(self, exchange: Exchange) -> None:
        assert self.attempt is not None
        try:
            submitting.note_answer(attempt=self.attempt, exchange=exchange)
        except Exception:
            # The answer is still in hand; `conclude` stores it again.
            log.exception("%s: the answer's status could not be stored at once", self.order.reference)

    def conclude(self, exchange: Exchange, account: Account) -> None:
        meaning = verdict(exchange, parse=account.parser(self.order.content.api))
        if self.attempt is None or isinstance(meaning, NotSent):
            self.defer(exchange.error or "not sent", exchange)
            return
        if isinstance(meaning, NotReached) and meaning.renew:
            account.authentication.renew()
        try:
            submitting.conclude(attempt=self.attempt, exchange=exchange, verdict=meaning)
        except Exception:
            # The row stays SUBMITTING and the sweeper makes it UNCONFIRMED. The ids must not be lost.
            log.critical("%s: the answer could not be stored: %r", self.order.reference, meaning)
            raise

    def defer(self, error: str, exchange: Exchange | None = None) -> None:
        submitting.defer(
            order=self.order,
            endpoint=self.endpoint,
            started_at=self.started_at,
            error=error,
            exchange=exchange,
        )

    def _lose(self, error: str, exchange: Exchange) -> None:
        """Best effort on the way down; the sweeper does it otherwise."""
        try:
            assert self.attempt is not None
            submitting.interrupt(attempt=self.attempt, exchange=exchange, reason=error)
        except Exception:
            log.exception("%s: could not be marked unconfirmed", self.order.reference)
