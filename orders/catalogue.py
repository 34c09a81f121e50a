"""The products as data: fields, choices, ranges, which brand sells what; and the body that is sent.

Sources: the API documents (S0 SCM purchase, S2/S3 CA order) and the cloud contract, sections A and B. The form, the
approval page, the body and the tests all read these tables; no rule about a product is written anywhere else.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import Any, Literal

import idna
from django.conf import settings
from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from publicsuffixlist import PublicSuffixList

from orders.errors import Invalid

Text = str | Promise
Values = Mapping[str, Any]
Problems = dict[str, list[Text]]


class Product(TextChoices):
    CERTIFICATE = "certificate", _("Certificate")
    CA = "ca", _("Private CA")


@dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    low: int
    high: Callable[[], int]
    ours: bool = False
    """The limit is the portal's own: the cloud documents none (contract B, H)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a request body, under the API's own name."""

    name: str
    label: Text
    kind: Literal["choice", "integer", "flag", "switch", "consent", "text"]
    """`flag` is 0 or 1, `switch` is true or false: the two APIs differ (contract B, trap 3)."""
    help: Text = ""
    choices: tuple[tuple[str | int, Text], ...] = ()
    range: Range | None = None
    max_length: int | None = None
    required: bool = True
    initial: Any = None


def _between(low: int, high: int) -> Range:
    return Range(low=low, high=lambda: high)


# ---------------------------------------------------------------- certificates (S0; contract A)

BRANDS = (
    ("GLOBALSIGN", "GlobalSign"),
    ("GEOTRUST", "GeoTrust"),
    ("SYMANTEC", "DigiCert (SYMANTEC)"),
    ("CFCA", "CFCA"),
    ("TRUSTASIA", "TrustAsia"),
    ("VTRUS", "vTrus"),
)
CERT_TYPES: tuple[tuple[str, Text], ...] = (
    ("OV_SSL_CERT", _("OV: organisation validated")),
    ("OV_SSL_CERT_PRO", _("OV Pro: organisation validated")),
    ("EV_SSL_CERT", _("EV: extended validation")),
    ("EV_SSL_CERT_PRO", _("EV Pro: extended validation")),
    ("DV_SSL_CERT", _("DV: domain validated")),
    ("DV_SSL_CERT_BASIC", _("DV Basic: domain validated")),
)
SINGLE, MULTI, WILDCARD = "SINGLE_DOMAIN", "MULTI_DOMAIN", "WILDCARD"
DOMAIN_TYPES: tuple[tuple[str, Text], ...] = (
    (SINGLE, _("Single domain")),
    (MULTI, _("Multiple domains")),
    (WILDCARD, _("Wildcard domain")),
)

# Contract A.4. Where its sources are silent or contradict each other, the narrower reading is offered: DV multi of
# GEOTRUST, EV Pro wildcard of SYMANTEC and everything but the plain cases of TRUSTASIA stay out.
SOLD: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "GLOBALSIGN": {"OV_SSL_CERT": (SINGLE, MULTI, WILDCARD), "EV_SSL_CERT": (SINGLE, MULTI)},
    "GEOTRUST": {
        "OV_SSL_CERT": (SINGLE, MULTI, WILDCARD),
        "EV_SSL_CERT": (SINGLE, MULTI),
        "DV_SSL_CERT": (SINGLE, WILDCARD),
        "DV_SSL_CERT_BASIC": (SINGLE,),
    },
    "SYMANTEC": {
        "OV_SSL_CERT": (SINGLE, MULTI, WILDCARD),
        "OV_SSL_CERT_PRO": (SINGLE, MULTI, WILDCARD),
        "EV_SSL_CERT": (SINGLE, MULTI),
        "EV_SSL_CERT_PRO": (SINGLE, MULTI),
        "DV_SSL_CERT": (SINGLE,),
        "DV_SSL_CERT_BASIC": (SINGLE,),
    },
    "CFCA": {"OV_SSL_CERT": (SINGLE, MULTI, WILDCARD), "EV_SSL_CERT": (SINGLE, MULTI)},
    "TRUSTASIA": {"OV_SSL_CERT": (SINGLE,), "EV_SSL_CERT": (SINGLE, MULTI)},
    "VTRUS": {"OV_SSL_CERT": (SINGLE, MULTI, WILDCARD), "DV_SSL_CERT": (SINGLE, WILDCARD)},
}


def _certificate_fields(*, years: int, quantity: int) -> tuple[Field, ...]:
    return (
        Field(
            name="cert_brand",
            label=_("Brand"),
            kind="choice",
            choices=BRANDS,
            help=_("The certificate authority that issues it."),
        ),
        Field(name="cert_type", label=_("Certificate type"), kind="choice", choices=CERT_TYPES),
        Field(name="domain_type", label=_("Domain type"), kind="choice", choices=DOMAIN_TYPES),
        Field(
            name="effective_time",
            label=_("Validity in years"),
            kind="choice",
            choices=tuple((n, str(n)) for n in range(1, years + 1)),
            initial=1,
            help=_("Several years are bought as that many one-year certificates, one after the other."),
        ),
        Field(
            name="domain_numbers",
            label=_("Number of domains"),
            kind="integer",
            range=_between(1, 100),
            initial=1,
            help=_("1 for single and wildcard certificates, 2 to 100 for multiple domains."),
        ),
        Field(
            name="order_number",
            label=_("Quantity"),
            kind="integer",
            range=_between(1, quantity),
            initial=1,
            help=_("How many identical certificates to buy."),
        ),
        Field(
            name="agree_privacy_protection",
            label=_("I agree to the cloud's privacy terms"),
            kind="consent",
            initial=False,
            help=_("The cloud refuses the purchase without it."),
        ),
    )


AUTO_PAY_V3 = Field(
    name="is_auto_pay",
    label=_("Pay automatically"),
    kind="switch",
    initial=False,
    required=False,
    help=_("Without it the order waits for payment in the cloud's console."),
)
"""Always sent, because the API's default is not documented (contract A.2)."""


def _certificate_rules(values: Values) -> Problems:
    """Rules across fields: what a brand sells (contract A.4) and how many domains a type covers (S0)."""
    problems: Problems = {}
    brand, kind, domains = (str(values.get(name, "")) for name in ("cert_brand", "cert_type", "domain_type"))
    sold = SOLD.get(brand, {})
    if sold and kind and kind not in sold:
        problems["cert_type"] = [_("This brand does not sell this certificate type.")]
    elif domains == WILDCARD and kind.startswith("EV_"):
        problems["domain_type"] = [
            _("Extended validation certificates cannot be wildcards: no authority may issue one.")
        ]
    elif domains and kind in sold and domains not in sold[kind]:
        problems["domain_type"] = [_("This brand does not sell this domain type for the chosen certificate type.")]
    count = values.get("domain_numbers")
    if count is not None and domains in (SINGLE, WILDCARD) and count != 1:
        problems["domain_numbers"] = [_("A single or wildcard certificate covers exactly 1 domain.")]
    if count is not None and domains == MULTI and count < 2:
        problems["domain_numbers"] = [_("A certificate for multiple domains covers 2 to 100 domains.")]
    return problems


def domain_types_sold(brand: str, cert_type: str) -> tuple[str, ...]:
    return SOLD.get(brand, {}).get(cert_type, ())


# ---------------------------------------------------------------- private CAs (S2, S3; contract B)

_SERVICE = "hws.service.type.ccm"
CA_FIXED: Mapping[str, Any] = {
    "cloud_service_type": _SERVICE,
    "charging_mode": 0,
    "product_infos": [
        {
            "cloud_service_type": _SERVICE,
            "resource_type": "hws.resource.type.pca.duration",
            "resource_spec_code": "ca.duration",
        }
    ],
}

CA_FIELDS = (
    Field(
        name="period_type",
        label=_("Period unit"),
        kind="choice",
        choices=((2, _("Months")), (3, _("Years"))),
        initial=2,
    ),
    Field(
        name="period_num",
        label=_("Number of periods"),
        kind="integer",
        range=Range(low=1, high=lambda: settings.CA_MAX_PERIODS, ours=True),
        initial=1,
    ),
    Field(
        name="subscription_num",
        label=_("Quantity"),
        kind="integer",
        range=Range(low=1, high=lambda: settings.CA_MAX_QUANTITY, ours=True),
        initial=1,
        help=_("How many private CAs to buy."),
    ),
    Field(
        name="is_auto_renew",
        label=_("Renew automatically"),
        kind="flag",
        initial=0,
        help=_("The cloud goes on charging for a new period until somebody stops it."),
    ),
    Field(
        name="is_auto_pay",
        label=_("Pay automatically"),
        kind="flag",
        initial=0,
        required=False,
        help=_("Without it the order waits for payment in the cloud's console."),
    ),
    Field(
        name="promotion_info",
        label=_("Discount information"),
        kind="text",
        max_length=2048,
        initial="",
        required=False,
    ),
    Field(
        name="enterprise_project_id",
        label=_("Enterprise project"),
        kind="text",
        max_length=64,
        initial="0",
        required=False,
        help=_("The id of the enterprise project that pays; 0 is the default project."),
    ),
)


def _no_rules(values: Values) -> Problems:  # noqa: ARG001
    return {}


# ---------------------------------------------------------------- the catalogue


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
            fields=_certificate_fields(years=2, quantity=1000),
            quantity_field="order_number",
            rules=_certificate_rules,
        ),
        "scm.v3": Offer(
            api="scm.v3",
            product=Product.CERTIFICATE,
            endpoint="POST /v3/scm/certificates/buy",
            fields=(*_certificate_fields(years=3, quantity=100), AUTO_PAY_V3),
            quantity_field="order_number",
            rules=_certificate_rules,
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

REFERENCE_TAG = "countersign-order"


def current_offer(product: str) -> Offer:
    """The offer that new orders of `product` use: the certificate API is chosen by the `SCM_API` setting."""
    if product == Product.CA:
        return OFFERS["pca.v1"]
    return OFFERS[f"scm.{settings.CLOUD.scm_api}"]


# ---------------------------------------------------------------- checking


def problems(offer: Offer, values: Values) -> Problems:
    """Everything that is wrong with the values of the API's fields, as sentences by field name."""
    found: Problems = {}
    for each in offer.fields:
        wrong = _field_problem(each, values.get(each.name))
        if wrong is not None:
            found[each.name] = [wrong]
    for name in values.keys() - {each.name for each in offer.fields}:
        found[name] = [_("The API has no such field.")]
    sound = {name: value for name, value in values.items() if name not in found}
    for name, texts in offer.rules(sound).items():
        found.setdefault(name, []).extend(texts)
    return found


def _field_problem(each: Field, value: Any) -> Text | None:
    if value is None or value == "":
        return _("This field is required.") if each.required else None
    return _KINDS[each.kind](each, value)


def _choice_problem(each: Field, value: Any) -> Text | None:
    known = any(type(value) is type(choice) and value == choice for choice, _label in each.choices)
    return None if known else _("Choose one of the offered values.")


def _integer_problem(each: Field, value: Any) -> Text | None:
    if type(value) is not int:
        return _("Enter a whole number.")
    if each.range is None or each.range.low <= value <= each.range.high():
        return None
    bounds = {"low": each.range.low, "high": each.range.high()}
    if each.range.ours:
        return (
            _("Enter a number from %(low)d to %(high)d. This is the portal's limit; the cloud documents none.") % bounds
        )
    return _("Enter a number from %(low)d to %(high)d.") % bounds


def _flag_problem(each: Field, value: Any) -> Text | None:  # noqa: ARG001
    return None if type(value) is int and value in (0, 1) else _("Choose yes or no.")


def _switch_problem(each: Field, value: Any) -> Text | None:  # noqa: ARG001
    return None if type(value) is bool else _("Choose yes or no.")


def _consent_problem(each: Field, value: Any) -> Text | None:  # noqa: ARG001
    return None if value is True else _("The cloud sells only to those who agree to its privacy terms.")


def _text_problem(each: Field, value: Any) -> Text | None:
    if not isinstance(value, str):
        return _("Enter text.")
    if each.max_length is not None and len(value) > each.max_length:
        return _("Enter at most %(max)d characters.") % {"max": each.max_length}
    return _("Remove the control characters.") if re.search(r"[\x00-\x1f\x7f\ud800-\udfff]", value) else None


_KINDS: Mapping[str, Callable[[Field, Any], Text | None]] = {
    "choice": _choice_problem,
    "integer": _integer_problem,
    "flag": _flag_problem,
    "switch": _switch_problem,
    "consent": _consent_problem,
    "text": _text_problem,
}


# ---------------------------------------------------------------- domain names (the portal's own field)


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False, only_icann=True)


def normal_name(name: str) -> str:
    """A domain name as a certificate writes it: lower case, A-labels. Raises ValueError with a sentence."""
    wildcard, bare = ("*.", name[2:]) if name.startswith("*.") else ("", name)
    try:
        encoded = idna.encode(bare.removesuffix("."), uts46=True, std3_rules=True).decode().lower()
    except idna.IDNAError as error:
        raise ValueError(_("“%(name)s” is not a domain name.") % {"name": name}) from error
    if len(encoded) > 253 or "." not in encoded:
        raise ValueError(_("“%(name)s” is not a full domain name.") % {"name": name})
    if _suffixes().privatesuffix(encoded) is None:
        raise ValueError(
            _("“%(name)s” is not below a public suffix, so no public authority can certify it.") % {"name": name}
        )
    return wildcard + encoded


def domain_name_problems(names: Sequence[str], values: Values) -> list[Text]:
    """What is wrong with already normalised `names` for the chosen certificate."""
    found: list[Text] = []
    if not names:
        return [_("Name at least one domain that the certificate is for.")]
    doubled = sorted(name for name, count in Counter(names).items() if count > 1)
    if doubled:
        found.append(_("Named twice: %(names)s.") % {"names": ", ".join(doubled)})
    limit = values.get("domain_numbers")
    if isinstance(limit, int) and len(names) > limit:
        found.append(
            _("Too many names: %(count)d. The certificate covers %(limit)d.") % {"count": len(names), "limit": limit}
        )
    wild = [name for name in names if name.startswith("*.")]
    if values.get("domain_type") == WILDCARD and len(wild) != len(names):
        found.append(_("A wildcard certificate is for a name that starts with “*.”."))
    elif values.get("domain_type") in (SINGLE, MULTI) and wild:
        found.append(_("Only a wildcard certificate can be for a name that starts with “*.”."))
    return found


# ---------------------------------------------------------------- the body


def render(offer: Offer, values: Values, *, reference: str) -> bytes:
    """The exact bytes that will be POSTed. Raises `Invalid`: a body the form would refuse is never made.

    Indented, because people read and approve exactly these bytes.
    """
    found = problems(offer, values)
    if found:
        raise Invalid(found)
    body = _content(offer, values)
    if offer.carries_reference:
        body["tags"] = [{"key": REFERENCE_TAG, "value": reference}]
    return json.dumps(body, ensure_ascii=False, indent=2).encode()


def _content(offer: Offer, values: Values) -> dict[str, Any]:
    """What is bought: the fields in the catalogue's order, without the optional ones that were left empty."""
    given = {each.name: values[each.name] for each in offer.fields if values.get(each.name) not in (None, "")}
    return given | dict(offer.fixed)


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def fingerprint(offer: Offer, values: Values) -> str:
    """The same for two orders that would buy the same: what the cloud could confuse in its order list."""
    content = {"product": offer.product, "content": _content(offer, values)}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def quantity(offer: Offer, values: Values) -> int:
    return int(values[offer.quantity_field])
