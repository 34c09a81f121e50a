"""The products as data: fields, choices, ranges, which brand sells what; and the body that is sent.

Sources: the API documents (SCM purchase; CA order, zh and en) and the cloud contract, sections A and B. The form, the
approval page, the body and the tests all read these tables; no rule about a product is written anywhere else.
"""

from orders.catalogue.authorities import CA_SERVICE
from orders.catalogue.bodies import REFERENCE_TAG, digest, fingerprint, reference_in, render
from orders.catalogue.certificates import (
    BRANDS,
    CERT_TYPES,
    DOMAIN_TYPES,
    MULTI,
    SINGLE,
    SOLD,
    WILDCARD,
    domain_types_sold,
)
from orders.catalogue.fields import Field, Problems, Text, Values
from orders.catalogue.names import domain_name_problems, normal_name, readable_name
from orders.catalogue.offers import OFFERS, Offer, Product, current_offer, problems, quantity

__all__ = [
    "BRANDS",
    "CA_SERVICE",
    "CERT_TYPES",
    "DOMAIN_TYPES",
    "MULTI",
    "OFFERS",
    "REFERENCE_TAG",
    "SINGLE",
    "SOLD",
    "WILDCARD",
    "Field",
    "Offer",
    "Problems",
    "Product",
    "Text",
    "Values",
    "current_offer",
    "digest",
    "domain_name_problems",
    "domain_types_sold",
    "fingerprint",
    "normal_name",
    "problems",
    "quantity",
    "readable_name",
    "reference_in",
    "render",
]
