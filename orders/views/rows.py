"""What a list shows of an order, in words made here: made by a template for every row, they were the page's cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from orders.catalogue import MULTI, Product
from orders.models import Order, Revision
from orders.models.order import shown
from orders.refusals import explain

YEARS = 3


@dataclass(frozen=True, slots=True)
class Row:
    order: Order
    what: str
    more: str
    failure: str
    denied: str | None = None


def rows(orders: Iterable[Order]) -> list[Row]:
    return [Row(order, *in_short(order.content), explain(order.attempt) if order.attempt else "") for order in orders]


def in_short(content: Revision) -> tuple[str, str]:
    """What is ordered in two short lines."""
    return _authority(content) if content.offer.product == Product.CA else _certificate(content)


def _certificate(content: Revision) -> tuple[str, str]:
    values, offer = content.values, content.offer
    brand, kind, domains = (
        str(shown(offer.field(name), values[name])) for name in ("cert_brand", "cert_type", "domain_type")
    )
    if values["domain_type"] == MULTI:
        count = values["domain_numbers"]
        domains = ngettext("%(count)d domain", "%(count)d domains", count) % {"count": count}
    return f"{brand} · {kind}", " · ".join((domains, _years(values["effective_time"]), _quantity(content)))


def _authority(content: Revision) -> tuple[str, str]:
    values = content.values
    count = values["period_num"]
    period = (
        _years(count)
        if values["period_type"] == YEARS
        else ngettext("%(count)d month", "%(count)d months", count) % {"count": count}
    )
    more = [_quantity(content)]
    more += [_("renews automatically")] if values.get("is_auto_renew") else []
    more += [_("pays automatically")] if values.get("is_auto_pay") else []
    return period, " · ".join(more)


def _years(count: int) -> str:
    return ngettext("%(count)d year", "%(count)d years", count) % {"count": count}


def _quantity(content: Revision) -> str:
    return _("quantity %(count)d") % {"count": content.quantity}
