"""BSS: customer orders, their details and resources, payment and cancellation (contract E.3, C.6)."""

from __future__ import annotations

from typing import NoReturn

from sandbox.billing_rows import describe_line, describe_order, describe_resource, status_of
from sandbox.bodies import Field, JsonObject, NotJsonError, check, read_object
from sandbox.cloud import Call
from sandbox.messages import ApiError, Reply, as_json
from sandbox.moments import billing_time, now_ms, parse_billing_time
from sandbox.purchase import (
    CANCELLED,
    COMPLETED,
    PAYMENT_WINDOW_MS,
    PENDING_PAYMENT,
    PROCESSING,
    Purchase,
)
from sandbox.queries import choice, number

YEAR_MS = 366 * 24 * 3600 * 1000
STATUSES = ("1", "3", "4", "5", "6", "9")
ORDER_TYPES = ("1", "2", "3", "4", "10", "11", "13", "14", "15")

# Purchase.status as SQL; a test holds the two together.
UNPAID = "o.paid_ms IS NULL AND o.cancelled_ms IS NULL"
HAS_STATUS = {
    PROCESSING: "o.cancelled_ms IS NULL AND o.paid_ms + :processing > :now",
    CANCELLED: f"(o.cancelled_ms IS NOT NULL OR ({UNPAID} AND o.executed_ms + :window <= :now))",
    COMPLETED: "o.cancelled_ms IS NULL AND o.paid_ms + :processing <= :now",
    PENDING_PAYMENT: f"{UNPAID} AND o.executed_ms + :window > :now",
}

YES_NO = ("YES", "NO")
PAY_FIELDS = (
    Field("order_id", str, low=1, high=64),
    Field("use_coupon", str, choices=YES_NO),
    Field("use_discount", str, choices=YES_NO),
    Field("coupon_infos", list, required=False, low=1, high=3),
    Field("discount_infos", list, required=False, low=1, high=1),
)
CANCEL_FIELDS = (Field("order_id", str, low=1, high=64),)
RESOURCE_FIELDS = (
    Field("resource_ids", list, required=False, high=50),
    Field("order_id", str, required=False, high=64),
    Field("only_main_resource", int, required=False, choices=(0, 1)),
    Field("status_list", list, required=False),
    Field("offset", int, required=False, low=0),
    Field("limit", int, required=False, low=1, high=500),  # ★ no upper bound documented
    Field("expire_time_begin", str, required=False),
    Field("expire_time_end", str, required=False),
    Field("service_type_code", str, required=False, low=1, high=64),
    Field("customer_id", str, required=False, high=64),
)


def wrong(code: str | None, message: str) -> NoReturn:
    raise ApiError(400, code or "CBC.0100", message)


def list_orders(call: Call) -> Reply:
    """GET /v2/orders/customer-orders. ★ Newest first when `order_by` is not given."""
    request = call.request
    limit = number(request, "limit", 10, 1, 100, wrong)
    offset = number(request, "offset", 0, 0, 2**31 - 1, wrong)
    status = choice(request, "status", STATUSES, None, wrong)
    order_type = choice(request, "order_type", ORDER_TYPES, None, wrong)
    method = choice(request, "method", ("oneself", "sub_customer"), "oneself", wrong)
    where, values = _where(call)
    ascending = (request.parameter("order_by") or "-createTime").lower()
    if ascending not in ("createtime", "-createtime"):
        wrong(None, "order_by must be createTime or -createTime")
    direction = "ASC" if ascending == "createtime" else "DESC"
    if order_type not in (None, "1") or method == "sub_customer":
        where = "0"
    if status:
        where = f"{where} AND {HAS_STATUS.get(int(status), '0')}"
        values |= {"window": PAYMENT_WINDOW_MS, "processing": call.cloud.processing_ms}
    total = call.cloud.ledger.count_orders(where, values)
    by = f"o.executed_ms {direction}, o.seq {direction} LIMIT :limit OFFSET :offset"
    rows = call.cloud.ledger.orders(where, {**values, "limit": limit, "offset": offset}, by)
    return as_json({"total_count": total, "order_infos": [describe_order(call, row) for row in rows]})


def _where(call: Call) -> tuple[str, dict[str, object]]:
    request = call.request
    parts, values = ["1"], dict[str, object]()
    for column, name in (("o.executed_ms", "create_time"), ("o.paid_ms", "payment_time")):
        begin, end = _moment(call, f"{name}_begin"), _moment(call, f"{name}_end")
        if begin is not None and end is not None and not 0 <= end - begin <= YEAR_MS:
            wrong(None, f"{name}_begin and {name}_end must span at most one year")
        if begin is not None:
            parts.append(f"{column} >= :{name}_begin")
            values[f"{name}_begin"] = begin
        if end is not None:
            parts.append(f"{column} < :{name}_end + 1000")  # the format has whole seconds; the last one counts
            values[f"{name}_end"] = end
    for column, name in (("o.order_id", "order_id"), ("o.service_type", "service_type_code")):
        if request.parameter(name):
            parts.append(f"lower({column}) = lower(:{name})")
            values[name] = request.parameter(name)
    return " AND ".join(parts), values


def _moment(call: Call, name: str) -> int | None:
    text = call.request.parameter(name)
    try:
        return None if text is None else parse_billing_time(text)
    except ValueError:
        wrong(None, f"{name} must look like 2019-05-06T08:05:01Z")


def show_order(call: Call) -> Reply:
    """GET /v2/orders/customer-orders/details/{order_id}: with the operator and the payment deadline."""
    purchase = _find(call, call.path["order_id"])
    row = describe_order(call, purchase)
    del row["enterprise_projects"]
    unpaid = status_of(call, purchase) == PENDING_PAYMENT
    row["user_name"] = purchase.user_name
    row["pending_payment_end_time"] = billing_time(purchase.payment_deadline_ms) if unpaid else None
    return as_json({"total_count": 1, "order_info": row, "order_line_items": [describe_line(purchase)]})


def list_resources(call: Call) -> Reply:
    """POST /v2/orders/suscriptions/resources/query (sic): from an order to its certificates or CAs.

    ★ Resources exist once the order is completed; that resource_id is the cert_id or ca_id is inferred.
    """
    body = _read(call, RESOURCE_FIELDS)
    where = HAS_STATUS[COMPLETED]
    values: dict[str, object] = {"processing": call.cloud.processing_ms}
    if body.get("order_id"):
        where, values["order_id"] = f"{where} AND o.order_id = :order_id", body["order_id"]
    rows = [
        (item_id, purchase)
        for item_id, purchase in call.cloud.ledger.items(where, values)
        if _resource_matches(body, item_id, purchase)
    ]
    offset = body.get("offset", 0)
    page = rows[offset : offset + body.get("limit", 10)]
    return as_json({"total_count": len(rows), "data": [describe_resource(call, *row) for row in page]})


def _resource_matches(body: JsonObject, item_id: str, purchase: Purchase) -> bool:
    return (
        (not body.get("resource_ids") or item_id in body["resource_ids"])
        and (not body.get("status_list") or 2 in body["status_list"])
        and body.get("service_type_code") in (None, purchase.goods.service_type)
    )


def pay_order(call: Call) -> Reply:
    """POST /v3/orders/customer-orders/pay. ★ 204: documented is only that the answer is empty."""
    body = _read(call, PAY_FIELDS)
    for switch, infos in (("use_coupon", "coupon_infos"), ("use_discount", "discount_infos")):
        if (body[switch] == "YES") != (infos in body):
            wrong(None, f"{infos} must be given when {switch} is YES, and only then")
    purchase = _find(call, body["order_id"])
    if call.timing.payment_fails:
        wrong("CBC.99005003", "Insufficient account balance")
    if purchase.paid_ms is None and purchase.cancelled_ms is None and now_ms() >= purchase.payment_deadline_ms:
        wrong("CBC.99003110", "The payment deadline has passed")
    if not call.cloud.ledger.pay(purchase.order_id, now_ms()):
        wrong("CBC.99003106", "The order status has changed")
    return Reply(204)


def cancel_order(call: Call) -> Reply:
    """PUT /v2/orders/customer-orders/cancel: 204, only while payment is pending."""
    purchase = _find(call, _read(call, CANCEL_FIELDS)["order_id"])
    if not call.cloud.ledger.cancel(purchase.order_id, now_ms()):
        wrong("CBC.99005010", "The order status does not allow cancellation")
    return Reply(204)


def _read(call: Call, fields: tuple[Field, ...]) -> JsonObject:
    if not call.request.is_json:
        wrong(None, "the content type must be application/json")
    try:
        body = read_object(call.request.body)
    except NotJsonError as error:
        wrong(None, f"the request body is not valid JSON: {error}")
    check(fields, body, wrong)
    return body


def _find(call: Call, order_id: str) -> Purchase:
    found = call.cloud.ledger.orders("lower(o.order_id) = lower(:order_id)", {"order_id": order_id})
    return found[0] if found else wrong("CBC.30000010", "The order does not exist")
