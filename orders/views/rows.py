"""What a list shows of an order, in words made here: made by a template for every row, they were the page's cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from orders import catalogue
from orders.catalogue import MULTI, Product
from orders.models import Order, Revision
from orders.models.order import shown
from orders.refusals import explain

YEARS = 3
PURPOSE_MAX = 240
"""More than two lines of a list hold anywhere; the order's page has the rest."""


@dataclass(frozen=True, slots=True)
class Row:
    order: Order
    purpose: str
    name: str
    """The first domain name, readable; empty for a CA."""
    others: int
    """How many names come after it."""
    short: str
    failure: str
    ask: str = ""
    """What is asked of the reader."""
    denied: str | None = None


def rows(orders: Iterable[Order]) -> list[Row]:
    return [_row(order, order.content) for order in orders]


def _row(order: Order, content: Revision) -> Row:
    names = content.domain_names
    return Row(
        order=order,
        purpose=Truncator(content.purpose).chars(PURPOSE_MAX),
        name=catalogue.readable_name(names[0]) if names else "",
        others=len(names[1:]),
        short=in_short(content),
        failure=explain(order.attempt) if order.attempt else "",
    )


def rows_to_settle(orders: Iterable[Order]) -> list[Row]:
    """Unconfirmed orders, each with the question to an approver."""
    return [replace(row, ask=_question(row.order)) for row in rows(orders)]


def _question(order: Order) -> str:
    if order.absence_proposed_at is not None:
        return _("The portal looked for a long time and is not sure that the cloud has it. What became of it?")
    return _("An approver has said what became of it. A second one has to say so too.")


def in_short(content: Revision) -> str:
    """What is ordered in one short line, which breaks between its parts only."""
    parts = _authority(content) if content.offer.product == Product.CA else _certificate(content)
    return "\N{NO-BREAK SPACE}· ".join(part.replace(" ", "\N{NO-BREAK SPACE}") for part in parts)


def _certificate(content: Revision) -> list[str]:
    values, offer = content.values, content.offer
    brand, domains = (str(shown(offer.field(name), values[name])) for name in ("cert_brand", "domain_type"))
    if values["domain_type"] == MULTI:
        count = values["domain_numbers"]
        domains = ngettext("%(count)d domain", "%(count)d domains", count) % {"count": count}
    return [brand, _kind(values["cert_type"]), domains, _years(values["effective_time"]), _quantity(content)]


def _kind(cert_type: str) -> str:
    """`OV` for `OV_SSL_CERT`, `OV Pro` for `OV_SSL_CERT_PRO`: so short in every language."""
    kind, _rest, grade = cert_type.partition("_SSL_CERT")
    return f"{kind} {grade.strip('_').capitalize()}".strip()


def _authority(content: Revision) -> list[str]:
    values = content.values
    count = values["period_num"]
    period = (
        _years(count)
        if values["period_type"] == YEARS
        else ngettext("%(count)d month", "%(count)d months", count) % {"count": count}
    )
    more = [period, _quantity(content)]
    more += [_("renews automatically")] if values.get("is_auto_renew") else []
    more += [_("pays automatically")] if values.get("is_auto_pay") else []
    return more


def _years(count: int) -> str:
    return ngettext("%(count)d year", "%(count)d years", count) % {"count": count}


def _quantity(content: Revision) -> str:
    return _("quantity %(count)d") % {"count": content.quantity}
