"""Billing: what it knows of an order that nobody else tells."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sandbox.billing import HAS_STATUS
from sandbox.ledger import Ledger
from sandbox.moments import now_ms
from sandbox.purchase import PAYMENT_WINDOW_MS, Goods, Purchase
from tests.sandbox.conftest import Buyer
from tests.sandbox_process import DOMAIN_ID, USER, running_sandbox

ORDERS = "/v2/orders/customer-orders"
RESOURCES = "/v2/orders/suscriptions/resources/query"
PAY = "/v3/orders/customer-orders/pay"
CASH = {"use_coupon": "NO", "use_discount": "NO"}


def _stamp(minutes: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_an_order_is_listed_with_what_was_ordered(buyer: Buyer) -> None:
    bought = buyer.buy_ca(period_type=3, period_num=2, subscription_num=3).json()
    (row,) = buyer.orders()
    assert row["order_id"] == bought["order_id"]
    assert (row["status"], row["order_type"], row["customer_id"]) == (6, 1, DOMAIN_ID)
    assert row["service_type_code"] == "hws.service.type.ccm"
    assert row["payment_time"] is None
    assert "user_name" not in row
    details = buyer.get(f"{ORDERS}/details/{row['order_id']}")
    (line,) = details["order_line_items"]
    assert details["order_info"]["user_name"] == USER
    assert details["order_info"]["pending_payment_end_time"] > _stamp()
    assert (line["period_type"], line["period_num"], line["subscription_num"]) == (3, 2, 3)


def test_a_certificate_order_tells_quantity_and_years(buyer: Buyer) -> None:
    bought = buyer.buy_v2(order_number=7, effective_time=2).json()
    details = buyer.get(f"{ORDERS}/details/{bought['order_id']}")
    (line,) = details["order_line_items"]
    assert (line["period_type"], line["period_num"], line["subscription_num"]) == (3, 2, 7)
    assert line["product_spec_desc"] == "GLOBALSIGN OV_SSL_CERT MULTI_DOMAIN 5"
    assert details["order_info"]["status"] == 5
    assert details["order_info"]["pending_payment_end_time"] is None


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, 2),
        ({"limit": 1}, 1),
        ({"offset": 1}, 1),
        ({"status": 5}, 1),
        ({"status": 6}, 1),
        ({"status": 4}, 0),
        ({"order_type": 1}, 2),
        ({"order_type": 4}, 0),
        ({"method": "sub_customer"}, 0),
        ({"service_type_code": "HWS.service.type.CCM"}, 1),
        ({"create_time_begin": _stamp(-5), "create_time_end": _stamp(60)}, 2),
        ({"create_time_begin": _stamp(60)}, 0),
        ({"create_time_end": _stamp(-60)}, 0),
        ({"payment_time_begin": _stamp(-5), "payment_time_end": _stamp(60)}, 1),
        ({"create_time_begin": "", "order_id": "", "status": ""}, 2),
    ],
)
def test_filters(buyer: Buyer, query: dict[str, Any], count: int) -> None:
    buyer.buy_v2()
    buyer.buy_ca()
    assert len(buyer.orders(**query)) == count


def test_order_ids_are_found_in_any_case(buyer: Buyer) -> None:
    bought = buyer.buy_v2().json()["order_id"]
    buyer.buy_v2()
    assert [row["order_id"] for row in buyer.orders(order_id=bought.lower())] == [bought]


def test_newest_first_unless_asked_otherwise(buyer: Buyer) -> None:
    bought = [buyer.buy_v2().json()["order_id"] for _ in range(3)]
    assert [row["order_id"] for row in buyer.orders()] == bought[::-1]
    assert [row["order_id"] for row in buyer.orders(order_by="CreateTime")] == bought


def test_ten_orders_unless_asked_otherwise(buyer: Buyer) -> None:
    for _ in range(12):
        buyer.buy_v2()
    found = buyer.get(ORDERS)
    assert (found["total_count"], len(found["order_infos"])) == (12, 10)


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 101},
        {"offset": -1},
        {"status": 2},
        {"order_type": 5},
        {"method": "everybody"},
        {"order_by": "status"},
        {"create_time_begin": "2026-01-01"},
        {"create_time_begin": "2026-01-01T0:0:0Z"},
        {"create_time_begin": "2026-01-01T00:00:00Z", "create_time_end": "2027-02-01T00:00:00Z"},
        {"create_time_begin": "2026-01-02T00:00:00Z", "create_time_end": "2026-01-01T00:00:00Z"},
    ],
)
def test_wrong_parameters_are_refused(buyer: Buyer, query: dict[str, Any]) -> None:
    answer = buyer.http.get(ORDERS, params=query)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "CBC.0100")


def test_an_unknown_order_is_refused(buyer: Buyer) -> None:
    answer = buyer.http.get(f"{ORDERS}/details/CS0000000000XXXXX")
    assert (answer.status_code, answer.json()["error_code"]) == (400, "CBC.30000010")


def test_from_an_order_to_its_resources(buyer: Buyer) -> None:
    bought = buyer.buy_ca(is_auto_pay=1, subscription_num=2).json()
    buyer.buy_v2()
    found = buyer.http.post(RESOURCES, json={"order_id": bought["order_id"]}).json()
    assert [row["resource_id"] for row in found["data"]] == bought["ca_ids"]
    assert found["data"][0]["resource_type_code"] == "hws.resource.type.pca.duration"
    assert found["total_count"] == 2


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ({}, 3),
        ({"limit": 2}, 2),
        ({"offset": 2}, 1),
        ({"status_list": [2]}, 3),
        ({"status_list": [3, 4]}, 0),
        ({"service_type_code": "hws.service.type.ccm"}, 1),
        ({"resource_ids": ["none"]}, 0),
        ({"order_id": "none"}, 0),
    ],
)
def test_resource_filters(buyer: Buyer, body: dict[str, Any], count: int) -> None:
    buyer.buy_v2(order_number=2)
    buyer.buy_ca(is_auto_pay=1)
    buyer.buy_ca()
    assert len(buyer.http.post(RESOURCES, json=body).json()["data"]) == count


@pytest.mark.parametrize("body", [{"service_type_code": ""}, {"order_id": 1}, {"limit": 0}, {"x": 1}])
def test_wrong_resource_queries_are_refused(buyer: Buyer, body: dict[str, Any]) -> None:
    assert buyer.http.post(RESOURCES, json=body).json()["error_code"] == "CBC.0100"


def test_paying_completes_an_order(buyer: Buyer) -> None:
    order_id = buyer.buy_ca().json()["order_id"]
    assert buyer.http.post(PAY, json={"order_id": order_id, **CASH}).status_code == 204
    assert buyer.orders()[0]["status"] == 5
    again = buyer.http.post(PAY, json={"order_id": order_id, **CASH})
    assert (again.status_code, again.json()["error_code"]) == (400, "CBC.99003106")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"order_id": "CS0000000000XXXXX"}, "CBC.30000010"),
        ({"use_coupon": "yes"}, "CBC.0100"),
        ({"use_coupon": "YES"}, "CBC.0100"),
        ({"coupon_infos": [{"coupon_id": "c"}]}, "CBC.0100"),
        ({"use_discount": "YES", "discount_infos": [{}, {}]}, "CBC.0100"),
    ],
)
def test_wrong_payments_are_refused(buyer: Buyer, changes: dict[str, Any], code: str) -> None:
    order_id = buyer.buy_ca().json()["order_id"]
    answer = buyer.http.post(PAY, json={"order_id": order_id, **CASH, **changes})
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)
    assert buyer.orders()[0]["status"] == 6


def test_cancelling_an_unpaid_order(buyer: Buyer) -> None:
    order_id = buyer.buy_ca().json()["order_id"]
    assert buyer.http.put(f"{ORDERS}/cancel", json={"order_id": order_id}).status_code == 204
    assert buyer.orders()[0]["status"] == 4
    again = buyer.http.put(f"{ORDERS}/cancel", json={"order_id": order_id})
    assert again.json()["error_code"] == "CBC.99005010"
    assert buyer.http.post(PAY, json={"order_id": order_id, **CASH}).json()["error_code"] == "CBC.99003106"


@pytest.fixture
def slow_buyer(tmp_path: Path) -> Iterator[Buyer]:
    with running_sandbox(tmp_path, SANDBOX_PROCESSING_SECONDS="60") as cloud, Buyer(cloud) as buyer:
        yield buyer


def test_a_paid_order_is_processed_before_it_is_completed(slow_buyer: Buyer) -> None:
    order_id = slow_buyer.buy_ca(is_auto_pay=1).json()["order_id"]
    assert slow_buyer.orders()[0]["status"] == 3
    assert slow_buyer.http.post(RESOURCES, json={"order_id": order_id}).json()["data"] == []


def test_an_order_nobody_pays_is_cancelled_after_a_week() -> None:
    goods = Goods("s", "r", "x", 2, 1, 1, 1.0)
    purchase = Purchase("CS", "pca.v1", "me", "id", 1000, 1000, None, goods, "{}", "", ())
    assert purchase.status(1000 + PAYMENT_WINDOW_MS - 1, 0) == 6
    assert purchase.status(1000 + PAYMENT_WINDOW_MS, 0) == 4


WEEK = PAYMENT_WINDOW_MS
MOMENTS = [(0, None, None), (0, 0, None), (-5_000, -5_000, None), (-5_000, None, -1), (-WEEK - 1, None, None)]


def test_the_status_filter_agrees_with_the_status(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    now, goods = now_ms(), Goods("s", "r", "x", 2, 1, 1, 1.0)
    for number, (executed, paid, cancelled) in enumerate(MOMENTS):
        paid_at = None if paid is None else now + paid
        name = f"CS{number}"
        ledger.record(Purchase(name, "pca.v1", "me", "id", now + executed, now + executed, paid_at, goods, "", "", ()))
        if cancelled:
            ledger.cancel(name, now + cancelled)
    values: dict[str, object] = {"window": WEEK, "processing": 2_000}
    orders = ledger.orders()
    for status, where in HAS_STATUS.items():
        expected = {order.order_id for order in orders if order.status(now, 2_000) == status}
        assert expected
        assert {order.order_id for order in ledger.orders(where, values)} == expected
    ledger.close()
