"""From the evidence of one try to what it means for the order. Default deny: what proves nothing is Unknown.

    Placed      200 with a well-formed order id: bought
    Refused     the service looked and refused: not bought, and sending it again changes nothing
    NotReached  the gateway turned it away before the service: not bought, may be sent again
    NotSent     no byte of the request left: not bought, may be sent again
    Unknown     everything else: may be bought

Decided on codes, never on text (contract C.2 to C.4, C.7). The tables are in `codes`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from .answers import Purchase, ServiceError, json_object, service_error
from .codes import AMBIGUOUS, NOT_REACHED, REFUSED
from .exchange import Exchange, Phase


class Doubt(StrEnum):
    """Why an outcome is unknown, in one word for machines."""

    TIMEOUT = "timeout"  # sent, and no answer in time
    RESET = "reset"  # sent, and the connection broke
    NO_ANSWER = "no_answer"  # sent, and the connection was closed without a byte
    UNREADABLE_ANSWER = "unreadable_answer"  # sent, and what came back is not HTTP
    TRUNCATED = "truncated"  # a status, and then only part of the body or none
    TOO_LARGE = "too_large"
    UNREADABLE_BODY = "unreadable_body"  # 200, and the body is not one JSON object
    NO_ORDER_ID = "no_order_id"
    NOT_FINAL = "not_final"  # 1xx, or 2xx other than 200: accepted, perhaps
    REDIRECT = "redirect"
    SERVER_ERROR = "server_error"
    AMBIGUOUS_CODE = "ambiguous_code"
    UNKNOWN_CODE = "unknown_code"  # 4xx with a code, or with none, that proves nothing
    CONTRADICTION = "contradiction"  # an error status with an order id


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    order_id: str
    item_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotReached:
    """`renew`: drop the authentication before the next try. `permanent`: waiting alone will not help."""

    code: str
    message: str
    renew: bool
    permanent: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NotSent:
    """`reason` is the exception's class, with the system's own name for the cause if it has one."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    reason: Doubt
    detail: str = ""


Verdict: TypeAlias = Placed | Refused | NotReached | NotSent | Unknown


def verdict(exchange: Exchange, *, parse: Callable[[bytes], Purchase | None]) -> Verdict:
    """What this evidence proves. `parse` reads the purchase answer of the API that was called."""
    if not exchange.may_have_been_sent:
        return NotSent(reason=exchange.error or "not tried")
    if exchange.status is None:
        return _unanswered(exchange)
    if exchange.phase is not Phase.COMPLETE or exchange.body is None:
        doubt = Doubt.TOO_LARGE if exchange.error_class == "BodyTooLarge" else Doubt.TRUNCATED
        return _unknown(exchange, doubt)
    purchase = parse(exchange.body)
    if exchange.status == 200:
        return _bought(exchange, purchase)
    if purchase is not None:
        return _unknown(exchange, Doubt.CONTRADICTION)
    return _not_ok(exchange, exchange.status, service_error(exchange.body))


def _unanswered(exchange: Exchange) -> Unknown:
    match exchange.error_class:
        case "ReadTimeout" | "WriteTimeout" | "TimeoutError":
            doubt = Doubt.TIMEOUT
        case "RemoteProtocolError" if exchange.bytes_received == 0:
            doubt = Doubt.NO_ANSWER
        case "RemoteProtocolError":
            doubt = Doubt.UNREADABLE_ANSWER
        case _:
            doubt = Doubt.RESET
    return _unknown(exchange, doubt)


def _bought(exchange: Exchange, purchase: Purchase | None) -> Placed | Unknown:
    if purchase is not None:
        return Placed(order_id=purchase.order_id, item_ids=purchase.item_ids)
    readable = exchange.body is not None and json_object(exchange.body) is not None
    return _unknown(exchange, Doubt.NO_ORDER_ID if readable else Doubt.UNREADABLE_BODY)


def _not_ok(exchange: Exchange, status: int, error: ServiceError | None) -> Verdict:
    if error is not None and error.code in AMBIGUOUS:
        return _unknown(exchange, Doubt.AMBIGUOUS_CODE, error)
    if error is not None:
        for refusal in REFUSED:
            if refusal.matches(error.code, status):
                return Refused(code=error.code, message=error.message)
        for stop in NOT_REACHED:
            if stop.matches(error.code, status):
                return NotReached(code=error.code, message=error.message, renew=stop.renew, permanent=stop.permanent)
    return _unknown(exchange, _doubt_of(status), error)


def _doubt_of(status: int) -> Doubt:
    if status < 300:
        return Doubt.NOT_FINAL
    if status < 400:
        return Doubt.REDIRECT
    return Doubt.UNKNOWN_CODE if status < 500 else Doubt.SERVER_ERROR


def _unknown(exchange: Exchange, doubt: Doubt, error: ServiceError | None = None) -> Unknown:
    """The detail is for people: the status, then the cloud's code and words, or the kind of trouble."""
    told = f"{error.code} {error.message}" if error is not None else exchange.error
    status = "" if exchange.status is None else str(exchange.status)
    return Unknown(reason=doubt, detail=f"{status} {told}".strip())
