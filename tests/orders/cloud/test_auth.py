"""Signatures against the vectors of the contract (D.5), which the vendor's own signer made."""

from __future__ import annotations

import hashlib
import pickle
from datetime import UTC, datetime, timedelta, timezone

import pytest

from orders.cloud import pca, scm
from orders.cloud.auth import AccessKey, Secret, canonical_request
from orders.cloud.calls import Call
from orders.cloud.errors import CredentialsRefused

SK = "TestSecretKey/0123456789+abcdefghijklmno"
PROJECT = "0123456789abcdef0123456789abcdef"
DOMAIN = "fedcba9876543210fedcba9876543210"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SCM = "https://scm.cn-north-4.myhuaweicloud.com"

V1 = scm.purchase_call(
    "scm.v2",
    origin=SCM,
    project_id=PROJECT,
    body=b'{"cert_brand":"GLOBALSIGN","cert_type":"OV_SSL_CERT","domain_type":"MULTI_DOMAIN","effective_time":1,'
    b'"domain_numbers":5,"order_number":1,"agree_privacy_protection":true}',
)
V2 = pca.order_call(
    origin="https://ccm.cn-north-4.myhuaweicloud.com",
    body=b'{"cloud_service_type":"hws.service.type.ccm","charging_mode":0,"period_type":2,"period_num":1,'
    b'"is_auto_renew":0,"promotion_info":"","subscription_num":1,"is_auto_pay":0,"enterprise_project_id":"0",'
    b'"product_infos":[{"cloud_service_type":"hws.service.type.ccm",'
    b'"resource_type":"hws.resource.type.pca.duration","resource_spec_code":"ca.duration"}]}',
)
V3 = Call(
    service="scm",
    method="GET",
    origin=SCM,
    path="/v3/scm/certificates",
    query=(
        ("status", "PAID"),
        ("content", "证书 a~b/c+d"),
        ("limit", "50"),
        ("offset", "0"),
        ("owned_by_self", "true"),
    ),
)
VECTORS = [
    pytest.param(
        V1,
        "x-project-id",
        "ef258c822bf59d6d64591137149506da48a17d99fb1f33cabaeb68b2b56d7ad3",
        "b8c1eb489c0d200ba616b14e74abc30711d2d06664a94c76ee2ea0df76d0ed79",
        id="V1",
    ),
    pytest.param(
        V2,
        "x-domain-id",
        "916b9e68ad017c61d6e4ab215230c5b4975dd0e02c59c632eaf22c173817fa1c",
        "3ce78a09fa0dbcc65a59eb2c06a1e7897a0dfd8e4b6e777d3c200372c2d29a86",
        id="V2",
    ),
    pytest.param(
        V3,
        "x-domain-id",
        "febfa32fe19cd0201635c39cd1c56c2ac494fc014af050b1b02fb5ea16d7d7f1",
        "26b1f0c723aa0f00455c74245dd1b7898876fa454a217ef0265074cff60e0917",
        id="V3",
    ),
]


def access_key(**changes: object) -> AccessKey:
    fields: dict[str, object] = {
        "ak": "TESTAK0123456789ABCD",
        "sk": Secret(SK),
        "project_id": PROJECT,
        "domain_id": DOMAIN,
    }
    return AccessKey(**(fields | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(("call", "scope", "canonical", "signature"), VECTORS)
def test_signatures_match_the_vectors(call: Call, scope: str, canonical: str, signature: str) -> None:
    headers = access_key().headers(call, now=NOW)
    assert headers["Authorization"] == (
        "SDK-HMAC-SHA256 Access=TESTAK0123456789ABCD, "
        f"SignedHeaders=content-type;host;{scope};x-sdk-date, Signature={signature}"
    )
    signed = {name.lower(): value for name, value in headers.items() if name != "Authorization"}
    signed |= {"content-type": "application/json", "host": call.host}
    assert hashlib.sha256(canonical_request(call, signed).encode()).hexdigest() == canonical


def test_the_time_is_signed_in_utc() -> None:
    elsewhere = NOW.astimezone(timezone(timedelta(hours=8)))
    assert access_key().headers(V1, now=elsewhere) == access_key().headers(V1, now=NOW)


@pytest.mark.parametrize(
    ("changes", "call"),
    [({"ak": ""}, V1), ({"sk": Secret("")}, V1), ({"project_id": ""}, V1), ({"domain_id": ""}, V2)],
)
def test_missing_credentials_are_refused_before_anything_is_sent(changes: dict[str, object], call: Call) -> None:
    with pytest.raises(CredentialsRefused):
        access_key(**changes).headers(call, now=NOW)


def test_renewing_a_key_changes_nothing() -> None:
    key = access_key()
    before = key.headers(V1, now=NOW)
    key.renew()
    assert key.headers(V1, now=NOW) == before


def test_an_access_key_keeps_its_secret() -> None:
    assert SK not in repr(access_key())
    with pytest.raises(TypeError):
        pickle.dumps(access_key())
