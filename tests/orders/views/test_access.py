"""Who reaches what: every address of the portal, as everybody. A new address without a row here is a failure."""

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from orders.models import Event, Order, Stop
from portal.models import User
from tests import making

READS = {
    # address: engineer who asked, another engineer, approver, auditor
    "dashboard": (200, 200, 200, 200),
    "orders": (200, 200, 200, 200),
    "approvals": (200, 200, 200, 200),
    "history": (403, 403, 200, 200),
    "buying": (200, 200, 200, 200),
    "choose": (200, 200, 200, 200),
    "new": (200, 200, 200, 200),
    "order": (200, 404, 200, 200),
    "edit": (200, 404, 403, 403),
    "version": (200, 404, 200, 200),
}
VERBS = {
    # address: what another engineer, an auditor and the requester get; approvers have tests of their own
    "request": (404, 403, 403),
    "discard": (404, 403, 403),
    "withdraw": (404, 403, 422),
    "retry": (404, 403, 403),
    "approve": (404, 403, 403),
    "reject": (404, 403, 403),
    "request-changes": (404, 403, 403),
    "attach": (404, 403, 403),
    "declare-absent": (404, 403, 403),
    "stop": (403, 403, 403),
    "resume": (403, 403, 403),
}
ELSEWHERE = {"sign-in", "sign-out", "set_language", "health"}


@pytest.fixture
def order(lin: User, mei: User) -> Order:
    return making.order(lin)


@pytest.fixture
def stop(admin: User, mei: User) -> Stop:
    from orders.actions import stopping

    return stopping.stop(by=mei, product="ca", reason="Audit")


def address(name: str, order: Order, stop: Stop | None = None) -> str:
    number = order.get_absolute_url().split("/")[2]
    paths = {
        "new": "/orders/new/certificate/",
        "choose": "/orders/new/",
        "dashboard": "/",
        "order": f"/orders/{number}/",
        "version": f"/orders/{number}/versions/1/",
        "stop": "/buying/stop/",
        "resume": f"/buying/{stop.pk if stop else 0}/resume/",
    }
    if name in paths:
        return paths[name]
    return f"/orders/{number}/{name}/" if name in VERBS or name == "edit" else f"/{name}/"


def test_every_address_has_a_row_here() -> None:
    names = set()
    for pattern in get_resolver().url_patterns:
        for each in pattern.url_patterns if isinstance(pattern, URLResolver) else [pattern]:
            if isinstance(each, URLPattern) and getattr(pattern, "app_name", "") != "admin":
                names.add(each.name)
    assert names == set(READS) | set(VERBS) | ELSEWHERE


@pytest.mark.parametrize("name", [*READS, *VERBS])
def test_strangers_are_sent_to_sign_in(order: Order, stop: Stop, name: str) -> None:
    path = address(name, order, stop)
    response = Client().post(path) if name in VERBS else Client().get(path)
    assert (response.status_code, response.headers["Location"].split("?")[0]) == (302, "/sign-in/")


@pytest.mark.parametrize("name", READS)
def test_pages_open_for_whom_they_should(order: Order, lin: User, ana: User, mei: User, noor: User, name: str) -> None:
    found = []
    for user in (lin, ana, mei, noor):
        client = Client()
        client.force_login(user)
        found.append(client.get(address(name, order)).status_code)
    assert tuple(found) == READS[name]


@pytest.mark.parametrize("name", VERBS)
def test_verbs_answer_whom_they_should_and_change_nothing(
    order: Order, stop: Stop, lin: User, ana: User, noor: User, name: str
) -> None:
    found = []
    for user in (ana, noor, lin):
        client = Client()
        client.force_login(user)
        data = {"digest": order.content.digest, "revision": "1", "cloud_order_id": "CS1"}
        found.append(client.post(address(name, order, stop), data).status_code)
    assert tuple(found) == VERBS[name]
    assert making.fresh(order).version == order.version
    assert not Event.objects.filter(kind__in=["order.withdrawn", "order.approved", "buying.resumed"]).exists()


@pytest.mark.parametrize("name", VERBS)
def test_signing_in_again_leads_back_to_the_page(order: Order, name: str) -> None:
    client = Client()
    page = order.get_absolute_url()
    response = client.post(address(name, order), headers={"referer": f"http://testserver{page}"})
    assert response.headers["Location"] == f"/sign-in/?next={page}"
    assert "Nothing was recorded." in client.get(response.headers["Location"]).content.decode()


@pytest.mark.parametrize("name", VERBS)
@pytest.mark.parametrize("method", ["get", "head"])
def test_reading_a_verb_leads_to_its_page_and_does_nothing(
    order: Order, stop: Stop, mei: User, name: str, method: str
) -> None:
    client, before = Client(), making.everything()
    client.force_login(mei)
    response = client.generic(method.upper(), address(name, order, stop))
    page = "/buying/" if name in ("stop", "resume") else order.get_absolute_url()
    assert (response.status_code, response.headers["Location"]) == (302, page)
    assert making.everything() == before


@pytest.mark.parametrize("name", [name for name in VERBS if name not in ("stop", "resume")])
def test_reading_a_verb_of_an_order_that_is_not_theirs_finds_nothing(order: Order, ana: User, name: str) -> None:
    client = Client()
    client.force_login(ana)
    assert client.get(address(name, order)).status_code == 404


@pytest.mark.parametrize("name", VERBS)
@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_verbs_are_posted_or_nothing(order: Order, stop: Stop, mei: User, name: str, method: str) -> None:
    client = Client()
    client.force_login(mei)
    assert client.generic(method, address(name, order, stop)).status_code == 405


@pytest.mark.parametrize("name", VERBS)
def test_signing_in_at_a_verb_ends_on_its_page(order: Order, stop: Stop, mei: User, name: str) -> None:
    client, path = Client(), address(name, order, stop)
    data = {"username": "mei", "password": "only-for-tests", "next": path}
    response = client.post("/sign-in/", data, follow=True)
    assert response.status_code == 200
    assert response.redirect_chain[-1][0] in (order.get_absolute_url(), "/buying/")


@pytest.mark.parametrize("name", VERBS)
def test_verbs_want_the_form_of_this_site(order: Order, stop: Stop, mei: User, name: str) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(mei)
    assert client.post(address(name, order, stop)).status_code == 403
    assert making.fresh(order).version == order.version


def test_a_superuser_has_no_way_around_four_eyes(order: Order, admin: User) -> None:
    client = Client()
    client.force_login(admin)
    data = {"digest": order.content.digest, "revision": "1"}
    assert client.post(address("approve", order), data).status_code == 403


@pytest.mark.parametrize("model", ["order", "event", "approval", "revision", "attempt", "item", "stop"])
def test_the_admin_only_looks(admin: User, order: Order, model: str) -> None:
    client = Client()
    client.force_login(admin)
    assert client.get(f"/admin/orders/{model}/").status_code == 200
    assert client.get(f"/admin/orders/{model}/add/").status_code == 403
