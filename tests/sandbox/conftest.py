from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests import sandbox_process as demo
from tests.sandbox_process import Sandbox, running_sandbox

V2_PATH = f"/v2/{demo.PROJECT_ID}/scm/cert/purchase"
V3_PATH = "/v3/scm/certificates/buy"
CA_PATH = "/v1/private-certificate-authorities/order"

V2_BODY: dict[str, Any] = {
    "cert_brand": "GLOBALSIGN",
    "cert_type": "OV_SSL_CERT",
    "domain_type": "MULTI_DOMAIN",
    "effective_time": 1,
    "domain_numbers": 5,
    "order_number": 1,
    "agree_privacy_protection": True,
}
V3_BODY: dict[str, Any] = {**V2_BODY, "is_auto_pay": True, "tags": [{"key": "portal-req", "value": "ORD-1042"}]}
PRODUCT = {
    "cloud_service_type": "hws.service.type.ccm",
    "resource_type": "hws.resource.type.pca.duration",
    "resource_spec_code": "ca.duration",
}
CA_BODY: dict[str, Any] = {
    "cloud_service_type": "hws.service.type.ccm",
    "charging_mode": 0,
    "period_type": 2,
    "period_num": 1,
    "is_auto_renew": 0,
    "promotion_info": "",
    "subscription_num": 1,
    "is_auto_pay": 0,
    "enterprise_project_id": "0",
    "product_infos": [PRODUCT],
}


def password_body(scope: dict[str, Any] | None = None, **user: str) -> dict[str, Any]:
    name, password = user.get("name", demo.USER), user.get("password", demo.PASSWORD)
    person = {"name": name, "password": password, "domain": {"name": user.get("domain", demo.DOMAIN_NAME)}}
    identity = {"methods": ["password"], "password": {"user": person}}
    return {"auth": {"identity": identity, "scope": scope or {"project": {"name": demo.PROJECT_NAME}}}}


def signed_headers(
    method: str,
    url: str,
    body: bytes = b"",
    *,
    ak: str = demo.AK,
    sk: str = demo.SK,
    at: datetime | None = None,
    **headers: str,
) -> dict[str, str]:
    """An independent signer (contract D.2): it shares nothing with the one that verifies."""
    target = httpx.URL(url)
    stamp = (at or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    signed = {"content-type": "application/json", "host": target.netloc.decode(), "x-sdk-date": stamp, **given}
    names = sorted(signed)
    query = sorted((quote(k, safe="~"), quote(v, safe="~")) for k, v in target.params.multi_items())
    lines = [
        method,
        target.path.rstrip("/") + "/",
        "&".join(f"{k}={v}" for k, v in query),
        "".join(f"{name}:{signed[name]}\n" for name in names),
        ";".join(names),
        hashlib.sha256(body).hexdigest(),
    ]
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    signature = hmac.new(sk.encode(), f"SDK-HMAC-SHA256\n{stamp}\n{digest}".encode(), hashlib.sha256).hexdigest()
    access = f"SDK-HMAC-SHA256 Access={ak}, SignedHeaders={';'.join(names)}, Signature={signature}"
    return {**signed, "authorization": access}


class Buyer:
    """A caller with a token, on one kept-alive connection."""

    def __init__(self, cloud: Sandbox, scope: dict[str, Any] | None = None) -> None:
        self.cloud = cloud
        self.http = httpx.Client(base_url=cloud.url, trust_env=False, timeout=10, verify=False)
        answer = self.http.post("/v3/auth/tokens", json=password_body(scope))
        self.http.headers["X-Auth-Token"] = answer.headers["X-Subject-Token"]

    def __enter__(self) -> Buyer:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def buy_v2(self, **changes: Any) -> httpx.Response:
        return self.http.post(V2_PATH, json={**V2_BODY, **changes})

    def buy_v3(self, **changes: Any) -> httpx.Response:
        return self.http.post(V3_PATH, json={**V3_BODY, **changes})

    def buy_ca(self, **changes: Any) -> httpx.Response:
        return self.http.post(CA_PATH, json={**CA_BODY, **changes})

    def get(self, path: str, **query: Any) -> Any:
        return self.http.get(path, params=query).raise_for_status().json()

    def search(self, **body: Any) -> Any:
        found = self.http.post("/v3/scm/resource_instances/action", json={"action": "filter", **body})
        return found.raise_for_status().json()

    def orders(self, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get("/v2/orders/customer-orders", **query)["order_infos"]
        return found


@pytest.fixture(scope="session")
def shared_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("cloud"), SANDBOX_PROCESSING_SECONDS="0") as cloud:
        yield cloud


@pytest.fixture
def cloud(shared_cloud: Sandbox) -> Sandbox:
    """The shared process, empty and well-behaved."""
    shared_cloud.reset()
    return shared_cloud


@pytest.fixture
def buyer(cloud: Sandbox) -> Iterator[Buyer]:
    with Buyer(cloud) as buyer:
        yield buyer
