"""Every row of the tables, everything around them, and the promise that only one thing means bought."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orders.cloud import pca, scm
from orders.cloud.calls import Call
from orders.cloud.codes import AMBIGUOUS, NOT_REACHED, REFUSED, RENEWAL_CODES
from orders.cloud.exchange import Exchange, Phase
from orders.cloud.verdicts import Doubt, NotReached, NotSent, Placed, Refused, Unknown, Verdict, verdict

WITHOUT_A_CLOCK = settings(deadline=None, database=None)
CHARACTERS = "aZ09_-. \n\x00é证\U0001f600"
CALL = Call(service="scm", method="POST", origin="https://scm.example", path="/v3/scm/certificates/buy")
ORDER = b'{"order_id":"CS1803192259ROA8U","cert":[{"cert_id":"scs1481110651012"}]}'


def answered(status: int, body: bytes | None, **changes: Any) -> Exchange:
    exchange = Exchange.of(CALL)
    exchange.first_byte_at = datetime(2026, 1, 1, tzinfo=UTC)
    exchange.status, exchange.body = status, body
    exchange.phase = Phase.COMPLETE if body is not None else Phase.ANSWERED
    for name, value in changes.items():
        setattr(exchange, name, value)
    return exchange


def lost(error: str, received: int = 0) -> Exchange:
    exchange = Exchange.of(CALL)
    exchange.first_byte_at = datetime(2026, 1, 1, tzinfo=UTC)
    exchange.phase, exchange.error, exchange.bytes_received = Phase.SENT, error, received
    return exchange


def meaning(exchange: Exchange) -> Verdict:
    return verdict(exchange, parse=scm.parse_purchase)


def error_body(code: str, message: str = "no") -> bytes:
    return json.dumps({"error_code": code, "error_msg": message}).encode()


def examples_of(pattern: str) -> list[str]:
    return [pattern.replace("\\.", ".").replace(r"\d{4}", digits) for digits in ("0001", "9999")]


REFUSALS = [
    pytest.param(code, status, id=f"{code}-{status}")
    for row in REFUSED
    for status in sorted(row.statuses)
    for code in dict.fromkeys(examples_of(row.code))
]
STOPS = [
    pytest.param(prefix + row.number, status, row.renew, row.permanent, id=f"{prefix}{row.number}-{status}")
    for row in NOT_REACHED
    for prefix in row.prefixes
    for status in sorted(row.statuses)
]
ALL_CODES = sorted(
    {code for row in REFUSED for code in examples_of(row.code)}
    | {prefix + row.number for row in NOT_REACHED for prefix in ("APIGW.", "APIG.")}
)


@pytest.mark.parametrize(("code", "status"), REFUSALS)
def test_a_reviewed_code_of_the_service_is_a_refusal(code: str, status: int) -> None:
    assert meaning(answered(status, error_body(code, "不行"))) == Refused(code=code, message="不行")


@pytest.mark.parametrize(("code", "status", "renew", "permanent"), STOPS)
def test_a_reviewed_code_of_the_gateway_did_not_reach_the_service(
    code: str, status: int, renew: bool, permanent: bool
) -> None:
    assert meaning(answered(status, error_body(code))) == NotReached(
        code=code, message="no", renew=renew, permanent=permanent
    )


def test_only_two_numbers_ask_for_new_authentication() -> None:
    assert {"APIGW.0301", "APIG.0301", "APIGW.0307", "APIG.0307"} == RENEWAL_CODES


@pytest.mark.parametrize("row", [*REFUSED, *NOT_REACHED], ids=str)
def test_every_row_names_its_source_and_proves_nothing_from_a_success(row: Any) -> None:
    assert row.source.startswith(("C.4", "C.7"))
    assert all(400 <= status < 500 or (status, row.number) == (503, "0613") for status in row.statuses)


@pytest.mark.parametrize("code", ALL_CODES)
@pytest.mark.parametrize("status", [202, 302, 402, 408, 409, 425, 499, 500, 502, 504])
def test_a_reviewed_code_with_another_status_proves_nothing(code: str, status: int) -> None:
    assert isinstance(meaning(answered(status, error_body(code))), Unknown)


@pytest.mark.parametrize("code", sorted(AMBIGUOUS))
@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
def test_an_ambiguous_code_is_unknown_whatever_the_status(code: str, status: int) -> None:
    found = meaning(answered(status, error_body(code)))
    assert found == Unknown(reason=Doubt.AMBIGUOUS_CODE, detail=f"{status} {code} no")


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429])
@pytest.mark.parametrize(
    "body",
    [
        error_body("SCM.0017"),
        error_body("SCM.00050"),
        error_body("XSCM.0005"),
        error_body("scm.0005"),
        error_body("SCM.0005\n"),
        error_body("PCA.00030202"),
        error_body("PCA.0002001"),
        error_body("APIGW.0610"),
        error_body("APIGW.9999"),
        b'{"error":{"error_code":"SCM.0005","error_msg":"nested"}}',
        b'{"error_code":5,"error_msg":"a number"}',
        b'{"error_code":"SCM.0005","error_code":"SCM.0005"}',
        b'[{"error_code":"SCM.0005"}]',
        b"<html>SCM.0005</html>",
        b"",
    ],
)
def test_a_code_that_is_not_reviewed_proves_nothing(status: int, body: bytes) -> None:
    found = meaning(answered(status, body))
    assert isinstance(found, Unknown)
    assert found.reason is Doubt.UNKNOWN_CODE


@pytest.mark.parametrize(
    ("status", "doubt"),
    [(201, Doubt.NOT_FINAL), (202, Doubt.NOT_FINAL), (204, Doubt.NOT_FINAL), (101, Doubt.NOT_FINAL)]
    + [(status, Doubt.REDIRECT) for status in (300, 301, 302, 303, 307, 308)]
    + [(status, Doubt.SERVER_ERROR) for status in (500, 501, 502, 503, 504, 599)]
    + [(status, Doubt.UNKNOWN_CODE) for status in (402, 408, 409, 410, 425, 499)],
)
def test_every_other_status_is_unknown(status: int, doubt: Doubt) -> None:
    assert meaning(answered(status, b"{}")) == Unknown(reason=doubt, detail=str(status))


@pytest.mark.parametrize("status", [201, 202, 302, 400, 401, 429, 500, 503])
def test_an_order_id_with_another_status_than_200_is_a_contradiction(status: int) -> None:
    body = b'{"order_id":"CS1","error_code":"SCM.0005","error_msg":""}'
    found = meaning(answered(status, body))
    assert isinstance(found, Unknown)
    assert found.reason is Doubt.CONTRADICTION


def test_200_with_an_order_id_is_placed() -> None:
    assert meaning(answered(200, ORDER)) == Placed(order_id="CS1803192259ROA8U", item_ids=("scs1481110651012",))


@pytest.mark.parametrize(
    ("body", "doubt"),
    [
        (b"", Doubt.UNREADABLE_BODY),
        (b"OK", Doubt.UNREADABLE_BODY),
        (b'["CS1"]', Doubt.UNREADABLE_BODY),
        # The document's own sample: a comma is missing, another is too many.
        (b'{"order_id":"CS1803192259ROA8U" "cert":[{"cert_id":"scs1481110651012",}]}', Doubt.UNREADABLE_BODY),
        (b'{"order_id":"CS1","order_id":"CS2"}', Doubt.UNREADABLE_BODY),
        (b"[" * 100_000, Doubt.UNREADABLE_BODY),
        (b'{"order_id":"CS1"}\xff', Doubt.UNREADABLE_BODY),
        ('{"order_id":"CS1"}'.encode("utf-16"), Doubt.UNREADABLE_BODY),
        (b'{"order_id":"CS1","price":NaN}', Doubt.UNREADABLE_BODY),
        (b'{"order_id":"CS1","price":1e99999999999999999999}', Doubt.UNREADABLE_BODY),
        (b"{}", Doubt.NO_ORDER_ID),
        (b'{"order_id":null}', Doubt.NO_ORDER_ID),
        (b'{"order_id":1803}', Doubt.NO_ORDER_ID),
        (b'{"order_id":""}', Doubt.NO_ORDER_ID),
        (b'{"order_id":"CS1\\n"}', Doubt.NO_ORDER_ID),
        (b'{"order_id ":"CS1"}', Doubt.NO_ORDER_ID),
        (b'{"order_id":"' + b"C" * 65 + b'"}', Doubt.NO_ORDER_ID),
        (error_body("SCM.0005"), Doubt.NO_ORDER_ID),
    ],
)
def test_200_without_a_well_formed_order_id_is_unknown(body: bytes, doubt: Doubt) -> None:
    assert meaning(answered(200, body)) == Unknown(reason=doubt, detail="200")


@pytest.mark.parametrize("status", [200, 400, 401, 429])
def test_a_status_without_its_body_proves_nothing(status: int) -> None:
    cut = meaning(answered(status, None, error="RemoteProtocolError"))
    assert cut == Unknown(reason=Doubt.TRUNCATED, detail=f"{status} RemoteProtocolError")
    large = meaning(answered(status, None, error="BodyTooLarge"))
    assert large == Unknown(reason=Doubt.TOO_LARGE, detail=f"{status} BodyTooLarge")


@pytest.mark.parametrize(
    ("error", "received", "doubt"),
    [
        ("ReadTimeout", 0, Doubt.TIMEOUT),
        ("WriteTimeout", 0, Doubt.TIMEOUT),
        ("TimeoutError", 9, Doubt.TIMEOUT),
        ("ReadError (ECONNRESET)", 0, Doubt.RESET),
        ("WriteError (EPIPE)", 0, Doubt.RESET),
        ("RemoteProtocolError", 0, Doubt.NO_ANSWER),
        ("RemoteProtocolError", 9, Doubt.UNREADABLE_ANSWER),
        ("SomethingNew", 0, Doubt.RESET),
        ("", 0, Doubt.RESET),
    ],
)
def test_no_answer_is_unknown(error: str, received: int, doubt: Doubt) -> None:
    assert meaning(lost(error, received)) == Unknown(reason=doubt, detail=error)


def test_what_was_never_claimed_was_not_sent() -> None:
    exchange = Exchange.of(CALL)
    assert meaning(exchange) == NotSent(reason="not tried")
    exchange.error = "ConnectTimeout"
    assert meaning(exchange) == NotSent(reason="ConnectTimeout")


@WITHOUT_A_CLOCK
@given(status=st.integers(100, 999), body=st.binary(max_size=200), parse=st.sampled_from((0, 1)))
def test_no_random_answer_is_ever_placed(status: int, body: bytes, parse: int) -> None:
    parser = (scm.parse_purchase, pca.parse_order)[parse]
    assert not isinstance(verdict(answered(status, body), parse=parser), Placed)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(CHARACTERS, max_size=70),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(CHARACTERS, max_size=8), inner, max_size=3),
    max_leaves=8,
)


@WITHOUT_A_CLOCK
@given(
    status=st.integers(100, 599) | st.just(200),
    found=st.fixed_dictionaries({}, optional={"order_id": json_values, "cert": json_values, "error_code": json_values}),
)
def test_placed_means_200_and_a_well_formed_order_id_and_nothing_else(status: int, found: dict[str, Any]) -> None:
    order_id = found.get("order_id")
    well_formed = (
        isinstance(order_id, str)
        and 1 <= len(order_id) <= 64
        and all(character.isascii() and (character.isalnum() or character in "_-") for character in order_id)
    )
    outcome = meaning(answered(status, json.dumps(found).encode()))
    assert isinstance(outcome, Placed) is (status == 200 and well_formed)


@WITHOUT_A_CLOCK
@given(status=st.integers(100, 999), code=st.sampled_from(ALL_CODES) | st.text("APIGWSCM.0123", max_size=12))
def test_a_definite_no_needs_a_code_and_its_own_status(status: int, code: str) -> None:
    outcome = meaning(answered(status, error_body(code)))
    refused = any(row.matches(code, status) for row in REFUSED)
    stopped = any(row.matches(code, status) for row in NOT_REACHED)
    assert isinstance(outcome, Refused) is refused
    assert isinstance(outcome, NotReached) is stopped
