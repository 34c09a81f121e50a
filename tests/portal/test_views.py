"""Signing in, the one-click people of the demo, and whether the portal is alive."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import SESSION_KEY
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import path

from portal import views
from portal.models import APPROVERS, User
from portal.urls import urlpatterns as usual
from tests import making

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]

urlpatterns = [*usual, path("demo/sign-in/<str:username>/", views.demo_sign_in, name="demo-sign-in")]
"""As in demo mode, so that what refuses outside of it is the view itself."""

Outside = Callable[[Client, User], HttpResponse]


@pytest.fixture
def demo(settings: Any) -> None:
    settings.DEMO = True


def signed_in(client: Client) -> str | None:
    pk = client.session.get(SESSION_KEY)
    return User.objects.get(pk=pk).username if pk else None


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "127.1.2.3"])
def test_in_the_demo_one_click_signs_in(client: Client, lin: User, demo: None, address: str) -> None:
    response = client.post("/demo/sign-in/lin/", REMOTE_ADDR=address)
    assert (response.status_code, response.headers["Location"]) == (302, "/")
    assert signed_in(client) == "lin"


@pytest.mark.parametrize("address", ["10.0.0.1", "192.168.0.1", "2001:db8::1", "", "unix:", "127.0.0.1.evil.cn"])
def test_the_demo_does_not_exist_beyond_this_machine(client: Client, lin: User, demo: None, address: str) -> None:
    assert client.post("/demo/sign-in/lin/", REMOTE_ADDR=address).status_code == 404
    assert signed_in(client) is None
    assert views.demo_people(RequestFactory().get("/", REMOTE_ADDR=address)) == []


def test_outside_the_demo_nobody_is_signed_in_by_a_click(client: Client, lin: User) -> None:
    assert client.post("/demo/sign-in/lin/").status_code == 404
    assert signed_in(client) is None
    assert views.demo_people(RequestFactory().get("/")) == []


def test_outside_the_demo_the_address_does_not_exist() -> None:
    assert "demo-sign-in" not in [getattr(each, "name", None) for each in usual]


@pytest.mark.parametrize("username", ["nobody", "gone"])
def test_only_people_who_may_sign_in_are_signed_in(client: Client, demo: None, username: str) -> None:
    making.person("gone", is_active=False)
    assert client.post(f"/demo/sign-in/{username}/").status_code == 404
    assert signed_in(client) is None


def test_a_link_signs_nobody_in(client: Client, lin: User, demo: None) -> None:
    assert client.get("/demo/sign-in/lin/").status_code == 405
    assert signed_in(client) is None


def test_another_site_signs_nobody_in(lin: User, demo: None) -> None:
    client = Client(enforce_csrf_checks=True)
    assert client.post("/demo/sign-in/lin/").status_code == 403
    assert signed_in(client) is None


def test_the_demo_people_are_those_who_can_sign_in(lin: User, mei: User, demo: None) -> None:
    making.person("gone", is_active=False)
    assert views.demo_people(RequestFactory().get("/")) == [lin, mei]


def test_a_password_signs_in_and_leads_where_one_wanted_to_go(client: Client, lin: User) -> None:
    response = client.post("/sign-in/?next=/orders/", {"username": "lin", "password": "only-for-tests"})
    assert (response.status_code, response.headers["Location"]) == (302, "/orders/")
    assert signed_in(client) == "lin"


@pytest.mark.parametrize("target", ["https://evil.cn/", "//evil.cn/", "javascript:alert(1)"])
def test_signing_in_leads_to_no_other_site(client: Client, lin: User, target: str) -> None:
    response = client.post("/sign-in/", {"username": "lin", "password": "only-for-tests", "next": target})
    assert response.headers["Location"] == "/"


@pytest.mark.parametrize(
    ("username", "password"), [("lin", "wrong"), ("nobody", "only-for-tests"), ("gone", "only-for-tests"), ("", "")]
)
def test_anything_else_does_not(client: Client, lin: User, username: str, password: str) -> None:
    making.person("gone", APPROVERS, is_active=False)
    assert client.post("/sign-in/", {"username": username, "password": password}).status_code == 200
    assert signed_in(client) is None


def test_signing_out_takes_a_click_and_ends_the_session(client: Client, lin: User) -> None:
    client.force_login(lin)
    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/").status_code == 302
    assert signed_in(client) is None


def test_a_portal_that_works_says_so(client: Client) -> None:
    response = client.get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert client.head("/healthz").status_code == 200
    assert client.post("/healthz").status_code == 405


@pytest.mark.parametrize("address", ["/healthz", "/sign-in/", "/"])
def test_every_answer_keeps_others_out(client: Client, address: str) -> None:
    headers = client.get(address).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert (headers["X-Frame-Options"], headers["X-Content-Type-Options"]) == ("DENY", "nosniff")
    assert "no-store" in headers["Cache-Control"]
    assert "HX-Request" in headers["Vary"]
    assert headers["X-Request-Id"]


def test_the_language_is_chosen_before_signing_in(client: Client) -> None:
    response = client.post("/language/", {"language": "zh-hans", "next": "/sign-in/"})
    assert (response.status_code, response.headers["Location"]) == (302, "/sign-in/")
    assert client.cookies["django_language"].value == "zh-hans"


@pytest.mark.parametrize("path", ["/sign-out/", "/demo/sign-in/lin/"])
def test_an_address_without_a_page_says_so_on_a_page(client: Client, lin: User, demo: None, path: str) -> None:
    client.force_login(lin)
    response = client.get(path)
    assert (response.status_code, response.headers["Allow"].split(", ")[0]) == (405, "POST")
    assert "shows nothing by itself" in response.content.decode()
    assert "default-src 'none'" in response.headers["Content-Security-Policy"]


@pytest.mark.parametrize(("path", "status"), [("/nowhere/", 404), ("/sign-out/", 403)])
def test_an_error_is_a_page_of_the_portal(lin: User, path: str, status: int) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(lin)
    response = client.post(path) if status == 403 else client.get(path)
    page = response.content.decode()
    assert response.status_code == status
    assert 'class="message"' in page
    assert 'action="/sign-out/"' in page
    assert "icons.svg#mark" in page
