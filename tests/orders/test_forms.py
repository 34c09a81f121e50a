"""The form: the API's own names, every broken rule on its field, what was typed kept, nothing written."""

import json
import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders import catalogue
from orders.catalogue import MULTI, OFFERS, SINGLE, SOLD, WILDCARD, Offer
from orders.forms import OrderForm, initial_from, initial_from_typed
from orders.models import Order
from portal.models import User
from tests import making

CERTIFICATE: dict[str, str] = {
    "cert_brand": "GLOBALSIGN",
    "cert_type": "OV_SSL_CERT",
    "domain_type": "MULTI_DOMAIN",
    "effective_time": "1",
    "domain_numbers": "5",
    "order_number": "1",
    "agree_privacy_protection": "on",
    "purpose": "Shop front",
    "team": "Payments",
    "domain_names": "www.example.com",
}
CA: dict[str, str] = {
    "period_type": "2",
    "period_num": "1",
    "subscription_num": "1",
    "promotion_info": "",
    "enterprise_project_id": "0",
    "purpose": "Service mesh",
    "team": "",
}
EXPECTED = {
    "scm.v2": making.CERTIFICATE,
    "scm.v3": making.CERTIFICATE | {"is_auto_pay": False},
    "pca.v1": making.CA,
}
TYPED = {"scm.v2": CERTIFICATE, "scm.v3": CERTIFICATE, "pca.v1": CA}


def form(api: str, **changes: Any) -> OrderForm:
    typed = {name: value for name, value in (TYPED[api] | changes).items() if value is not None}
    return OrderForm(OFFERS[api], typed, initial={})


@pytest.mark.parametrize("api", OFFERS)
def test_the_fields_have_the_apis_own_names_and_a_label(api: str) -> None:
    fields = OrderForm(OFFERS[api], initial={}).fields
    own = ["purpose", "team", *([] if api == "pca.v1" else ["domain_names"]), "token", "revision"]
    assert list(fields) == [each.name for each in OFFERS[api].fields] + own
    assert all(str(field.label) for name, field in fields.items() if name not in ("token", "revision"))


@pytest.mark.parametrize("api", OFFERS)
def test_what_is_typed_becomes_the_content(api: str) -> None:
    sound = form(api)
    assert sound.is_valid(), sound.errors
    expected = EXPECTED[api]
    content = sound.content
    assert content.values == {name: value for name, value in expected.items() if value != ""}
    assert all(type(content.values[name]) is type(expected[name]) for name in content.values)
    assert (content.purpose, content.team) == (TYPED[api]["purpose"], TYPED[api]["team"])
    assert content.domain_names == ([] if api == "pca.v1" else ["www.example.com"])


def test_a_tick_is_the_number_that_the_api_wants() -> None:
    ticked = form("pca.v1", is_auto_pay="on", is_auto_renew="1")
    assert ticked.is_valid()
    assert (ticked.content.values["is_auto_pay"], ticked.content.values["is_auto_renew"]) == (1, 1)
    assert type(ticked.content.values["is_auto_pay"]) is int


BROKEN: list[tuple[str, str, str | None, str]] = [
    ("scm.v2", "cert_brand", "", "This field is required."),
    ("scm.v2", "cert_brand", None, "This field is required."),
    ("scm.v2", "cert_brand", "LETSENCRYPT", "not one of the available choices"),
    ("scm.v2", "cert_type", "", "This field is required."),
    ("scm.v2", "cert_type", "DV_SSL_CERT", "This brand does not sell this certificate type."),
    ("scm.v2", "domain_type", "", "This field is required."),
    ("scm.v2", "effective_time", "", "This field is required."),
    ("scm.v2", "effective_time", "3", "not one of the available choices"),
    ("scm.v2", "domain_numbers", "", "This field is required."),
    ("scm.v2", "domain_numbers", "two", "Enter a whole number."),
    ("scm.v2", "domain_numbers", "1", "covers 2 to 100 domains"),
    ("scm.v2", "domain_numbers", "101", "Enter a number from 1 to 100."),
    ("scm.v2", "domain_numbers", "1.5", "Enter a whole number."),
    ("scm.v2", "order_number", "", "This field is required."),
    ("scm.v2", "order_number", "0", "Enter a number from 1 to 1000."),
    ("scm.v2", "order_number", "-1", "Enter a number from 1 to 1000."),
    ("scm.v2", "order_number", "1001", "Enter a number from 1 to 1000."),
    ("scm.v2", "order_number", "9" * 5000, "Enter a whole number."),
    ("scm.v2", "order_number", "1e3", "Enter a whole number."),
    ("scm.v3", "order_number", "101", "Enter a number from 1 to 100."),
    ("scm.v2", "agree_privacy_protection", None, "The cloud sells only to those who agree"),
    ("scm.v2", "purpose", "", "Say what it is for"),
    ("scm.v2", "purpose", "  \n ", "Say what it is for"),
    ("scm.v2", "purpose", "x" * 2001, "at most 2000 characters"),
    ("scm.v2", "purpose", "a\x00b", "Null characters are not allowed."),
    ("scm.v2", "team", "x" * 101, "at most 100 characters"),
    ("scm.v2", "domain_names", "", "Name at least one domain"),
    ("scm.v2", "domain_names", " ,;\n", "Name at least one domain"),
    ("scm.v2", "domain_names", "db.internal", "not below a public suffix"),
    ("scm.v2", "domain_names", "a.cn A.cn", "Named twice: a.cn."),
    ("scm.v2", "domain_names", "例子.中国 xn--fsqu00a.xn--fiqs8s", "Named twice: xn--fsqu00a.xn--fiqs8s."),
    ("scm.v2", "domain_names", "a.cn b.cn c.cn d.cn e.cn f.cn", "Too many names: 6. The certificate covers 5."),
    ("scm.v2", "domain_names", "*.a.cn", "Only a wildcard certificate"),
    ("scm.v2", "domain_names", "x" * 20_001, "at most 20000 characters"),
    ("scm.v2", "token", "not-a-token", "Enter a valid UUID."),
    ("pca.v1", "period_type", "4", "not one of the available choices"),
    ("pca.v1", "period_num", "0", "This is the portal's limit; the cloud documents none."),
    ("pca.v1", "period_num", "37", "This is the portal's limit; the cloud documents none."),
    ("pca.v1", "subscription_num", "11", "This is the portal's limit; the cloud documents none."),
    ("pca.v1", "subscription_num", "", "This field is required."),
    ("pca.v1", "promotion_info", "x" * 2049, "Enter at most 2048 characters."),
    ("pca.v1", "promotion_info", "a\tb", "Remove the invisible characters"),
    ("pca.v1", "promotion_info", "a\x00b", "Null characters are not allowed."),
    ("pca.v1", "enterprise_project_id", "x" * 65, "Enter at most 64 characters."),
]
DEPENDENT = ("cert_brand", "cert_type", "domain_type", "domain_numbers", "domain_names")
"""Rules across fields: without the one, there may be nothing wrong with the other."""
INDEPENDENT = [each for each in BROKEN if each[1] not in DEPENDENT]


@pytest.mark.parametrize(("api", "name", "value", "sentence"), BROKEN)
def test_a_broken_rule_is_an_error_on_its_field_and_on_no_other(
    api: str, name: str, value: str | None, sentence: str
) -> None:
    broken = form(api, **{name: value})
    assert list(broken.errors) == [name]
    assert sentence in " ".join(map(str, broken.errors[name]))
    assert len(broken.errors[name]) == 1


@pytest.mark.parametrize("api", ["scm.v2", "pca.v1"])
def test_two_broken_rules_are_two_errors(api: str) -> None:
    broken = [each for each in BROKEN if each[0] == api]
    for _api, first, one, sentence in (each for each in INDEPENDENT if each[0] == api):
        for _same, second, other, _text in broken:
            if first != second:
                errors = form(api, **{first: one, second: other}).errors
                assert sentence in " ".join(map(str, errors.get(first, [])))
                assert second in errors


@pytest.mark.parametrize(
    ("api", "name", "value"),
    [
        (api, name, value)
        for api, name, value, _sentence in BROKEN
        if value and name not in ("cert_brand", "effective_time", "period_type")
    ],
)
def test_what_was_typed_is_still_there(api: str, name: str, value: str) -> None:
    html = str(form(api, **{name: value})[name].as_widget())
    if name in ("cert_type", "domain_type"):
        assert f'value="{value}" selected' in html
    else:
        assert value.strip() in html.replace("&#x27;", "'") or not value.strip()


@pytest.mark.parametrize("api", OFFERS)
def test_everything_else_is_kept_beside_an_error(api: str) -> None:
    broken = form(api, purpose="")
    for name, value in TYPED[api].items():
        if value and name not in ("purpose", "agree_privacy_protection"):
            html = str(broken[name].as_widget())
            assert f'value="{value}"' in html or f">\n{value}</textarea>" in html
    if api != "pca.v1":
        assert "checked" in str(broken["agree_privacy_protection"].as_widget())


@pytest.mark.parametrize("separator", ["\n", "\r\n", " ", ",", ", ", ";", "，", "；", "、", "\t", "\u3000", "\n\n,\n"])
def test_names_are_separated_as_people_do(separator: str) -> None:
    typed = form("scm.v2", domain_names=separator.join(["a.cn", "例子.中国", "B.com."]) + separator)
    assert typed.is_valid(), typed.errors
    assert typed.content.domain_names == ["a.cn", "xn--fsqu00a.xn--fiqs8s", "b.com"]


def test_every_wrong_name_is_named() -> None:
    errors = form("scm.v2", domain_names="a.cn db.internal 😀.com").errors["domain_names"]
    assert [str(error).partition("”")[0] for error in errors] == ["“db.internal", "“😀.com"]


# ---------------------------------------------------------------- only what is sold is offered


def offered(bound: OrderForm, name: str) -> set[str]:
    widget: Any = bound.fields[name].widget
    return {value for value, _label in widget.choices if value}


@pytest.mark.parametrize("brand", SOLD)
def test_a_brand_offers_the_types_that_it_sells(brand: str) -> None:
    assert offered(form("scm.v2", cert_brand=brand, cert_type="OV_SSL_CERT"), "cert_type") == set(SOLD[brand])


@pytest.mark.parametrize(("brand", "cert_type"), [(brand, kind) for brand, kinds in SOLD.items() for kind in kinds])
def test_a_type_offers_the_domain_types_that_exist(brand: str, cert_type: str) -> None:
    bound = form("scm.v2", cert_brand=brand, cert_type=cert_type, domain_type=SINGLE)
    assert offered(bound, "domain_type") == set(SOLD[brand][cert_type])


def test_a_choice_that_does_not_exist_stays_visible_with_its_error() -> None:
    bound = form("scm.v2", cert_brand="VTRUS", cert_type="EV_SSL_CERT")
    assert offered(bound, "cert_type") == {*SOLD["VTRUS"], "EV_SSL_CERT"}
    assert list(bound.errors) == ["cert_type"]


def test_extended_validation_is_no_wildcard_and_the_form_says_why() -> None:
    bound = form(
        "scm.v2", cert_type="EV_SSL_CERT", domain_type=WILDCARD, domain_numbers="1", domain_names="*.example.com"
    )
    assert list(bound.errors) == ["domain_type"]
    assert "no authority may issue one" in bound.errors["domain_type"][0]


@pytest.mark.parametrize("brand", ["", "NOPE"])
def test_before_a_brand_is_chosen_everything_is_offered(brand: str) -> None:
    bound = form("scm.v2", cert_brand=brand)
    assert offered(bound, "cert_type") == set(dict(catalogue.CERT_TYPES))
    assert offered(bound, "domain_type") == set(dict(catalogue.DOMAIN_TYPES))


@pytest.mark.parametrize(
    ("domain_type", "attributes"),
    [
        (SINGLE, {"readonly": True, "min": 1, "max": 1}),
        (WILDCARD, {"readonly": True, "min": 1, "max": 1}),
        (MULTI, {"min": 2, "max": 100}),
    ],
)
def test_the_number_of_domains_is_locked_where_there_is_only_one(domain_type: str, attributes: dict[str, Any]) -> None:
    attrs = form("scm.v2", domain_type=domain_type).fields["domain_numbers"].widget.attrs
    assert {name: attrs[name] for name in attrs if name in ("readonly", "min", "max")} == attributes


@pytest.mark.parametrize(
    ("domain_type", "typed", "shown"),
    [(SINGLE, "5", "1"), (WILDCARD, "", "1"), (MULTI, "1", "2"), (MULTI, "", "2"), (MULTI, "7", "7"), ("", "7", "7")],
)
def test_choosing_a_domain_type_corrects_the_number(domain_type: str, typed: str, shown: str) -> None:
    assert (
        initial_from_typed(catalogue.OFFERS["scm.v2"], {"domain_type": domain_type, "domain_numbers": typed})[
            "domain_numbers"
        ]
        == shown
    )


# ---------------------------------------------------------------- what a form starts with


@pytest.mark.parametrize("api", OFFERS)
@pytest.mark.django_db
def test_a_new_form_starts_with_the_catalogues_values(api: str, lin: User) -> None:
    initial = initial_from(OFFERS[api], None, lin)
    assert initial["team"] == "Payments"
    assert all(initial[each.name] == each.initial for each in OFFERS[api].fields)


@pytest.mark.django_db
@pytest.mark.parametrize("product", ["certificate", "ca"])
def test_an_order_in_a_form_and_out_again_is_the_same(lin: User, product: str) -> None:
    content = making.ca() if product == "ca" else making.certificate(domain_names=["a.cn", "b.cn"])
    order = making.order(lin, content, request=False)
    initial = initial_from(order.content.offer, order, lin)
    assert initial["revision"] == 1
    typed = {name: ("" if value is False or value == 0 else str(value)) for name, value in initial.items()}
    again = OrderForm(order.content.offer, typed, initial={})
    assert again.is_valid(), again.errors
    assert again.content.values == {name: value for name, value in content.values.items() if value != ""}
    assert (again.content.purpose, again.content.domain_names) == (content.purpose, content.domain_names)


def test_each_empty_form_has_a_token_of_its_own() -> None:
    first, second = (str(OrderForm(OFFERS["pca.v1"], initial={})["token"].value()) for _form in range(2))
    assert first != second
    sent = form("pca.v1", token=first)
    assert sent.is_valid()
    assert str(sent.token_value) == first


def test_a_form_without_a_token_still_gets_one() -> None:
    sent = form("pca.v1")
    sent.full_clean()
    assert isinstance(sent.token_value, uuid.UUID)


# ---------------------------------------------------------------- anything at all

NUMBERS = st.integers() | st.sampled_from([0, 1, 2, 100, 1000, 10**4300])
HTTP_TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
ANY = st.one_of(HTTP_TEXT, NUMBERS.map(lambda n: str(n) if n < 10**400 else "1" + "0" * 4300), st.just("on"))


def posts(offer: Offer) -> st.SearchStrategy[dict[str, Any]]:
    """What is sound, with up to three fields replaced by anything, and some left out."""
    names = [*TYPED[offer.api], "is_auto_pay", "is_auto_renew", "token", "revision", "nonsense"]
    return st.tuples(
        st.dictionaries(st.sampled_from(names), ANY, max_size=3), st.lists(st.sampled_from(names), max_size=2)
    ).map(lambda drawn: {name: v for name, v in (TYPED[offer.api] | drawn[0]).items() if name not in drawn[1]})


@pytest.mark.parametrize("api", OFFERS)
@given(data=st.data())
def test_whatever_is_posted_is_judged_and_what_is_sound_can_be_sent(api: str, data: st.DataObject) -> None:
    offer = OFFERS[api]
    bound = OrderForm(offer, data.draw(posts(offer)), initial={})
    for name in bound.fields:
        assert str(bound[name].as_widget())
    if bound.is_valid():
        body = catalogue.render(offer, bound.content.values, reference="ORD-1001")
        assert bound.content.values.items() <= json.loads(body).items()
        assert bound.content.purpose.strip()
        if api != "pca.v1":
            assert catalogue.domain_name_problems(bound.content.domain_names, bound.content.values) == []
    else:
        assert bound.errors


@pytest.mark.django_db
def test_a_refused_form_writes_nothing() -> None:
    for api, name, value, _sentence in BROKEN:
        assert not form(api, **{name: value}).is_valid()
    assert not Order.objects.exists()
