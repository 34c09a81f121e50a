"""The official SDK, unchanged, buys here and finds what it bought."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest

from tests import sandbox_process as demo
from tests.sandbox.conftest import CA_BODY, V3_BODY
from tests.sandbox_process import Sandbox


class Sdk:
    """One service of the SDK: `sdk.call("list_certificates", "ListCertificatesRequest", limit=10)`."""

    def __init__(self, cloud: Sandbox, module: str, client: str) -> None:
        from huaweicloudsdkcore.auth.credentials import GlobalCredentials

        self.module = importlib.import_module(module)
        credentials = GlobalCredentials(demo.AK, demo.SK, demo.DOMAIN_ID)
        builder = getattr(self.module, client).new_builder().with_credentials(credentials)
        self.client = builder.with_endpoint(cloud.url).build()

    def make(self, name: str, **values: Any) -> Any:
        return getattr(self.module, name)(**values)

    def call(self, method: str, request: str, **values: Any) -> Any:
        return getattr(self.client, method)(self.make(request, **values))


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Using the SDK writes ~/.huaweicloud."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def scm(cloud: Sandbox) -> Sdk:
    return Sdk(cloud, "huaweicloudsdkscm.v3", "ScmClient")


@pytest.fixture
def ccm(cloud: Sandbox) -> Sdk:
    return Sdk(cloud, "huaweicloudsdkccm.v1", "CcmClient")


@pytest.fixture
def bss(cloud: Sandbox) -> Sdk:
    return Sdk(cloud, "huaweicloudsdkbss.v2", "BssClient")


def _subscribe(scm: Sdk) -> Any:
    tags = [scm.make("ScsResourceTag", **tag) for tag in V3_BODY["tags"]]
    body = scm.make("PurchaseCertificateRequestBody", **{**V3_BODY, "tags": tags})
    return scm.call("subscribe_certificate", "SubscribeCertificateRequest", body=body)


def _order_ca(ccm: Sdk, **changes: Any) -> Any:
    products = [ccm.make("ProductInfo", **product) for product in CA_BODY["product_infos"]]
    values = {**CA_BODY, "product_infos": products, **changes}
    body = ccm.make("CreateCertificateAuthorityOrderRequestBody", **values)
    request = "CreateCertificateAuthorityOrderRequest"
    return ccm.call("create_certificate_authority_order", request, body=body)


def test_certificates(cloud: Sandbox, scm: Sdk) -> None:
    bought = _subscribe(scm)
    assert cloud.ledger()[0]["order_id"] == bought.order_id
    cert_id = bought.cert[0].cert_id
    listed = scm.call("list_certificates", "ListCertificatesRequest", limit=10, owned_by_self=True, content="scm-")
    assert [row.id for row in listed.certificates] == [cert_id]
    shown = scm.call("show_certificate", "ShowCertificateRequest", certificate_id=cert_id)
    assert shown.order_id == bought.order_id


def test_certificates_by_tag(scm: Sdk) -> None:
    bought = _subscribe(scm)
    tag = scm.make("ScsTag", key="portal-req", values=["ORD-1042"])
    body = scm.make("ListCertificatesByTagRequestBody", action="filter", tags=[tag], limit=50, offset=0)
    request = {"resource_instances": "resource_instances", "body": body}
    found = scm.call("list_certificates_by_tag", "ListCertificatesByTagRequest", **request)
    assert [row.resource_detail.cert_id for row in found.resources] == [bought.cert[0].cert_id]


def test_private_cas(cloud: Sandbox, ccm: Sdk) -> None:
    bought = _order_ca(ccm, is_auto_pay=1)
    assert cloud.ledger()[0]["item_ids"] == bought.ca_ids
    listed = ccm.call("list_certificate_authority", "ListCertificateAuthorityRequest", status="PENDING")
    assert [row.ca_id for row in listed.certificate_authorities] == bought.ca_ids
    shown = ccm.call("show_certificate_authority", "ShowCertificateAuthorityRequest", ca_id=bought.ca_ids[0])
    assert shown.status == "PENDING"
    quota = ccm.call("show_certificate_authority_quota", "ShowCertificateAuthorityQuotaRequest")
    assert quota.quotas.resources[0].used == 1


def test_billing(ccm: Sdk, bss: Sdk) -> None:
    bought = _order_ca(ccm)
    listed = bss.call("list_customer_orders", "ListCustomerOrdersRequest", status=6)
    assert [row.order_id for row in listed.order_infos] == [bought.order_id]
    payment = bss.make("PayCustomerOrderV3Req", order_id=bought.order_id, use_coupon="NO", use_discount="NO")
    bss.call("pay_orders", "PayOrdersRequest", body=payment)
    request = "ShowCustomerOrderDetailsRequest"
    details = bss.call("show_customer_order_details", request, order_id=bought.order_id)
    assert (details.order_info.status, details.order_info.user_name) == (5, demo.USER)
    query = bss.make("QueryResourcesReq", order_id=bought.order_id)
    request = "ListPayPerUseCustomerResourcesRequest"
    resources = bss.call("list_pay_per_use_customer_resources", request, body=query)
    assert [row.resource_id for row in resources.data] == bought.ca_ids


def test_a_refusal_is_understood(cloud: Sandbox, ccm: Sdk) -> None:
    from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException

    with pytest.raises(ClientRequestException) as caught:
        _order_ca(ccm, period_type=4)
    assert (caught.value.status_code, caught.value.error_code) == (400, "PCA.00020001")
    assert caught.value.request_id
    assert cloud.ledger() == []
