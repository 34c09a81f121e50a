"""The products as data: every rule broken alone and in pairs, and a body that the rules would never refuse."""

import hashlib
import json
from itertools import combinations, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders import catalogue
from orders.catalogue import MULTI, OFFERS, SINGLE, SOLD, WILDCARD, Field, Offer
from orders.errors import Invalid
from tests import making

DOCUMENTED = {
    "scm.v2": {
        "cert_brand", "cert_type", "domain_type", "effective_time", "domain_numbers", "order_number",
        "agree_privacy_protection",
    },
    "scm.v3": {
        "cert_brand", "cert_type", "domain_type", "effective_time", "domain_numbers", "order_number",
        "agree_privacy_protection", "primary_domain_type", "single_domain_number", "wildcard_domain_number",
        "is_auto_pay", "enterprise_project_id", "order_id", "tags",
    },
    "pca.v1": {
        "cloud_service_type", "charging_mode", "period_type", "period_num", "is_auto_renew", "promotion_info",
        "subscription_num", "is_auto_pay", "enterprise_project_id", "product_infos",
    },
}  # fmt: skip
"""Contract A.1, A.2 and B: nothing else may be sent."""

SOUND: dict[str, dict[str, Any]] = {"scm.v2": making.CERTIFICATE, "scm.v3": making.CERTIFICATE, "pca.v1": making.CA}


def broken_values(field: Field) -> list[Any]:
    """Values that break exactly this field's own rule."""
    wrong: dict[str, list[Any]] = {
        "choice": ["NOPE", "", None, True, 1.5, ["OV_SSL_CERT"], {}, b"GLOBALSIGN", 0, 99, f"{field.choices[:1]} "],
        "integer": ["1", "", None, True, 1.0, float("nan"), [1], 0, -1, 10**30],
        "flag": ["1", "", None, True, False, 2, -1, 1.0, [0]],
        "switch": ["true", "", None, 0, 1, "on", [True]],
        "consent": [False, None, "", 1, "true", "on", [True]],
        "text": [7, True, ["x"], b"x", "a\x00b", "a\nb", "\x7f", "\x1b[31m", "\ud800"],
    }
    values = wrong[field.kind]
    if field.range:
        values = [*values, field.range.low - 1, field.range.high() + 1]
    if field.max_length is not None:
        values = [*values, "x" * (field.max_length + 1)]
    if not field.required:
        values = [value for value in values if value not in (None, "")]
    return values


FIELDS = [(api, field) for api, offer in OFFERS.items() for field in offer.fields]
BROKEN = [(api, field.name, value) for api, field in FIELDS for value in broken_values(field)]
MATRIX = list(product(dict(catalogue.BRANDS), dict(catalogue.CERT_TYPES), (SINGLE, MULTI, WILDCARD)))


def problems(api: str, **changes: Any) -> dict[str, list[str]]:
    found = catalogue.problems(OFFERS[api], SOUND[api] | changes)
    return {name: [str(text) for text in texts] for name, texts in found.items()}


@pytest.mark.parametrize("api", OFFERS)
def test_a_sound_order_has_no_problems(api: str) -> None:
    assert problems(api) == {}


@pytest.mark.parametrize(("api", "name", "value"), BROKEN)
def test_a_broken_value_is_a_problem_of_its_field(api: str, name: str, value: object) -> None:
    found = problems(api, **{name: value})
    assert name in found
    assert all(found.values())
    with pytest.raises(Invalid) as refusal:
        catalogue.render(OFFERS[api], SOUND[api] | {name: value}, reference="ORD-1001")
    assert name in refusal.value.problems


@pytest.mark.parametrize("api", OFFERS)
def test_two_broken_values_are_two_problems(api: str) -> None:
    for one, other in combinations(OFFERS[api].fields, 2):
        for first, second in product(broken_values(one), broken_values(other)):
            assert {one.name, other.name} <= problems(api, **{one.name: first, other.name: second}).keys()


@pytest.mark.parametrize("api", OFFERS)
def test_a_missing_field_is_a_problem_where_the_cloud_needs_it(api: str) -> None:
    assert catalogue.problems(OFFERS[api], {}).keys() == {each.name for each in OFFERS[api].fields if each.required}


@pytest.mark.parametrize("api", OFFERS)
@pytest.mark.parametrize("name", ["tags", "order_id", "project_id", "Cert_Brand", "", "cert_brand "])
def test_a_field_that_the_form_does_not_have_is_refused(api: str, name: str) -> None:
    assert list(problems(api, **{name: 1})) == [name]


@pytest.mark.parametrize(("api", "field"), [(api, field) for api, field in FIELDS if field.range])
def test_both_ends_of_a_range_are_allowed(api: str, field: Field) -> None:
    assert field.range is not None
    for value in (field.range.low, field.range.high()):
        shape = {"domain_type": SINGLE} if (field.name, value) == ("domain_numbers", 1) else {}
        assert problems(api, **{field.name: value}, **shape) == {}


@pytest.mark.parametrize(("api", "field"), [(api, field) for api, field in FIELDS if field.choices])
def test_every_choice_is_allowed_by_its_field(api: str, field: Field) -> None:
    for value, _label in field.choices:
        texts = problems(api, **{field.name: value}).get(field.name, [])
        assert "Choose one of the offered values." not in texts


@pytest.mark.parametrize(
    ("api", "years", "quantity"), [("scm.v2", (1, 2), 1000), ("scm.v3", (1, 2, 3), 100)], ids=["v2", "v3"]
)
def test_each_certificate_api_has_its_own_limits(api: str, years: tuple[int, ...], quantity: int) -> None:
    assert tuple(value for value, _label in OFFERS[api].field("effective_time").choices) == years
    assert problems(api, order_number=quantity) == {}
    assert list(problems(api, order_number=quantity + 1)) == ["order_number"]


@pytest.mark.parametrize(
    ("name", "setting"), [("period_num", "CA_MAX_PERIODS"), ("subscription_num", "CA_MAX_QUANTITY")]
)
def test_a_limit_that_is_ours_is_configured_and_says_so(settings: Any, name: str, setting: str) -> None:
    setattr(settings, setting, 3)
    assert problems("pca.v1", **{name: 3}) == {}
    (text,) = problems("pca.v1", **{name: 4})[name]
    assert text == "Enter a number from 1 to 3. This is the portal's limit; the cloud documents none."


@pytest.mark.parametrize(("brand", "cert_type", "domain_type"), MATRIX)
@pytest.mark.parametrize("api", ["scm.v2", "scm.v3"])
def test_what_a_brand_sells_passes_and_everything_else_is_refused(
    api: str, brand: str, cert_type: str, domain_type: str
) -> None:
    count = 2 if domain_type == MULTI else 1
    chosen = {"cert_brand": brand, "cert_type": cert_type, "domain_type": domain_type, "domain_numbers": count}
    sold = domain_type in SOLD[brand].get(cert_type, ())
    assert sold == (domain_type in catalogue.domain_types_sold(brand, cert_type))
    assert sold == (problems(api, **chosen) == {})


def test_the_table_of_what_is_sold_names_only_what_exists() -> None:
    assert set(SOLD) == set(dict(catalogue.BRANDS))
    for types in SOLD.values():
        assert set(types) <= set(dict(catalogue.CERT_TYPES))
        assert all(domains and set(domains) <= {SINGLE, MULTI, WILDCARD} for domains in types.values())


@pytest.mark.parametrize("brand", [brand for brand in SOLD if "EV_SSL_CERT" in SOLD[brand]])
def test_extended_validation_with_a_wildcard_is_refused_with_the_reason(brand: str) -> None:
    found = problems("scm.v2", cert_brand=brand, cert_type="EV_SSL_CERT", domain_type=WILDCARD, domain_numbers=1)
    assert found == {
        "domain_type": ["Extended validation certificates cannot be wildcards: no authority may issue one."]
    }


def test_a_type_that_a_brand_lacks_is_the_types_problem() -> None:
    found = problems("scm.v2", cert_brand="VTRUS", cert_type="EV_SSL_CERT")
    assert found == {"cert_type": ["This brand does not sell this certificate type."]}


@pytest.mark.parametrize(
    ("domain_type", "count", "sound"),
    [
        (SINGLE, 1, True), (SINGLE, 2, False), (SINGLE, 100, False),
        (WILDCARD, 1, True), (WILDCARD, 2, False),
        (MULTI, 1, False), (MULTI, 2, True), (MULTI, 100, True), (MULTI, 101, False),
    ],
)  # fmt: skip
def test_the_domain_type_says_how_many_domains(domain_type: str, count: int, *, sound: bool) -> None:
    found = problems("scm.v2", domain_type=domain_type, domain_numbers=count)
    assert list(found) == ([] if sound else ["domain_numbers"])


# ---------------------------------------------------------------- the body

JUNK = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers(), max_size=2))


def maybe(field: Field) -> st.SearchStrategy[Any]:
    """Mostly what the field takes, sometimes anything."""
    good: dict[str, st.SearchStrategy[Any]] = {
        "choice": st.sampled_from([value for value, _label in field.choices] or [""]),
        "integer": st.integers(field.range.low - 1, 40) if field.range else st.integers(),
        "flag": st.sampled_from([0, 1]),
        "switch": st.booleans(),
        "consent": st.just(value=True),
        "text": st.text(max_size=20),
    }
    return st.integers(0, 19).flatmap(lambda n: JUNK if n == 0 else good[field.kind])


def orders(offer: Offer) -> st.SearchStrategy[dict[str, Any]]:
    own = {each.name: maybe(each) for each in offer.fields}
    must = {name: value for name, value in own.items() if offer.field(name).required}
    may = {name: value for name, value in own.items() if name not in must} | {"unknown": JUNK}
    return st.fixed_dictionaries(must, optional=may)


@pytest.mark.parametrize("api", OFFERS)
@given(data=st.data())
def test_what_is_rendered_would_not_be_refused_and_is_what_was_asked_for(api: str, data: st.DataObject) -> None:
    offer = OFFERS[api]
    values = data.draw(orders(offer))
    found = catalogue.problems(offer, values)
    if found:
        with pytest.raises(Invalid) as refusal:
            catalogue.render(offer, values, reference="ORD-1001")
        assert refusal.value.problems.keys() == found.keys()
        return
    body = json.loads(catalogue.render(offer, values, reference="ORD-1001"))
    tags = {"tags": [{"key": "countersign-order", "value": "ORD-1001"}]} if offer.carries_reference else {}
    asked = {name: value for name, value in values.items() if value not in (None, "")}
    assert body == asked | dict(offer.fixed) | tags
    assert all(type(body[name]) is type(value) for name, value in asked.items())
    assert body.keys() <= DOCUMENTED[api]


@pytest.mark.parametrize("api", OFFERS)
def test_every_field_is_one_that_the_api_documents(api: str) -> None:
    assert {each.name for each in OFFERS[api].fields} <= DOCUMENTED[api]
    assert OFFERS[api].fixed.keys() <= DOCUMENTED[api]
    assert OFFERS[api].quantity_field in DOCUMENTED[api]


def test_a_certificate_body_is_these_bytes() -> None:
    body = catalogue.render(OFFERS["scm.v2"], making.CERTIFICATE, reference="ORD-1001")
    assert body.decode().splitlines() == [
        "{",
        '  "cert_brand": "GLOBALSIGN",',
        '  "cert_type": "OV_SSL_CERT",',
        '  "domain_type": "MULTI_DOMAIN",',
        '  "effective_time": 1,',
        '  "domain_numbers": 5,',
        '  "order_number": 1,',
        '  "agree_privacy_protection": true',
        "}",
    ]
    assert catalogue.digest(body) == hashlib.sha256(body).hexdigest()


def test_a_ca_body_carries_what_never_changes() -> None:
    body = json.loads(catalogue.render(OFFERS["pca.v1"], making.CA, reference="ORD-1001"))
    assert body == {
        "cloud_service_type": "hws.service.type.ccm",
        "charging_mode": 0,
        "period_type": 2,
        "period_num": 1,
        "subscription_num": 1,
        "is_auto_renew": 0,
        "is_auto_pay": 0,
        "enterprise_project_id": "0",
        "product_infos": [
            {
                "cloud_service_type": "hws.service.type.ccm",
                "resource_type": "hws.resource.type.pca.duration",
                "resource_spec_code": "ca.duration",
            }
        ],
    }


@pytest.mark.parametrize("api", OFFERS)
def test_the_same_values_in_any_order_are_the_same_bytes(api: str) -> None:
    backwards = dict(reversed(SOUND[api].items()))
    offer = OFFERS[api]
    assert catalogue.render(offer, backwards, reference="R") == catalogue.render(offer, SOUND[api], reference="R")
    assert catalogue.fingerprint(offer, backwards) == catalogue.fingerprint(offer, SOUND[api])


def test_a_fingerprint_does_not_depend_on_the_api_that_buys() -> None:
    prints = {catalogue.fingerprint(OFFERS[api], making.CERTIFICATE) for api in ("scm.v2", "scm.v3")}
    assert len(prints) == 1


@pytest.mark.parametrize("changes", [{"order_number": 2}, {"cert_brand": "CFCA"}, {"effective_time": 2}])
def test_orders_that_buy_something_else_have_another_fingerprint(changes: dict[str, Any]) -> None:
    offer = OFFERS["scm.v2"]
    changed = catalogue.fingerprint(offer, making.CERTIFICATE | changes)
    assert changed != catalogue.fingerprint(offer, making.CERTIFICATE)


@pytest.mark.parametrize("empty", [{"promotion_info": ""}, {"promotion_info": None}, {}])
def test_two_orders_with_the_same_body_have_the_same_fingerprint(empty: dict[str, Any]) -> None:
    offer, values = OFFERS["pca.v1"], making.CA | {"promotion_info": ""}
    other = {name: value for name, value in making.CA.items() if name != "promotion_info"} | empty
    assert catalogue.render(offer, values, reference="R") == catalogue.render(offer, other, reference="R")
    assert catalogue.fingerprint(offer, values) == catalogue.fingerprint(offer, other)


@pytest.mark.parametrize(("api", "name"), [("scm.v2", "order_number"), ("pca.v1", "subscription_num")])
def test_the_quantity_is_read_from_the_apis_own_field(api: str, name: str) -> None:
    assert catalogue.quantity(OFFERS[api], SOUND[api] | {name: 7}) == 7


@pytest.mark.parametrize(("version", "api"), [("v2", "scm.v2"), ("v3", "scm.v3")])
def test_the_certificate_api_is_chosen_by_a_setting(settings: Any, version: str, api: str) -> None:
    settings.CLOUD = settings.CLOUD.model_copy(update={"scm_api": version})
    assert catalogue.current_offer("certificate").api == api
    assert catalogue.current_offer("ca").api == "pca.v1"


# ---------------------------------------------------------------- domain names


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("www.example.com", "www.example.com"),
        ("EXAMPLE.Com", "example.com"),
        ("example.com.", "example.com"),
        ("*.Example.com", "*.example.com"),
        ("例子.中国", "xn--fsqu00a.xn--fiqs8s"),
        ("例子。中国", "xn--fsqu00a.xn--fiqs8s"),
        ("xn--fsqu00a.xn--fiqs8s", "xn--fsqu00a.xn--fiqs8s"),
        ("ｅｘａｍｐｌｅ.com", "example.com"),
        ("straße.de", "xn--strae-oqa.de"),
        ("a.b.c.d.co.uk", "a.b.c.d.co.uk"),
    ],
)
def test_a_name_is_written_as_a_certificate_writes_it(typed: str, normal: str) -> None:
    assert catalogue.normal_name(typed) == normal
    assert catalogue.normal_name(normal) == normal


@pytest.mark.parametrize(
    "typed",
    [
        "", ".", "..", "*", "*.", "localhost", "db.internal", "ca.corp", "mail.local", "a.example", "com", "co.uk",
        "*.com", "*.co.uk", "中国", "1.2.3.4", "[::1]", "😀.com", "a b.com", "foo_bar.com", "-a.com", "a-.com",
        ".example.com", "a..example.com", "*.*.example.com", "*example.com", "a.*.example.com", "xn--a.com", "xn--.com",
        "https://example.com", "example.com/x", "example.com:443", "me@example.com", "exa\x00mple.com", "a\u200db.com",
        "a" * 64 + ".com", "a" * 300 + ".com", ".".join(["a" * 60] * 5) + ".com",
    ],
)  # fmt: skip
def test_what_no_public_authority_can_certify_is_refused_with_a_sentence(typed: str) -> None:
    with pytest.raises(ValueError) as refusal:
        catalogue.normal_name(typed)
    assert str(refusal.value).startswith(f"“{typed}” is not ")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("exa mple.com", "“exa mple.com” is not a domain name."),
        ("localhost", "“localhost” is not a full domain name."),
        ("co.uk", "“co.uk” is not below a public suffix, so no public authority can certify it."),
    ],
)
def test_the_sentence_says_what_is_missing(typed: str, sentence: str) -> None:
    with pytest.raises(ValueError) as refusal:
        catalogue.normal_name(typed)
    assert str(refusal.value) == sentence


@given(st.text(max_size=80))
def test_any_text_is_a_normal_name_or_none_at_all(typed: str) -> None:
    try:
        normal = catalogue.normal_name(typed)
    except ValueError:
        return
    assert normal.isascii()
    assert normal == normal.lower()
    assert catalogue.normal_name(normal) == normal


@pytest.mark.parametrize(
    ("names", "shape", "texts"),
    [
        ([], {}, ["Name at least one domain that the certificate is for."]),
        (["a.cn"], {"domain_type": SINGLE, "domain_numbers": 1}, []),
        (["a.cn", "b.cn"], {"domain_type": MULTI, "domain_numbers": 2}, []),
        (
            ["a.cn", "b.cn"],
            {"domain_type": SINGLE, "domain_numbers": 1},
            ["Too many names: 2. The certificate covers 1."],
        ),
        (["a.cn"] * 2, {"domain_type": MULTI, "domain_numbers": 5}, ["Named twice: a.cn."]),
        (["*.a.cn"], {"domain_type": WILDCARD, "domain_numbers": 1}, []),
        (
            ["a.cn"],
            {"domain_type": WILDCARD, "domain_numbers": 1},
            ["A wildcard certificate is for a name that starts with “*.”."],
        ),
        (
            ["*.a.cn"],
            {"domain_type": MULTI, "domain_numbers": 2},
            ["Only a wildcard certificate can be for a name that starts with “*.”."],
        ),
        (
            ["b.cn", "a.cn", "b.cn", "a.cn"],
            {"domain_type": MULTI, "domain_numbers": 3},
            ["Named twice: a.cn, b.cn.", "Too many names: 4. The certificate covers 3."],
        ),
    ],
)
def test_the_names_must_fit_the_certificate(names: list[str], shape: dict[str, Any], texts: list[str]) -> None:
    assert [str(text) for text in catalogue.domain_name_problems(names, shape)] == texts


@pytest.mark.parametrize(
    ("stored", "readable"),
    [
        ("www.example.com", "www.example.com"),
        ("*.xn--bcher-kva.example.com", "*.bücher.example.com"),
        ("xn--fiqs8s", "中国"),
        ("xn--zzzzzzzz.example.com", "xn--zzzzzzzz.example.com"),
        ("xn--ls8h.example.com", "xn--ls8h.example.com"),
    ],
)
def test_names_are_read_in_their_language(stored: str, readable: str) -> None:
    assert catalogue.readable_name(stored) == readable
