"""Lists: what an order is for, how it is found, who has to move, and nothing twice."""

from dataclasses import replace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from orders.actions import resolving
from orders.actions.ordering import Content
from orders.actions.resolving import Candidate
from orders.catalogue.certificates import CERT_TYPES
from orders.models import Order
from orders.states import Status
from orders.views import rows
from portal.models import AUDITORS, User
from tests import making
from tests.orders.views.conftest import SignedIn
from tests.orders.views.test_pages import texts

NAMES = ["www.xn--bcher-kva.example.com", "shop.example.org", "www.example.com"]


def certificate(purpose: str = "Shop front", **changes: Any) -> Content:
    return replace(making.certificate(**changes), purpose=purpose)


@pytest.fixture
def order(lin: User, mei: User) -> Order:
    return making.order(lin, certificate("Autumn sale, 秋季促销 <b>", domain_names=NAMES))


@pytest.mark.parametrize("path", ["/", "/orders/", "/approvals/"])
def test_a_list_says_what_an_order_is_for(order: Order, mei: User, signed_in: SignedIn, path: str) -> None:
    page = texts(signed_in(mei), path)
    assert '<p class="purpose">Autumn sale, 秋季促销 &lt;b&gt;</p>' in page
    assert ">www.bücher.example.com</bdi>" in page
    assert ">+ 2</span>" in page
    assert "GlobalSign · OV · 5 domains · 1 year · quantity 1" in page.replace("\xa0", " ")


def test_the_list_stays_short_where_the_purpose_is_long(lin: User, mei: User) -> None:
    order = making.order(lin, certificate("长" * 2000))
    assert rows.rows([order])[0].purpose == "长" * (rows.PURPOSE_MAX - 1) + "…"


@pytest.mark.parametrize("cert_type", ["OV_SSL_CERT", "OV_SSL_CERT_PRO", "DV_SSL_CERT_BASIC"])
def test_the_type_of_a_certificate_is_short_and_as_its_label_begins(cert_type: str) -> None:
    label = str(dict(CERT_TYPES)[cert_type])
    assert rows._kind(cert_type) == label.partition(":")[0]


def test_a_ca_has_no_domain_name(lin: User, mei: User, omar: User, signed_in: SignedIn) -> None:
    making.order(lin, making.ca())
    page = texts(signed_in(lin), "/orders/")
    assert "Service mesh" in page
    assert 'class="domain"' not in page


def found(client: Client, typed: str) -> list[Order]:
    return [row.order for row in client.get("/orders/", {"q": typed}).context["rows"]]


@pytest.mark.parametrize(
    "typed",
    [
        "autumn sale",
        "秋季",
        " SALE, ",
        "shop.example.org",
        "ORG",
        "Bücher.example",
        ".bücher",
        "bücher。example",
        "xn--bcher-kva",
        "ORD-{number}",
        making.BOUGHT.order_id,
        making.BOUGHT.item_ids[0],
    ],
)
def test_an_order_is_found_by_purpose_name_reference_and_id(
    order: Order, mei: User, signed_in: SignedIn, typed: str
) -> None:
    making.order(order.requester, certificate("Something else", order_number=2))
    making.answered(making.approve(order, mei), making.BOUGHT)
    assert found(signed_in(mei), typed.format(number=order.number)) == [order]


@pytest.mark.parametrize("typed", ['", "', "[", "%", "_", "bücher sale", "☕", "x" * 200_000])
def test_what_is_no_part_of_it_does_not_find_it(order: Order, mei: User, signed_in: SignedIn, typed: str) -> None:
    assert found(signed_in(mei), typed) == []


@pytest.mark.parametrize("typed", ["", "  "])
def test_nothing_typed_is_no_filter(order: Order, mei: User, signed_in: SignedIn, typed: str) -> None:
    assert found(signed_in(mei), typed) == [order]


@pytest.mark.parametrize("typed", ["autumn", "www.bücher.example.com", "ORD-{number}", making.BOUGHT.item_ids[0]])
def test_nobody_finds_what_they_may_not_see(
    order: Order, ana: User, mei: User, signed_in: SignedIn, typed: str
) -> None:
    making.answered(making.approve(order, mei), making.BOUGHT)
    assert found(signed_in(ana), typed.format(number=order.number)) == []


def test_a_search_is_one_query(
    order: Order, mei: User, signed_in: SignedIn, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = signed_in(mei)
    with django_assert_max_num_queries(50) as everything:
        found(client, "")
    with django_assert_max_num_queries(len(everything)):
        assert found(client, "autumn") == [order]


# ---------------------------------------------------------------- whose turn it is to settle


@pytest.fixture
def unconfirmed(lin: User, mei: User, omar: User) -> Order:
    return making.in_status(Status.UNCONFIRMED, lin, mei)


def absence_proposed(order: Order) -> Order:
    Order.objects.filter(pk=order.pk).update(absence_proposed_at=timezone.now())
    return making.fresh(order)


def attached(order: Order, by: User, cloud_order_id: str = "CS1") -> Order:
    named = Candidate(order_id=cloud_order_id, item_ids=(), found_by="people")
    return resolving.attach(order=making.fresh(order), by=by, reason="Seen there", candidate=named)


def asked(*users: User) -> list[str]:
    return [user.username for user in users if Order.objects.awaiting_resolution_of(user).exists()]


def test_nobody_is_asked_while_the_portal_still_looks(unconfirmed: Order, mei: User, omar: User) -> None:
    assert asked(mei, omar) == []


def test_approvers_are_asked_when_absence_is_proposed(
    unconfirmed: Order, lin: User, mei: User, omar: User, noor: User, admin: User
) -> None:
    absence_proposed(unconfirmed)
    assert asked(lin, mei, omar, noor, admin) == ["mei", "omar"]


def test_who_has_answered_is_asked_no_more(unconfirmed: Order, mei: User, omar: User) -> None:
    resolving.declare_absent(order=absence_proposed(unconfirmed), by=mei, reason="Nowhere")
    assert asked(mei, omar) == ["omar"]


def test_the_answer_of_one_asks_the_others(unconfirmed: Order, mei: User, omar: User) -> None:
    attached(unconfirmed, mei)
    assert asked(mei, omar) == ["omar"]


def test_a_proposal_asks_again_who_answered_before_it(unconfirmed: Order, mei: User, omar: User) -> None:
    attached(unconfirmed, mei)
    absence_proposed(unconfirmed)
    assert asked(mei, omar) == ["mei", "omar"]
    attached(unconfirmed, mei)
    assert asked(mei, omar) == ["omar"]


def test_requesters_and_editors_are_not_asked(mei: User, omar: User, sofia: User) -> None:
    order = making.order(mei)
    order.revisions.create(
        number=2, editor=sofia, created_at=timezone.now(), api=order.content.api, values={}, digest="", body=b""
    )
    absence_proposed(making.put(order, Status.UNCONFIRMED))
    assert asked(mei, omar, sofia) == ["omar"]


def test_a_settled_order_asks_nobody(unconfirmed: Order, mei: User, omar: User, sofia: User) -> None:
    attached(unconfirmed, mei)
    assert attached(unconfirmed, omar).status == Status.PLACED
    assert asked(mei, omar, sofia) == []


@pytest.mark.parametrize("path", ["/", "/approvals/"])
def test_an_approver_sees_what_waits_to_be_settled(
    unconfirmed: Order, mei: User, omar: User, signed_in: SignedIn, path: str
) -> None:
    assert "To settle" not in texts(signed_in(omar), path)
    attached(unconfirmed, mei)
    page = texts(signed_in(omar), path)
    assert "Two people have to give the same answer." in page
    assert "A second one has to say so too." in page
    absence_proposed(unconfirmed)
    assert "What became of it?" in texts(signed_in(omar), path)


# ---------------------------------------------------------------- tables


def section(page: str, name: str) -> str:
    """What stands below the heading with that id."""
    _before, found, after = page.partition(f'id="{name}"')
    return after.partition("</section>")[0] if found else ""


def test_a_list_of_my_own_orders_does_not_say_who_requested_them(
    order: Order, lin: User, mei: User, omar: User, signed_in: SignedIn
) -> None:
    making.order(mei, making.certificate(order_number=2))
    page = texts(signed_in(mei), "/")
    assert "Requester" not in section(page, "mine")
    assert "Requester" in section(page, "waits")
    assert "Requester" in texts(signed_in(mei), "/orders/")


# ---------------------------------------------------------------- the dashboard


def times(page: str, order: Order) -> list[str]:
    """The sections of the dashboard in which the order stands."""
    return [name for name in ("waits", "troubles", "mine", "latest") if order.reference in section(page, name)]


@pytest.mark.parametrize("status", Status)
def test_an_order_stands_twice_at_most(lin: User, mei: User, omar: User, signed_in: SignedIn, status: Status) -> None:
    own, others = making.order(mei), making.order(lin, making.certificate(order_number=2))
    for each in (own, others):
        making.put(each, status)
    Order.objects.filter(status=Status.UNCONFIRMED).update(absence_proposed_at=timezone.now())
    page = texts(signed_in(mei), "/")
    assert "mine" in times(page, own)
    assert len(times(page, own)) <= 2
    assert len(times(page, others)) <= 2


def test_what_waits_for_me_is_not_among_the_troubles(
    unconfirmed: Order, lin: User, mei: User, omar: User, signed_in: SignedIn
) -> None:
    failed = making.put(making.order(mei, making.certificate(order_number=2)), Status.FAILED)
    page = texts(signed_in(mei), "/")
    assert (times(page, unconfirmed), times(page, failed)) == (["troubles", "latest"], ["waits", "mine"])
    absence_proposed(unconfirmed)
    assert times(texts(signed_in(mei), "/"), unconfirmed) == ["waits", "latest"]
    assert times(texts(signed_in(lin), "/"), unconfirmed) == ["troubles", "mine"]


def test_who_became_an_auditor_still_sees_their_failed_order(lin: User, mei: User, signed_in: SignedIn) -> None:
    failed = making.put(making.order(lin), Status.FAILED)
    lin.groups.add(making.group(AUDITORS))
    assert times(texts(signed_in(lin), "/"), failed) == ["troubles", "mine"]


def test_no_order_is_not_counted_by_status(order: Order, lin: User, ana: User, signed_in: SignedIn) -> None:
    assert 'id="counts"' in texts(signed_in(lin), "/")
    assert 'id="counts"' not in texts(signed_in(ana), "/")
