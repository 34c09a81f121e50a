"""Every rule of the private-CA order, and looking back at CAs."""

from __future__ import annotations

import json
import uuid

import pytest

from tests.sandbox.conftest import CA_BODY, CA_PATH, PRODUCT, Buyer
from tests.sandbox_process import Sandbox

MISSING = object()
LIST = "/v1/private-certificate-authorities"

WRONG = [
    ("cloud_service_type", MISSING),
    ("cloud_service_type", "hws.service.type.scm"),
    ("cloud_service_type", 1),
    ("charging_mode", MISSING),
    ("charging_mode", 1),
    ("charging_mode", False),
    ("charging_mode", "0"),
    ("period_type", MISSING),
    ("period_type", 1),
    ("period_type", 4),
    ("period_type", 2.0),
    ("period_num", MISSING),
    ("period_num", 0),
    ("period_num", 2**31),
    ("period_num", True),
    ("is_auto_renew", MISSING),
    ("is_auto_renew", 2),
    ("is_auto_renew", False),
    ("promotion_info", None),
    ("promotion_info", "x" * 2049),
    ("subscription_num", MISSING),
    ("subscription_num", 0),
    ("subscription_num", 101),
    ("subscription_num", "1"),
    ("is_auto_pay", True),
    ("is_auto_pay", 2),
    ("is_auto_pay", None),
    ("enterprise_project_id", ""),
    ("enterprise_project_id", "x" * 65),
    ("enterprise_project_id", 0),
    ("product_infos", MISSING),
    ("product_infos", []),
    ("product_infos", {}),
    ("product_infos", ["x"]),
    ("product_infos", [PRODUCT] * 11),
    ("product_infos", [{**PRODUCT, "resource_type": "hws.resource.type.vm"}]),
    ("product_infos", [{**PRODUCT, "resource_spec_code": 1}]),
    ("product_infos", [{**PRODUCT, "cloud_service_type": ""}]),
    ("product_infos", [{**PRODUCT, "resource_size": 1}]),
    ("product_infos", [{"cloudServiceType": "hws.service.type.ccm"}]),
    ("tags", []),
]


@pytest.mark.parametrize(("field", "value"), WRONG)
def test_it_refuses(cloud: Sandbox, buyer: Buyer, field: str, value: object) -> None:
    body = {**CA_BODY, field: value}
    if value is MISSING:
        del body[field]
    answer = buyer.http.post(CA_PATH, json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "PCA.00020001")
    assert cloud.ledger() == []


def test_it_refuses_what_is_not_json(buyer: Buyer) -> None:
    answer = buyer.http.post(CA_PATH, content=b"{,}", headers={"Content-Type": "application/json"})
    assert answer.json()["error_code"] == "PCA.00020001"
    assert buyer.http.post(CA_PATH, content=json.dumps(CA_BODY)).json()["error_code"] == "PCA.00020001"


def test_the_optional_fields_may_be_absent(cloud: Sandbox, buyer: Buyer) -> None:
    optional = {"promotion_info", "is_auto_pay", "enterprise_project_id"}
    body = {name: value for name, value in CA_BODY.items() if name not in optional}
    assert buyer.http.post(CA_PATH, json=body).status_code == 200
    assert cloud.ledger()[0]["paid"] is False


def test_as_many_cas_as_subscribed(cloud: Sandbox, buyer: Buyer) -> None:
    answer = buyer.buy_ca(subscription_num=3, period_type=3, promotion_info="p" * 2048).json()
    assert set(answer) == {"order_id", "ca_ids"}
    assert len({uuid.UUID(ca_id) for ca_id in answer["ca_ids"]}) == 3
    assert cloud.ledger()[0]["item_ids"] == answer["ca_ids"]
    assert cloud.ledger()[0]["service"] == "pca.v1"


def test_unpaid_cas_are_listed_only_once_they_are_paid(buyer: Buyer) -> None:
    order = buyer.buy_ca(subscription_num=2).json()
    assert buyer.get(LIST)["total"] == 0
    assert buyer.http.get(f"{LIST}/{order['ca_ids'][0]}").status_code == 404
    payment = {"order_id": order["order_id"], "use_coupon": "NO", "use_discount": "NO"}
    assert buyer.http.post("/v3/orders/customer-orders/pay", json=payment).status_code == 204
    assert buyer.get(LIST)["total"] == 2


def test_paid_cas_are_pending_and_prepaid(buyer: Buyer) -> None:
    order = buyer.buy_ca(is_auto_pay=1, enterprise_project_id="ep-1").json()
    (row,) = buyer.get(LIST)["certificate_authorities"]
    assert (row["ca_id"], row["status"], row["charging_mode"]) == (order["ca_ids"][0], "PENDING", 0)
    assert row["enterprise_project_id"] == "ep-1"
    assert "order_id" not in row
    assert buyer.get(f"{LIST}/{row['ca_id']}") == row


def test_the_list_is_paged_newest_first(buyer: Buyer) -> None:
    bought = [ca for _ in range(3) for ca in buyer.buy_ca(is_auto_pay=1, subscription_num=4).json()["ca_ids"]]
    pages = [buyer.get(LIST, limit=5, offset=offset) for offset in (0, 5, 10)]
    seen = [row["ca_id"] for page in pages for row in page["certificate_authorities"]]
    assert sorted(seen) == sorted(bought)
    assert {page["total"] for page in pages} == {12}
    oldest = buyer.get(LIST, limit=1, sort_dir="ASC")["certificate_authorities"]
    assert seen[-1] == oldest[0]["ca_id"]
    assert len(buyer.get(LIST)["certificate_authorities"]) == 10


@pytest.mark.parametrize("query", [{"status": "ACTIVED"}, {"type": "ROOT"}, {"name": "x"}])
def test_a_blank_ca_matches_no_other_filter(buyer: Buyer, query: dict[str, str]) -> None:
    buyer.buy_ca(is_auto_pay=1)
    assert buyer.get(LIST, **query)["total"] == 0
    assert buyer.get(LIST, status="PENDING")["total"] == 1


@pytest.mark.parametrize(
    "query",
    [{"limit": 1001}, {"limit": -1}, {"offset": "x"}, {"status": "PAID"}, {"type": "CA"}, {"sort_dir": "UP"}],
)
def test_wrong_list_parameters_are_refused(buyer: Buyer, query: dict[str, str]) -> None:
    answer = buyer.http.get(LIST, params=query)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "PCA.00020001")


def test_a_missing_ca(buyer: Buyer) -> None:
    missing = buyer.http.get(f"{LIST}/{uuid.uuid4()}")
    assert (missing.status_code, missing.json()["error_code"]) == (404, "PCA.00030102")
    assert buyer.http.get(f"{LIST}/none").json()["error_code"] == "PCA.00020201"


def test_the_quota_counts_paid_cas(buyer: Buyer) -> None:
    buyer.buy_ca(is_auto_pay=1, subscription_num=2)
    expected = {"type": "CERTIFICATE_AUTHORITY", "used": 2, "quota": 100}
    assert buyer.get(f"{LIST}/quotas") == {"quotas": {"resources": [expected]}}
