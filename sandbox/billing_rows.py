"""How BSS describes an order, its line and its resources (contract E.3)."""

from __future__ import annotations

from typing import Any

from sandbox.cloud import Call
from sandbox.moments import billing_time, now_ms
from sandbox.purchase import Purchase

NAMES = {
    "hws.service.type.ccm": "Cloud Certificate Manager",
    "hws.service.type.scm": "SSL Certificate Manager",
}


def status_of(call: Call, purchase: Purchase) -> int:
    return purchase.status(now_ms(), call.cloud.processing_ms)


def describe_order(call: Call, purchase: Purchase) -> dict[str, Any]:
    goods = purchase.goods
    project = goods.enterprise_project_id
    return {
        "order_id": purchase.order_id,
        "customer_id": call.cloud.account.domain_id,
        "service_type_code": goods.service_type,
        "service_type_name": NAMES[goods.service_type],
        "source_type": 1,
        "status": status_of(call, purchase),
        "order_type": 1,
        "amount_after_discount": goods.amount,
        "official_amount": goods.amount,
        "measure_id": 1,
        "create_time": billing_time(purchase.executed_ms),
        "payment_time": billing_time(purchase.paid_ms),
        "currency": "CNY",
        "enterprise_projects": [{"id": project, "name": "default" if project == "0" else project}],
        "sub_order_infos": [],
    }


def describe_line(purchase: Purchase) -> dict[str, Any]:
    goods = purchase.goods
    return {
        "order_line_item_id": f"{purchase.order_id}-000001",
        "service_type_code": goods.service_type,
        "service_type_name": NAMES[goods.service_type],
        "product_id": "00301-106005-0--0",  # the only product id any document shows (contract A.1)
        "product_spec_desc": goods.spec,  # ★ text of our own: its real form is documented nowhere
        "period_type": goods.period_type,
        "period_num": goods.period_num,
        "effective_time": billing_time(purchase.paid_ms),
        "expire_time": None,
        "subscription_num": goods.quantity,
        "amount_after_discount": goods.amount,
        "official_amount": goods.amount,
        "currency": "CNY",
        "category_code": goods.resource_type,
        "product_owner_service": goods.service_type,
        "commercial_resource": goods.resource_type,
        "base_product_info": None,
    }


def describe_resource(call: Call, item_id: str, purchase: Purchase) -> dict[str, Any]:
    goods = purchase.goods
    return {
        "id": f"{purchase.order_id}-{item_id}",
        "resource_id": item_id,
        "resource_name": item_id,
        "region_code": call.cloud.account.project_name,
        "service_type_code": goods.service_type,
        "service_type_name": NAMES[goods.service_type],
        "resource_type_code": goods.resource_type,
        "resource_type_name": goods.resource_type,
        "resource_spec_code": goods.spec,
        "project_id": call.cloud.account.project_id,
        "is_main_resource": 1,
        "status": 2,
        "effective_time": billing_time(purchase.paid_ms),
        "expire_time": None,
        "expire_policy": 3 if goods.facts.get("is_auto_renew") else 0,
        "product_spec_desc": goods.spec,
    }
