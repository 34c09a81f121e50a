"""Pages: what they say, that htmx gets a part of them, and what they cost."""

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from orders.actions import sweeping
from orders.models import Order
from orders.states import Status
from portal.models import User
from tests import making
from tests.orders.views.conftest import SignedIn

MOST_QUERIES = 25


@pytest.fixture
def many(lin: User, ana: User, mei: User, omar: User) -> list[Order]:
    found = [making.order(lin if n % 2 else ana, making.certificate(domain_numbers=2 + n)) for n in range(12)]
    for order in found[:4]:
        making.approve(order, mei)
    making.order(lin, making.ca())
    return found


def texts(client: Client, path: str, **headers: str) -> str:
    response = client.get(path, headers=headers)
    assert response.status_code == 200, path
    return str(response.content.decode())


PATHS = ["/", "/orders/", "/orders/?status=approved&product=certificate", "/approvals/", "/history/", "/buying/"]


@pytest.mark.parametrize("path", [*PATHS, "order", "/orders/new/certificate/", "/orders/new/ca/"])
def test_no_page_asks_the_database_too_much(
    many: list[Order], mei: User, signed_in: SignedIn, path: str, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = signed_in(mei)
    path = many[0].get_absolute_url() if path == "order" else path
    with django_assert_max_num_queries(MOST_QUERIES):
        texts(client, path)


def test_the_page_shows_the_very_bytes(many: list[Order], mei: User, signed_in: SignedIn) -> None:
    page = texts(signed_in(mei), many[5].get_absolute_url())
    assert many[5].content.body_text.replace('"', "&quot;") in page
    assert many[5].content.digest in page


@pytest.mark.parametrize("path", ["/", "order"])
def test_htmx_gets_the_live_part_alone(many: list[Order], mei: User, signed_in: SignedIn, path: str) -> None:
    path = many[0].get_absolute_url() if path == "order" else path
    client = signed_in(mei)
    part = texts(client, path, hx_request="true")
    assert "<html" not in part
    assert 'id="live"' in part
    assert "HX-Request" in client.get(path).headers["Vary"]


def test_an_unchanged_page_is_not_sent_again(many: list[Order], mei: User, signed_in: SignedIn) -> None:
    client, order = signed_in(mei), making.fresh(many[0])
    path = f"{order.get_absolute_url()}?v={order.version}"
    assert client.get(path, headers={"hx-request": "true"}).status_code == 204
    making.order(order.requester, making.certificate(domain_numbers=50))
    assert client.get("/?v=1", headers={"hx-request": "true"}).status_code == 200


@pytest.mark.parametrize(("zone", "shown"), [("UTC", "UTC"), ("Asia/Shanghai", "CST"), ("Asia/Kathmandu", "+0545")])
def test_a_time_says_its_zone_to_people_and_to_machines(
    many: list[Order], mei: User, signed_in: SignedIn, zone: str, shown: str
) -> None:
    since = making.fresh(many[0]).status_since
    with timezone.override(zone):
        page = texts(signed_in(mei), many[0].get_absolute_url())
        here = timezone.localtime(since)
    assert f'<time datetime="{here.isoformat()}"' in page
    assert f'{here:%Y-%m-%d %H:%M:%S} <span class="zone" translate="no">{shown}</span></time>' in page


def test_an_attempt_that_is_under_way_has_no_answer_yet(lin: User, mei: User, signed_in: SignedIn) -> None:
    order = making.in_status(Status.SUBMITTING, lin, mei)
    assert "no answer yet" in texts(signed_in(mei), order.get_absolute_url())


def test_an_attempt_tells_its_trouble_in_a_sentence_and_in_its_word(lin: User, mei: User, signed_in: SignedIn) -> None:
    order = making.in_status(Status.UNCONFIRMED, lin, mei)
    page = texts(signed_in(mei), order.get_absolute_url())
    assert "The request was sent, and no answer came in time." in page
    assert '<code class="id" translate="no">timeout ReadTimeout</code>' in page


def test_the_time_until_a_lost_worker_was_noticed_is_not_the_cloud_s(lin: User, mei: User, signed_in: SignedIn) -> None:
    order = making.in_status(Status.SUBMITTING, lin, mei)
    Order.objects.filter(pk=order.pk).update(deadline_at=timezone.now())
    sweeping.end(order=order)
    page = texts(signed_in(mei), order.get_absolute_url())
    assert '<code class="id" translate="no">worker_gone</code>' in page
    assert "not measured" in page.partition('id="attempts"')[2].partition('id="timeline"')[0]
    assert " ms" not in page.partition('id="attempts"')[2].partition('id="timeline"')[0]


def test_the_history_says_once_whose_time_it_shows(many: list[Order], noor: User, signed_in: SignedIn) -> None:
    page = texts(signed_in(noor), "/history/")
    assert "Days and times are those of UTC." in page
    assert 'class="zone"' not in page


def test_lists_page_by_key_without_gaps(
    many: list[Order], mei: User, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orders.views.lists.PAGE", 5)
    client, path, seen = signed_in(mei), "/orders/", []
    while path:
        context = client.get(path).context
        seen += [row.order.pk for row in context["rows"]]
        path = context["next"] and "/orders/" + context["next"]
    assert seen == sorted(Order.objects.values_list("pk", flat=True), reverse=True)


@pytest.mark.parametrize(
    "query",
    [
        "status=nonsense",
        "product=💥",
        "requester=nobody",
        "q=ORD-99999999999999999999",
        "q=%EF%BC%91%EF%BC%92",
        "before=99999999999999999999",
        "before=-1",
        "before=²",
        "status=approved&status=draft",
    ],
)
def test_nonsense_filters_are_harmless(many: list[Order], mei: User, signed_in: SignedIn, query: str) -> None:
    texts(signed_in(mei), f"/orders/?{query}")


@pytest.mark.parametrize(
    "query",
    [
        "order=ORD-1001",
        "order=x",
        "person=mei",
        "person=-",
        "kind=order.approved",
        "since=2020-02-30",
        "until=9999-12-31",
    ],
)
def test_the_history_is_filtered(many: list[Order], noor: User, signed_in: SignedIn, query: str) -> None:
    texts(signed_in(noor), f"/history/?{query}")


def test_the_history_filters_by_order_person_kind_and_day(many: list[Order], noor: User, signed_in: SignedIn) -> None:
    client = signed_in(noor)
    found = client.get(f"/history/?order={many[0].reference}&person=mei&kind=order.approved").context["events"]
    assert [(event.kind, event.order_id, event.by_name) for event in found] == [("order.approved", many[0].pk, "mei")]
    assert client.get("/history/?since=2999-01-01").context["events"] == []


def test_ids_are_found_by_search(many: list[Order], mei: User, signed_in: SignedIn) -> None:
    found = signed_in(mei).get(f"/orders/?q={many[3].reference.lower()}").context["rows"]
    assert [row.order.pk for row in found] == [many[3].pk]


def test_names_are_never_markup(lin: User, mei: User, signed_in: SignedIn) -> None:
    lin.first_name, lin.team = "<b>Lin</b>" * 10, "<script>"
    lin.save()
    order = making.order(lin, making.certificate())
    page = texts(signed_in(mei), order.get_absolute_url())
    assert "<b>Lin" not in page
    assert "&lt;b&gt;Lin" in page


@pytest.mark.parametrize("path", ["/", "/orders/1001/", "/nowhere/"])
def test_answers_stay_private_and_safe(many: list[Order], mei: User, signed_in: SignedIn, path: str) -> None:
    headers = signed_in(mei).get(path).headers
    assert "no-store" in headers["Cache-Control"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert len(headers["X-Request-Id"]) == 32
