"""Which brand sells which certificate, and the parameter tables of both purchase APIs (contract A.1–A.4)."""

from __future__ import annotations

from sandbox.bodies import Field

SINGLE, MULTI, WILDCARD = "SINGLE_DOMAIN", "MULTI_DOMAIN", "WILDCARD"
S, SM, SW, SMW = {SINGLE}, {SINGLE, MULTI}, {SINGLE, WILDCARD}, {SINGLE, MULTI, WILDCARD}

# Contract A.4. No API page gives this matrix. ★ Where its sources contradict each other or are silent, the
# smaller offer is sold: EV and EV Pro never as wildcard, GEOTRUST DV not for several domains,
# TRUSTASIA OV single only.
SOLD: dict[str, dict[str, set[str]]] = {
    "GEOTRUST": {"DV_SSL_CERT": SW, "DV_SSL_CERT_BASIC": S, "OV_SSL_CERT": SMW, "EV_SSL_CERT": SM},
    "GLOBALSIGN": {"OV_SSL_CERT": SMW, "EV_SSL_CERT": SM},
    "SYMANTEC": {
        "DV_SSL_CERT": S,
        "DV_SSL_CERT_BASIC": S,
        "OV_SSL_CERT": SMW,
        "OV_SSL_CERT_PRO": SMW,
        "EV_SSL_CERT": SM,
        "EV_SSL_CERT_PRO": SM,
    },
    "CFCA": {"OV_SSL_CERT": SMW},
    "TRUSTASIA": {"OV_SSL_CERT": S, "EV_SSL_CERT": SM},
    "VTRUS": {"DV_SSL_CERT": SW, "OV_SSL_CERT": SMW},
}

# S0 and LIVE-v2 (A.1): six types since the live page.
TYPES = (
    "OV_SSL_CERT",
    "EV_SSL_CERT",
    "DV_SSL_CERT",
    "DV_SSL_CERT_BASIC",
    "EV_SSL_CERT_PRO",
    "OV_SSL_CERT_PRO",
)
DOMAIN_TYPES = (SINGLE, MULTI, WILDCARD)

# Error codes per field: contract G.2 (★ the old purchase-specific list; the live table is not public).
BRAND, TYPE, DOMAIN_TYPE, YEARS, DOMAINS, QUANTITY = (
    "SCM.0049",
    "SCM.0050",
    "SCM.0051",
    "SCM.0052",
    "SCM.0036",
    "SCM.0060",
)


def _common(years: int, quantity: int) -> tuple[Field, ...]:
    return (
        Field("cert_brand", str, choices=tuple(SOLD), code=BRAND),
        Field("cert_type", str, choices=TYPES, code=TYPE),
        Field("domain_type", str, choices=DOMAIN_TYPES, code=DOMAIN_TYPE),
        Field("effective_time", int, low=1, high=years, code=YEARS),
        Field("domain_numbers", int, low=1, high=100, code=DOMAINS),
        Field("order_number", int, low=1, high=quantity, code=QUANTITY),
        Field("agree_privacy_protection", bool, choices=(True,)),
    )


V2_FIELDS = _common(years=2, quantity=1000)

UUID_LIKE = r"[0-9a-z]{8}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{4}-[0-9a-z]{12}"

UUID_OR_WORD = f"all|0|{UUID_LIKE}"

V3_FIELDS = (
    *_common(years=3, quantity=100),
    Field("primary_domain_type", str, required=False, choices=(SINGLE, "WILDCARD_DOMAIN"), code=DOMAIN_TYPE),
    Field("single_domain_number", int, required=False, low=1, high=100, code=DOMAINS),
    Field("wildcard_domain_number", int, required=False, low=1, high=100, code=DOMAINS),
    Field("is_auto_pay", bool, required=False),
    Field("enterprise_project_id", str, required=False, pattern=UUID_OR_WORD),
    Field("order_id", str, required=False, low=0, high=63),
    Field("tags", list, required=False, low=0, high=10),
)

# ★ An empty key is refused: the documents give only the upper bound.
TAG_FIELDS = (Field("key", str, low=1, high=128), Field("value", str, low=0, high=255))
TAG_SIGNS = set(" _.:=+-@")  # besides letters and digits of any script (contract E.1)
