"""SSL certificates: fields, and which brand sells what (the SCM purchase document; contract A)."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from orders.catalogue.fields import Field, Problems, Text, Values, between

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


def certificate_fields(*, years: int, quantity: int) -> tuple[Field, ...]:
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
            range=between(1, 100),
            initial=1,
            help=_("1 for single and wildcard certificates, 2 to 100 for multiple domains."),
        ),
        Field(
            name="order_number",
            label=_("Quantity"),
            kind="integer",
            range=between(1, quantity),
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


def certificate_rules(values: Values) -> Problems:
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
