"""Customer orders as billing knows them: who ordered what and when, and what came of it (contract E.3).

Billing takes at most 10 requests a second per caller; a refusal for that reason is a failed look-up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from .answers import JsonObject, amount_or_none, an_id, rows, text, utc_or_none, whole, whole_or_none
from .errors import LookupFailed
from .lookups import Gate, checked_id, every_page

NEW, AWAITING_PAYMENT, CANCELLED, COMPLETED = 1, 6, 4, 5  # order_type 1; status 6, 4, 5. Both sets are open.
MONTHS, YEARS = 2, 3  # period_type
_PAGE = 100
_LONGEST = timedelta(days=365)
_ORDERS = "/v2/orders/customer-orders"
_RESOURCES = "/v2/orders/suscriptions/resources/query"  # the cloud's own spelling


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingLine:
    """One product of an order. `period_type` 2 is months, 3 is years."""

    service_type_code: str
    product_id: str
    product_spec_desc: str
    period_type: int | None
    period_num: int | None
    subscription_num: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingOrder:
    """An order. The list leaves `user_name` and `pay_until` empty and has no lines; the details have them."""

    order_id: str
    status: int
    order_type: int
    service_type_code: str
    created_at: datetime | None
    paid_at: datetime | None
    pay_until: datetime | None
    user_name: str
    amount: Decimal | None
    currency: str
    lines: tuple[BillingLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingResource:
    """Something an order created. That its id is the CA's id is likely, not documented (E.5)."""

    resource_id: str
    name: str
    service_type_code: str
    resource_type_code: str
    status: int | None  # 2 in use, 3 closed, 4 frozen, 5 expired


def orders(
    gate: Gate,
    *,
    created_from: datetime,
    created_until: datetime,
    order_type: int | None = NEW,
    service_type_code: str = "",
) -> tuple[BillingOrder, ...]:
    """Every order created in a window, oldest first, so that a new one cannot push others between pages.

    Leave `service_type_code` empty for certificates: nobody documents theirs (E.3).
    """
    if not timedelta(0) <= created_until - created_from <= _LONGEST:
        raise ValueError("billing answers for a window of up to one year, its start before its end")
    query = [("create_time_begin", _stamp(created_from)), ("create_time_end", _stamp_up(created_until))]
    query += [("order_by", "createTime"), ("limit", str(_PAGE))]
    query += [("order_type", str(order_type))] if order_type is not None else []
    query += [("service_type_code", service_type_code)] if service_type_code else []

    def page(offset: int) -> tuple[list[BillingOrder], int]:
        answer = gate.ask(service="bss", path=_ORDERS, query=(*query, ("offset", str(offset))))
        return [_order(row) for row in rows(answer, "order_infos")], whole(answer, "total_count")

    return every_page(page, key=lambda order: order.order_id)


def order(gate: Gate, order_id: str) -> BillingOrder:
    """One order with its lines and the name of who placed it.

    Billing documents several codes for an order it does not find, and none for that alone (C.6), so a missing
    order is a failed look-up that carries the code.
    """
    answer = gate.ask(service="bss", path=f"{_ORDERS}/details/{checked_id(order_id)}", query=(("limit", str(_PAGE)),))
    info = answer.get("order_info")
    if not isinstance(info, dict):
        raise LookupFailed("The answer to a look-up has an unexpected shape at 'order_info'.")
    lines = tuple(_line(row) for row in rows(answer, "order_line_items"))
    found = _order(info, lines=lines)
    if found.order_id.lower() != order_id.lower():
        raise LookupFailed("Billing answered with another order.")
    return found


def resources(gate: Gate, order_id: str) -> tuple[BillingResource, ...]:
    """What this order created, in any status."""
    checked_id(order_id)

    def page(offset: int) -> tuple[list[BillingResource], int]:
        body = {"order_id": order_id, "limit": _PAGE, "offset": offset}
        answer = gate.ask(service="bss", path=_RESOURCES, body=body)
        return [_resource(row) for row in rows(answer, "data")], whole(answer, "total_count")

    return every_page(page, key=lambda resource: resource.resource_id)


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _stamp_up(moment: datetime) -> str:
    """The next whole second: billing keeps whole seconds, and a window must not lose its last one."""
    return _stamp(moment + timedelta(seconds=1) if moment.microsecond else moment)


def _order(row: JsonObject, *, lines: tuple[BillingLine, ...] = ()) -> BillingOrder:
    return BillingOrder(
        order_id=an_id(row, "order_id"),
        status=whole(row, "status"),
        order_type=whole(row, "order_type"),
        service_type_code=text(row, "service_type_code"),
        created_at=utc_or_none(row, "create_time"),
        paid_at=utc_or_none(row, "payment_time"),
        pay_until=utc_or_none(row, "pending_payment_end_time"),
        user_name=text(row, "user_name"),
        amount=amount_or_none(row, "amount_after_discount"),
        currency=text(row, "currency"),
        lines=lines,
    )


def _line(row: JsonObject) -> BillingLine:
    return BillingLine(
        service_type_code=text(row, "service_type_code"),
        product_id=text(row, "product_id"),
        product_spec_desc=text(row, "product_spec_desc"),
        period_type=whole_or_none(row, "period_type"),
        period_num=whole_or_none(row, "period_num"),
        subscription_num=whole_or_none(row, "subscription_num"),
    )


def _resource(row: JsonObject) -> BillingResource:
    return BillingResource(
        resource_id=an_id(row, "resource_id"),
        name=text(row, "resource_name"),
        service_type_code=text(row, "service_type_code"),
        resource_type_code=text(row, "resource_type_code"),
        status=whole_or_none(row, "status"),
    )
