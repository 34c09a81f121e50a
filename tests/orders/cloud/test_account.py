from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from orders.cloud import pca, scm
from orders.cloud.account import APIS, Account
from orders.cloud.auth import AccessKey, Authentication, Secret
from orders.cloud.calls import Call, Timeouts
from orders.cloud.errors import BadEndpoint, CredentialsRefused, LookupFailed

from .fault_server import FaultServer, Visitor

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ENDPOINTS = {name: f"https://{name}.example" for name in ("scm", "pca", "iam", "bss")}


@dataclass
class Badge:
    """Authentication that counts."""

    renewals: int = 0
    calls: list[Call] = field(default_factory=list)

    def headers(self, call: Call, *, now: datetime) -> dict[str, str]:
        self.calls.append(call)
        return {"X-Auth-Token": "canary"}

    def renew(self) -> None:
        self.renewals += 1


def an_account(endpoints: Mapping[str, str] = ENDPOINTS, *, authentication: Authentication | None = None) -> Account:
    return Account(
        endpoints=endpoints,
        project_id="abc123",
        domain_id="def456",
        authentication=authentication or Badge(),
        timeouts=Timeouts(connect=5, read=5, total=5),
    )


@pytest.mark.parametrize(
    ("api", "url"),
    [
        ("scm.v2", "https://scm.example/v2/abc123/scm/cert/purchase"),
        ("scm.v3", "https://scm.example/v3/scm/certificates/buy"),
        ("pca.v1", "https://pca.example/v1/private-certificate-authorities/order"),
    ],
)
def test_every_api_has_a_purchase(api: str, url: str) -> None:
    call = an_account().purchase_call(api, b"{}")
    assert (call.method, call.url, call.body) == ("POST", url, b"{}")


def test_every_api_has_a_parser() -> None:
    account = an_account()
    parsers = [account.parser(api) for api in APIS]
    assert parsers == [scm.parse_purchase, scm.parse_purchase, pca.parse_order]


def test_an_api_of_another_name_is_refused() -> None:
    with pytest.raises(BadEndpoint):
        an_account().purchase_call("scm.v4", b"{}")
    with pytest.raises(BadEndpoint):
        an_account().parser("scm.v4")


@pytest.mark.parametrize(
    "endpoints",
    [
        {},
        {"scm": "https://scm.example"},
        ENDPOINTS | {"scm2": "https://elsewhere.example"},
        ENDPOINTS | {"bss": "http://bss.example"},
    ],
)
def test_an_account_has_exactly_one_good_endpoint_per_service(endpoints: dict[str, str]) -> None:
    with pytest.raises(BadEndpoint):
        an_account(endpoints)


def test_authentication_adds_headers_and_changes_nothing_else() -> None:
    account = an_account()
    call = account.purchase_call("scm.v3", b"{}")
    ready = account.authenticated(call, now=NOW)
    assert dict(ready.headers) == {"Content-Type": "application/json", "X-Auth-Token": "canary"}
    assert (ready.url, ready.body) == (call.url, call.body)


def test_missing_credentials_show_before_anything_is_sent() -> None:
    key = AccessKey(ak="", sk=Secret(""), project_id="p", domain_id="d")
    account = an_account(authentication=key)
    with pytest.raises(CredentialsRefused):
        account.authenticated(account.purchase_call("scm.v2", b"{}"), now=NOW)


def test_an_account_does_not_show_its_credentials() -> None:
    key = AccessKey(ak="canary", sk=Secret("canary"), project_id="p", domain_id="d")
    assert "canary" not in repr(an_account(authentication=key))


def answering(status: str, body: Any) -> FaultServer:
    def behaviour(visitor: Visitor) -> None:
        visitor.execute()
        visitor.answer(status, body if isinstance(body, bytes) else json.dumps(body).encode())

    return FaultServer(behaviour)


def asked(server: FaultServer, badge: Badge, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
    endpoints = ENDPOINTS | {"bss": server.origin}
    account = an_account(endpoints, authentication=badge)
    return account.ask(service="bss", path="/v2/orders", query=(("limit", "100"),), body=body)


def test_a_look_up_is_authenticated_and_read() -> None:
    badge = Badge()
    with answering("200 OK", {"total_count": 0}) as server:
        assert asked(server, badge) == {"total_count": 0}
    assert server.requests[0].startswith(b"GET /v2/orders?limit=100 HTTP/1.1\r\n")
    assert b"X-Auth-Token: canary\r\n" in server.requests[0]


def test_a_look_up_with_a_body_is_a_post() -> None:
    with answering("200 OK", {}) as server:
        asked(server, Badge(), body={"order_id": "CS1"})
    assert server.requests[0].startswith(b"POST ")
    assert server.requests[0].endswith(b'{"order_id": "CS1"}')


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        ("404 Not Found", {"error_code": "SCM.0008", "error_msg": "no"}, "SCM.0008"),
        ("200 OK", {"error_code": "CBC.3144", "error_msg": "no"}, "CBC.3144"),
        ("200 OK", [], ""),
        ("200 OK", b"<html>", ""),
        ("204 No Content", b"", ""),
        ("302 Found", {}, ""),
        ("500 Internal Server Error", {}, ""),
    ],
)
def test_anything_but_an_object_of_200_is_a_failed_look_up(status: str, body: Any, code: str) -> None:
    badge = Badge()
    with answering(status, body) as server, pytest.raises(LookupFailed) as caught:
        asked(server, badge)
    assert (caught.value.status, caught.value.code) == (int(status[:3]), code)
    assert (badge.renewals, server.connections) == (0, 1)


def test_an_expired_token_is_dropped_and_the_look_up_still_failed() -> None:
    badge = Badge()
    expired = answering("401 Unauthorized", {"error_code": "APIGW.0307", "error_msg": "no"})
    with expired as server, pytest.raises(LookupFailed):
        asked(server, badge)
    assert (badge.renewals, server.connections) == (1, 1)
