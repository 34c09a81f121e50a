from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest

from orders.cloud import billing
from orders.cloud.errors import LookupFailed

from .gate import gate

START = datetime(2026, 1, 1, 8, 0, 0, 900000, tzinfo=timezone(timedelta(hours=8)))
END = START + timedelta(minutes=5)


def row(order_id: str = "CS2011091132EMKL9", **changes: Any) -> dict[str, Any]:
    """As the list shows an order (contract E.3)."""
    return {
        "order_id": order_id,
        "service_type_code": "hws.service.type.ccm",
        "status": 6,
        "order_type": 1,
        "amount_after_discount": Decimal("10.50"),
        "create_time": "2026-01-01T00:00:03Z",
        "payment_time": None,
        "currency": "CNY",
    } | changes


def test_orders_of_a_window_are_listed_oldest_first() -> None:
    pages = gate({"total_count": 1, "order_infos": [row()]})
    found = billing.orders(pages, created_from=START, created_until=END, service_type_code="hws.service.type.ccm")
    assert found == (
        billing.BillingOrder(
            order_id="CS2011091132EMKL9",
            status=billing.AWAITING_PAYMENT,
            order_type=billing.NEW,
            service_type_code="hws.service.type.ccm",
            created_at=datetime(2026, 1, 1, 0, 0, 3, tzinfo=UTC),
            paid_at=None,
            pay_until=None,
            user_name="",
            amount=Decimal("10.50"),
            currency="CNY",
        ),
    )
    assert pages.asked[0].service == "bss"
    assert pages.asked[0].query == {
        "create_time_begin": "2026-01-01T00:00:00Z",
        "create_time_end": "2026-01-01T00:05:01Z",
        "order_by": "createTime",
        "limit": "100",
        "order_type": "1",
        "service_type_code": "hws.service.type.ccm",
        "offset": "0",
    }


def test_filters_can_be_left_out() -> None:
    pages = gate({"total_count": 0, "order_infos": None})
    whole_second = START.replace(microsecond=0)
    assert billing.orders(pages, created_from=START, created_until=whole_second + timedelta(1), order_type=None) == ()
    assert {"order_type", "service_type_code"}.isdisjoint(pages.asked[0].query)
    assert pages.asked[0].query["create_time_end"] == "2026-01-02T00:00:00Z"


def test_every_page_is_read_and_each_order_kept_once() -> None:
    first = {"total_count": 150, "order_infos": [row(f"CS{number}") for number in range(100)]}
    second = {"total_count": 150, "order_infos": [row(f"CS{number}") for number in range(100, 150)]}
    pages = gate(first, second)
    assert len(billing.orders(pages, created_from=START, created_until=END)) == 150
    assert [asked.query["offset"] for asked in pages.asked] == ["0", "100"]


def test_rows_that_moved_between_pages_are_a_failed_look_up() -> None:
    first = {"total_count": 3, "order_infos": [row("CS1"), row("CS2")]}
    with pytest.raises(LookupFailed, match="moved"):
        billing.orders(
            gate(first, {"total_count": 3, "order_infos": [row("CS2")]}), created_from=START, created_until=END
        )


@pytest.mark.parametrize("until", [START - timedelta(seconds=1), START + timedelta(days=366)])
def test_a_window_is_at_most_a_year_and_not_backwards(until: datetime) -> None:
    with pytest.raises(ValueError, match="one year"):
        billing.orders(gate(), created_from=START, created_until=until)


@pytest.mark.parametrize(
    "changes",
    [
        {"order_id": None},
        {"status": None},
        {"order_type": "1"},
        {"create_time": "2026-01-01 00:00:03"},
        {"amount_after_discount": "10.50"},
        {"currency": 5},
    ],
)
def test_an_unknown_shape_is_a_failed_look_up(changes: dict[str, Any]) -> None:
    with pytest.raises(LookupFailed):
        billing.orders(gate({"total_count": 1, "order_infos": [row(**changes)]}), created_from=START, created_until=END)


LINE = {
    "service_type_code": "hws.service.type.ccm",
    "product_id": "p-1",
    "product_spec_desc": "Private CA",
    "period_type": 2,
    "period_num": 1,
    "subscription_num": 3,
}


def test_the_details_name_the_buyer_the_deadline_and_the_lines() -> None:
    info = row(user_name="countersign", pending_payment_end_time="2026-01-08T00:00:00Z", amount_after_discount=10)
    pages = gate({"total_count": 1, "order_info": info, "order_line_items": [LINE]})
    found = billing.order(pages, "cs2011091132emkl9")
    assert (found.user_name, found.pay_until) == ("countersign", datetime(2026, 1, 8, tzinfo=UTC))
    assert found.lines == (
        billing.BillingLine(
            service_type_code="hws.service.type.ccm",
            product_id="p-1",
            product_spec_desc="Private CA",
            period_type=2,
            period_num=1,
            subscription_num=3,
        ),
    )
    assert found.amount == Decimal(10)
    assert pages.asked[0].path == "/v2/orders/customer-orders/details/cs2011091132emkl9"


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"order_info": None},
        {"order_info": row("CS-another"), "order_line_items": []},
        {"order_info": row(), "order_line_items": "none"},
        {"order_info": row(), "order_line_items": [LINE | {"subscription_num": "3"}]},
    ],
)
def test_details_of_another_shape_or_order_are_a_failed_look_up(answer: dict[str, Any]) -> None:
    with pytest.raises(LookupFailed):
        billing.order(gate(answer), "CS2011091132EMKL9")


def test_an_order_leads_to_its_resources() -> None:
    resource = {
        "resource_id": "66504812-fedc",
        "resource_name": "pca",
        "service_type_code": "hws.service.type.ccm",
        "resource_type_code": "hws.resource.type.pca.duration",
        "status": 2,
    }
    pages = gate({"total_count": 1, "data": [resource]})
    assert billing.resources(pages, "CS1") == (
        billing.BillingResource(
            resource_id="66504812-fedc",
            name="pca",
            service_type_code="hws.service.type.ccm",
            resource_type_code="hws.resource.type.pca.duration",
            status=2,
        ),
    )
    assert pages.asked[0].path == "/v2/orders/suscriptions/resources/query"
    assert pages.asked[0].body == {"order_id": "CS1", "limit": 100, "offset": 0}


def test_resources_of_no_order_are_not_asked_for() -> None:
    pages = gate()
    with pytest.raises(LookupFailed):
        billing.resources(pages, "")
    assert pages.asked == []
