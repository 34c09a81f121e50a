"""The forms over HTTP: what is saved, what comes back, what a double click makes."""

import re
from typing import Any

import pytest

from orders.models import Event, Order
from orders.states import Status
from portal.models import User
from tests import making
from tests.orders.views.conftest import SignedIn

FORM: dict[str, Any] = {
    "cert_brand": "GLOBALSIGN",
    "cert_type": "OV_SSL_CERT",
    "domain_type": "MULTI_DOMAIN",
    "effective_time": "1",
    "domain_numbers": "5",
    "order_number": "1",
    "agree_privacy_protection": "on",
    "purpose": "Shop front 店面",
    "team": "Payments",
    "domain_names": "www.example.com\n例子.公司.cn",
    "token": "11111111-1111-4111-8111-111111111111",
}
NEW = "/orders/new/certificate/"


def test_a_request_is_made_and_shown(lin: User, mei: User, signed_in: SignedIn) -> None:
    response = signed_in(lin).post(NEW, FORM)
    order = Order.objects.get()
    assert (response.status_code, response.headers["Location"]) == (302, order.get_absolute_url())
    assert order.status == Status.PENDING_APPROVAL
    assert order.content.purpose == "Shop front 店面"
    assert order.content.domain_names[1].startswith("xn--")


def test_a_double_click_makes_one_order(lin: User, mei: User, signed_in: SignedIn) -> None:
    client = signed_in(lin)
    first, second = client.post(NEW, FORM), client.post(NEW, FORM)
    assert first.headers["Location"] == second.headers["Location"]
    assert Order.objects.count() == 1


def test_somebody_elses_token_is_no_obstacle(lin: User, ana: User, mei: User, signed_in: SignedIn) -> None:
    signed_in(lin).post(NEW, FORM)
    signed_in(ana).post(NEW, FORM)
    assert list(Order.objects.order_by("pk").values_list("requester__username", flat=True)) == ["lin", "ana"]


def test_a_draft_is_only_a_draft(lin: User, signed_in: SignedIn) -> None:
    signed_in(lin).post(NEW, FORM | {"draft": "1"})
    assert Order.objects.get().status == Status.DRAFT


@pytest.mark.parametrize("name", [name for name in FORM if name not in ("team", "token")])
def test_each_missing_field_is_named_and_nothing_is_written(
    lin: User, mei: User, signed_in: SignedIn, name: str
) -> None:
    response = signed_in(lin).post(NEW, {key: value for key, value in FORM.items() if key != name})
    assert response.status_code == 422
    assert name in response.context["form"].errors
    assert (Order.objects.count(), Event.objects.count()) == (0, 0)


def test_what_was_typed_comes_back(lin: User, mei: User, signed_in: SignedIn) -> None:
    page = signed_in(lin).post(NEW, FORM | {"domain_numbers": "101"}).content.decode()
    assert "Shop front 店面" in page
    assert "例子.公司.cn" in page
    assert 'value="101"' in page
    assert "Enter a number from 1 to 100." in page


def test_the_limit_says_whose_it_is(lin: User, mei: User, omar: User, signed_in: SignedIn) -> None:
    data = {"period_type": "2", "period_num": "37", "subscription_num": "1", "purpose": "Mesh"}
    page = signed_in(lin).post("/orders/new/ca/", data).content.decode()
    assert "This is the portal&#x27;s limit; the cloud documents none." in page


def test_a_ca_form_starts_unticked(lin: User, signed_in: SignedIn) -> None:
    page = signed_in(lin).get("/orders/new/ca/").content.decode()
    assert not re.search(r"<input[^>]*checked", page)


def test_too_few_approvers_is_said_at_once(lin: User, mei: User, signed_in: SignedIn) -> None:
    data = {"period_type": "2", "period_num": "1", "subscription_num": "1", "purpose": "Mesh"}
    response = signed_in(lin).post("/orders/new/ca/", data)
    assert response.status_code == 422
    assert "needs 2 approvers" in response.content.decode()
    assert Order.objects.count() == 0


def test_choices_are_refreshed_without_judging(lin: User, signed_in: SignedIn) -> None:
    data = {"cert_brand": "VTRUS", "purpose": "Half-typed", "refresh": "1"}
    response = signed_in(lin).post(NEW, data)
    page = response.content.decode()
    assert response.status_code == 200
    assert "EV_SSL_CERT" not in page
    assert "Half-typed" in page
    assert "errorlist" not in page


def test_an_edit_of_a_stale_page_is_refused(lin: User, mei: User, signed_in: SignedIn) -> None:
    order, client = making.order(lin), signed_in(lin)
    path = f"{order.get_absolute_url()}edit/"
    assert client.post(path, FORM | {"revision": "1", "purpose": "Second"}).status_code == 302
    assert client.post(path, FORM | {"revision": "1", "purpose": "Third"}).status_code == 409
    assert making.fresh(order).content.purpose == "Second"


def test_request_again_starts_from_the_old_one(lin: User, mei: User, ana: User, signed_in: SignedIn) -> None:
    order = making.order(lin)
    assert "Shop front" in signed_in(lin).get(f"{NEW}?from={order.reference}").content.decode()
    assert "Shop front" not in signed_in(ana).get(f"{NEW}?from={order.reference}").content.decode()


def test_an_unknown_product_is_not_found(lin: User, signed_in: SignedIn) -> None:
    assert signed_in(lin).get("/orders/new/nonsense/").status_code == 404


def test_an_auditor_gets_the_sentence_and_no_form(noor: User, signed_in: SignedIn) -> None:
    page = signed_in(noor).get(NEW).content.decode()
    assert "Auditors read everything and change nothing." in page
    assert "cert_brand" not in page
