"""What each API sells: one offer per purchase endpoint."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from django.conf import settings
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from orders.catalogue.authorities import CA_FIELDS, CA_FIXED
from orders.catalogue.certificates import AUTO_PAY_V3, certificate_fields, certificate_rules
from orders.catalogue.fields import Field, Problems, Values, field_problem


class Product(TextChoices):
    CERTIFICATE = "certificate", _("Certificate")
    CA = "ca", _("Private CA")


def _no_rules(values: Values) -> Problems:  # noqa: ARG001
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What one API sells: its fields, its rules across fields and what it always sends."""

    api: str
    product: Product
    endpoint: str
    fields: tuple[Field, ...]
    quantity_field: str
    fixed: Mapping[str, Any] = field(default_factory=dict)
    rules: Callable[[Values], Problems] = _no_rules
    carries_reference: bool = False
    """The body carries our reference in a tag, so that a lost answer can be found by it (contract E.5)."""

    def field(self, name: str) -> Field:
        return next(each for each in self.fields if each.name == name)


OFFERS: Mapping[str, Offer] = MappingProxyType(
    {
        "scm.v2": Offer(
            api="scm.v2",
            product=Product.CERTIFICATE,
            endpoint="POST /v2/{project_id}/scm/cert/purchase",
            fields=certificate_fields(years=2, quantity=1000),
            quantity_field="order_number",
            rules=certificate_rules,
        ),
        "scm.v3": Offer(
            api="scm.v3",
            product=Product.CERTIFICATE,
            endpoint="POST /v3/scm/certificates/buy",
            fields=(*certificate_fields(years=3, quantity=100), AUTO_PAY_V3),
            quantity_field="order_number",
            rules=certificate_rules,
            carries_reference=True,
        ),
        "pca.v1": Offer(
            api="pca.v1",
            product=Product.CA,
            endpoint="POST /v1/private-certificate-authorities/order",
            fields=CA_FIELDS,
            quantity_field="subscription_num",
            fixed=CA_FIXED,
        ),
    }
)


def current_offer(product: str) -> Offer:
    """The offer that new orders of `product` use: the certificate API is chosen by the `SCM_API` setting."""
    if product == Product.CA:
        return OFFERS["pca.v1"]
    return OFFERS[f"scm.{settings.CLOUD.scm_api}"]


def problems(offer: Offer, values: Values) -> Problems:
    """Everything that is wrong with the values of the API's fields, as sentences by field name."""
    found: Problems = {}
    for each in offer.fields:
        wrong = field_problem(each, values.get(each.name))
        if wrong is not None:
            found[each.name] = [wrong]
    for name in values.keys() - {each.name for each in offer.fields}:
        found[name] = [_("The API has no such field.")]
    sound = {name: value for name, value in values.items() if name not in found}
    for name, texts in offer.rules(sound).items():
        found.setdefault(name, []).extend(texts)
    return found


def quantity(offer: Offer, values: Values) -> int:
    return int(values[offer.quantity_field])
