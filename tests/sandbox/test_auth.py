"""Tokens and signatures are really checked."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from sandbox import signature
from sandbox.messages import Request
from sandbox.tokens import LIFETIME_MS, Claims, Tokens
from tests import sandbox_process as demo
from tests.sandbox.conftest import CA_BODY, CA_PATH, V2_BODY, V2_PATH, Buyer, password_body, signed_headers
from tests.sandbox_process import Sandbox

SK = "TestSecretKey/0123456789+abcdefghijklmno"
PROJECT = "0123456789abcdef0123456789abcdef"
DOMAIN = "fedcba9876543210fedcba9876543210"
V1_BODY = (
    b'{"cert_brand":"GLOBALSIGN","cert_type":"OV_SSL_CERT","domain_type":"MULTI_DOMAIN","effective_time":1,'
    b'"domain_numbers":5,"order_number":1,"agree_privacy_protection":true}'
)
V2_VECTOR_BODY = (
    b'{"cloud_service_type":"hws.service.type.ccm","charging_mode":0,"period_type":2,"period_num":1,'
    b'"is_auto_renew":0,"promotion_info":"","subscription_num":1,"is_auto_pay":0,"enterprise_project_id":"0",'
    b'"product_infos":[{"cloud_service_type":"hws.service.type.ccm",'
    b'"resource_type":"hws.resource.type.pca.duration","resource_spec_code":"ca.duration"}]}'
)
V3_QUERY = (
    ("content", "证书 a~b/c+d"),
    ("limit", "50"),
    ("offset", "0"),
    ("owned_by_self", "true"),
    ("status", "PAID"),
)
VECTORS = [
    (
        ("POST", f"/v2/{PROJECT}/scm/cert/purchase", (), "scm", ("x-project-id", PROJECT), V1_BODY),
        "b8c1eb489c0d200ba616b14e74abc30711d2d06664a94c76ee2ea0df76d0ed79",
    ),
    (
        ("POST", "/v1/private-certificate-authorities/order", (), "ccm", ("x-domain-id", DOMAIN), V2_VECTOR_BODY),
        "3ce78a09fa0dbcc65a59eb2c06a1e7897a0dfd8e4b6e777d3c200372c2d29a86",
    ),
    (
        ("GET", "/v3/scm/certificates", V3_QUERY, "scm", ("x-domain-id", DOMAIN), b""),
        "26b1f0c723aa0f00455c74245dd1b7898876fa454a217ef0265074cff60e0917",
    ),
]


@pytest.mark.parametrize(("vector", "expected"), VECTORS, ids=["V1", "V2", "V3"])
def test_the_published_vectors(vector: tuple[Any, ...], expected: str) -> None:
    method, path, query, service, extra, body = vector
    host = f"{service}.cn-north-4.myhuaweicloud.com"
    headers = {"content-type": "application/json", "host": host, "x-sdk-date": "20260101T000000Z"}
    headers[extra[0]] = extra[1]
    request = Request(method, path, path, query, headers, body, "id")
    assert signature.sign(request, sorted(headers), SK) == expected


def _send(cloud: Sandbox, headers: dict[str, str], path: str = V2_PATH, content: bytes = V1_BODY) -> httpx.Response:
    return httpx.post(cloud.url + path, content=content, headers=headers, trust_env=False)


def _assert_denied(cloud: Sandbox, answer: httpx.Response, text: str) -> None:
    body = answer.json()
    assert (answer.status_code, body["error_code"]) == (401, "APIGW.0301")
    assert body["request_id"] == answer.headers["X-Request-Id"]
    assert text in body["error_msg"]
    assert cloud.ledger() == []


def test_a_good_signature_buys(cloud: Sandbox) -> None:
    url = cloud.url + V2_PATH
    answer = _send(cloud, signed_headers("POST", url, V1_BODY, x_project_id=demo.PROJECT_ID))
    assert answer.status_code == 200
    assert cloud.ledger()[0]["user_name"] == demo.USER


def test_a_signed_query_is_verified(cloud: Sandbox) -> None:
    url = cloud.url + "/v3/scm/certificates?content=%E8%AF%81%20a~b%2Fc%2Bd&limit=50&offset=0"
    headers = signed_headers("GET", url)
    assert httpx.get(url, headers=headers, trust_env=False).status_code == 200
    assert httpx.get(url.replace("limit=50", "limit=20"), headers=headers, trust_env=False).status_code == 401


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"sk": "wrong"}, "verify aksk signature fail"),
        ({"ak": "NOBODY"}, "ak not exist"),
        ({"at": timedelta(minutes=-16)}, "signature expired"),
        ({"at": timedelta(minutes=16)}, "signature expired"),
        ({"x_domain_id": "another"}, "X-Domain-Id"),
        ({"host": "scm.cn-north-4.myhuaweicloud.com"}, "verify aksk signature fail"),
    ],
    ids=["key", "unknown-ak", "old", "future", "domain", "host"],
)
def test_a_wrong_signature_is_refused(cloud: Sandbox, changes: dict[str, Any], text: str) -> None:
    if "at" in changes:
        changes = {"at": datetime.now(UTC) + changes["at"]}
    headers = signed_headers("POST", cloud.url + V2_PATH, V1_BODY, **changes)
    if "host" in changes:
        headers["host"] = httpx.URL(cloud.url).netloc.decode()
    _assert_denied(cloud, _send(cloud, headers), text)


@pytest.mark.parametrize("minutes", [-14, 14])
def test_a_clock_that_is_a_little_wrong_is_accepted(cloud: Sandbox, minutes: int) -> None:
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    assert _send(cloud, signed_headers("POST", cloud.url + V2_PATH, V1_BODY, at=at)).status_code == 200


def test_a_changed_body_is_refused(cloud: Sandbox) -> None:
    headers = signed_headers("POST", cloud.url + V2_PATH, V1_BODY)
    answer = _send(cloud, headers, content=V1_BODY.replace(b'order_number":1', b'order_number":9'))
    _assert_denied(cloud, answer, "signature")


def test_a_signature_for_one_path_is_no_good_for_another(cloud: Sandbox) -> None:
    headers = signed_headers("POST", cloud.url + V2_PATH, V1_BODY)
    _assert_denied(cloud, _send(cloud, headers, path="/v3/scm/certificates/buy"), "signature")


def test_another_project_header_is_refused(cloud: Sandbox) -> None:
    headers = signed_headers("POST", cloud.url + V2_PATH, V1_BODY, x_project_id="another")
    answer = _send(cloud, headers)
    assert (answer.status_code, answer.json()["error_code"]) == (403, "APIGW.0310")


@pytest.mark.parametrize(
    "authorization",
    ["Basic x", "SDK-HMAC-SHA256 Access=a", "SDK-HMAC-SHA256 Access=a, SignedHeaders=b, Signature=c"],
)
def test_a_malformed_authorization_is_refused(cloud: Sandbox, authorization: str) -> None:
    headers = {"authorization": authorization, "content-type": "application/json"}
    _assert_denied(cloud, _send(cloud, headers), "malformed")


def test_host_and_date_must_be_signed(cloud: Sandbox) -> None:
    headers = signed_headers("POST", cloud.url + V2_PATH, V1_BODY)
    headers["authorization"] = headers["authorization"].replace("content-type;host;", "content-type;")
    _assert_denied(cloud, _send(cloud, headers), "must be signed")


def test_a_signed_header_must_be_there(cloud: Sandbox) -> None:
    headers = signed_headers("POST", cloud.url + V2_PATH, V1_BODY, x_extra="1")
    del headers["x-extra"]
    _assert_denied(cloud, _send(cloud, headers), "x-extra not found")


@pytest.mark.parametrize("token", ["", "MIIx.y", "x" * 40, "MIIé.ü"])
def test_no_token_or_a_made_up_one_is_refused(cloud: Sandbox, token: str) -> None:
    headers = httpx.Headers({"x-auth-token": token, "content-type": "application/json"}, encoding="utf-8")
    answer = httpx.post(cloud.url + CA_PATH, json=CA_BODY, headers=headers, trust_env=False)
    _assert_denied(cloud, answer, "decrypt token fail" if token else "x-auth-token not found")


def test_a_token_of_another_cloud_is_refused(cloud: Sandbox) -> None:
    token = Tokens(b"another").issue(Claims(demo.USER, demo.DOMAIN_ID, demo.PROJECT_ID, 0, "n"))
    _assert_denied(cloud, _send(cloud, {"x-auth-token": token}), "decrypt token fail")


def test_a_token_lives_for_a_day() -> None:
    tokens = Tokens(b"key")
    claims = tokens.read(tokens.issue(Claims("me", "d", "p", 1000, "n")))
    assert claims
    assert claims.expires_ms == 1000 + LIFETIME_MS == 86_401_000
    assert claims.expires_at == "1970-01-02T00:00:01.000000Z"


def test_a_token_is_issued_as_documented(cloud: Sandbox) -> None:
    answer = httpx.post(cloud.url + "/v3/auth/tokens", json=password_body(), trust_env=False)
    token = answer.json()["token"]
    assert answer.status_code == 201
    assert answer.headers["X-Subject-Token"].startswith("MII")
    assert token["project"]["id"] == demo.PROJECT_ID
    assert token["catalog"] == []
    issued, expires = (datetime.fromisoformat(token[name]) for name in ("issued_at", "expires_at"))
    assert expires - issued == timedelta(hours=24)


def test_the_catalog_can_be_left_out(cloud: Sandbox) -> None:
    answer = httpx.post(cloud.url + "/v3/auth/tokens?nocatalog=1", json=password_body(), trust_env=False)
    assert "catalog" not in answer.json()["token"]


@pytest.mark.parametrize("scope", [{"domain": {"id": demo.DOMAIN_ID}}, {"domain": {"name": demo.DOMAIN_NAME}}])
def test_a_domain_token_is_for_global_services(cloud: Sandbox, scope: dict[str, Any]) -> None:
    with Buyer(cloud, scope) as buyer:
        assert buyer.buy_ca().status_code == 200
        assert buyer.buy_v3().status_code == 200
        assert buyer.buy_v2().json()["error_code"] == "SCM.0002"


def test_the_project_wins_over_the_domain(cloud: Sandbox) -> None:
    both = {"project": {"id": demo.PROJECT_ID}, "domain": {"id": demo.DOMAIN_ID}}
    answer = httpx.post(cloud.url + "/v3/auth/tokens", json=password_body(both), trust_env=False)
    assert "project" in answer.json()["token"]


@pytest.mark.parametrize("user", [{"name": "x"}, {"password": "x"}, {"domain": "x"}])
def test_a_wrong_password_is_refused(cloud: Sandbox, user: dict[str, str]) -> None:
    answer = httpx.post(cloud.url + "/v3/auth/tokens", json=password_body(None, **user), trust_env=False)
    expected = {"code": 401, "message": "The username or password is wrong.", "title": "Unauthorized"}
    assert (answer.status_code, answer.json()) == (401, {"error": expected})


@pytest.mark.parametrize("scope", [{"project": {"name": "eu-west-9"}}, {"domain": {"id": "x"}}])
def test_an_unknown_scope_is_refused(cloud: Sandbox, scope: dict[str, Any]) -> None:
    assert httpx.post(cloud.url + "/v3/auth/tokens", json=password_body(scope), trust_env=False).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{}",
        b'{"auth": []}',
        json.dumps({"auth": {"identity": {"methods": ["token"]}, "scope": {}}}).encode(),
        json.dumps(password_body({"project": {}})).encode(),
        json.dumps(password_body({"x": 1})).encode(),
        json.dumps(password_body(password="")).encode(),
    ],
    ids=range(7),
)
def test_an_invalid_token_request_is_refused(cloud: Sandbox, body: bytes) -> None:
    headers = {"Content-Type": "application/json;charset=utf8"}
    answer = httpx.post(cloud.url + "/v3/auth/tokens", content=body, headers=headers, trust_env=False)
    expected = {"code": 400, "message": "The request body is invalid", "title": "Bad Request"}
    assert (answer.status_code, answer.json()) == (400, {"error": expected})


def test_a_token_can_be_looked_at(buyer: Buyer) -> None:
    token = buyer.http.headers["X-Auth-Token"]
    good = buyer.http.get("/v3/auth/tokens", headers={"X-Subject-Token": token})
    bad = buyer.http.get("/v3/auth/tokens", headers={"X-Subject-Token": "x"})
    assert good.json()["token"]["project"]["name"] == demo.PROJECT_NAME
    assert bad.status_code == 404


def test_the_sdk_can_ask_for_its_ids(buyer: Buyer) -> None:
    assert buyer.get("/v3/auth/domains")["domains"][0]["id"] == demo.DOMAIN_ID
    assert buyer.get("/v3/projects", name=demo.PROJECT_NAME)["projects"][0]["id"] == demo.PROJECT_ID
    assert buyer.get("/v3/projects", name="another")["projects"] == []


def test_v2_needs_authentication_before_it_reads(cloud: Sandbox) -> None:
    answer = httpx.post(cloud.url + V2_PATH, json={**V2_BODY, "cert_brand": 1}, trust_env=False)
    assert answer.status_code == 401
