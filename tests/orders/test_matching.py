"""What billing tells of an order, against what was approved: agrees, differs, or is not told."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from orders import matching
from orders.catalogue import CA_SERVICE
from orders.cloud.billing import MONTHS, YEARS, BillingLine, BillingOrder
from orders.matching import Fit, Objection
from orders.models import Finding, Order
from orders.states import Status
from portal.models import User
from tests import making

pytestmark = pytest.mark.django_db


def line(period_type: int | None = YEARS, period_num: int | None = 1, quantity: int | None = 2) -> BillingLine:
    return BillingLine(
        service_type_code="",
        product_id="",
        product_spec_desc="",
        period_type=period_type,
        period_num=period_num,
        subscription_num=quantity,
    )


def billed(*lines: BillingLine, **changes: object) -> BillingOrder:
    order = BillingOrder(
        order_id="CS1",
        status=5,
        order_type=1,
        service_type_code="",
        created_at=timezone.now(),
        paid_at=None,
        pay_until=None,
        user_name="portal",
        amount=None,
        currency="",
        lines=lines,
    )
    return replace(order, **changes)  # type: ignore[arg-type]


@pytest.fixture
def lost(lin: User, mei: User, settings: Settings) -> Order:
    """Two certificates for a year, on their way."""
    settings.CLOUD = making.cloud_config("http://127.0.0.1:9", cloud_iam_user="portal")
    order = making.approve(making.order(lin, making.certificate(order_number=2)), mei)
    making.claimed(order)
    return making.fresh(order)


@pytest.mark.parametrize(
    ("lines", "fit"),
    [
        ([line()], Fit.AGREES),
        ([line(MONTHS, 12)], Fit.AGREES),
        ([line(quantity=1), line(quantity=1)], Fit.AGREES),
        ([line(period_num=2), line()], Fit.AGREES),
        ([], Fit.UNTOLD),
        ([line(None)], Fit.UNTOLD),
        ([line(7)], Fit.UNTOLD),
        ([line(period_num=None)], Fit.UNTOLD),
        ([line(quantity=None)], Fit.UNTOLD),
        ([line(period_num=2)], Fit.DIFFERS),
        ([line(MONTHS, 1)], Fit.DIFFERS),
        ([line(quantity=3)], Fit.DIFFERS),
        ([line(quantity=None, period_num=2)], Fit.DIFFERS),
    ],
)
def test_terms(lost: Order, lines: list[BillingLine], fit: Fit) -> None:
    assert matching.terms(billed(*lines), lost.content) is fit


@pytest.mark.parametrize(("code", "other"), [("hws.service.type.ec2", True), (CA_SERVICE, False), ("", False)])
def test_a_ca_is_of_its_own_service(lin: User, mei: User, omar: User, code: str, other: bool) -> None:
    content = making.order(lin, making.ca()).content
    assert matching.is_other_product(billed(replace(line(), service_type_code=code)), content) is other
    assert matching.is_other_product(billed(line(), service_type_code=code), content) is other


def test_billing_has_no_word_that_a_certificate_cannot_be(lost: Order) -> None:
    """Which one it has for them is not documented; certificates are a part of the CAs' service."""
    for code in ("hws.service.type.scm", CA_SERVICE, ""):
        assert not matching.is_other_product(billed(line(), service_type_code=code), lost.content)


@pytest.mark.parametrize(("status", "code", "nothing"), [(6, "", True), (6, CA_SERVICE, False), (5, "", False)])
def test_only_what_is_unpaid_and_no_ca_shows_nothing(lost: Order, status: int, code: str, nothing: bool) -> None:
    assert matching.shows_nothing(billed(line(), status=status, service_type_code=code), lost.content) is nothing


def objections(found: BillingOrder, order: Order) -> list[Objection]:
    return matching.objections(found, order, content_is_seen=True)


def test_where_everything_agrees_there_is_no_objection(lost: Order) -> None:
    assert objections(billed(line()), lost) == []


@pytest.mark.parametrize(
    ("changes", "objection"),
    [
        ({"user_name": ""}, Objection.BUYER_UNKNOWN),
        ({"user_name": "colleague"}, Objection.OTHER_BUYER),
        ({"lines": ()}, Objection.TERMS_UNTOLD),
        ({"created_at": None}, Objection.LATE),
        ({"created_at": timezone.now() + timedelta(hours=2)}, Objection.LATE),
    ],
)
def test_what_is_not_told_or_not_ours_is_an_objection(
    lost: Order, changes: dict[str, object], objection: Objection
) -> None:
    assert objections(billed(line(), **changes), lost) == [objection]


def test_names_are_compared_without_their_case(lost: Order) -> None:
    assert objections(billed(line(), user_name="PORTAL"), lost) == []


def test_without_our_own_name_no_buyer_is_known(lost: Order, settings: Settings) -> None:
    settings.CLOUD = making.cloud_config("http://127.0.0.1:9", cloud_iam_user="")
    assert objections(billed(line()), lost) == [Objection.BUYER_UNKNOWN]


def test_what_was_found_before_is_an_objection(lost: Order) -> None:
    Finding.objects.create(cloud_order_id="CS1", at=timezone.now())
    assert objections(billed(line()), lost) == [Objection.FINDING]


def test_another_order_in_flight_is_an_objection(lost: Order, lin: User, mei: User) -> None:
    twin = making.approve(making.order(lin, making.certificate(order_number=2, domain_numbers=9)), mei)
    making.claimed(twin)
    assert objections(billed(line()), lost) == []
    found = matching.objections(billed(line()), lost, content_is_seen=False)
    assert found == [Objection.CONTESTED]


def absent(order: Order) -> None:
    Order.objects.filter(pk=order.pk).update(status=Status.ABSENT, deadline_at=None, status_since=timezone.now())


@pytest.mark.parametrize(("days", "contested"), [(0, True), (6, True), (8, False)])
def test_what_was_declared_absent_may_have_been_executed_late(
    lost: Order, lin: User, mei: User, days: int, contested: bool
) -> None:
    twin = making.approve(making.order(lin, making.certificate(order_number=2, domain_numbers=9)), mei)
    making.claimed(twin)
    absent(twin)
    Order.objects.filter(pk=twin.pk).update(status_since=timezone.now() - timedelta(days=days))
    found = matching.objections(billed(line()), lost, content_is_seen=False)
    assert (Objection.CONTESTED in found) is contested


def test_an_order_for_another_product_in_flight_may_have_made_it_too(
    lost: Order, lin: User, mei: User, omar: User
) -> None:
    content = making.ca(period_type=3, period_num=1, subscription_num=2)
    making.claimed(making.approve(making.order(lin, content), mei, omar))
    assert matching.objections(billed(line()), lost, content_is_seen=False) == [Objection.CONTESTED]
    assert matching.objections(billed(line()), lost, content_is_seen=True) == []


def test_a_ca_shows_nothing_that_tells_two_orders_apart(lin: User, mei: User, omar: User) -> None:
    first, second = (
        making.approve(making.order(lin, making.ca(promotion_info=text)), mei, omar) for text in ("A", "B")
    )
    making.claimed(first)
    making.claimed(second)
    made = billed(line(MONTHS, 1, quantity=1))
    assert Objection.CONTESTED in matching.objections(made, making.fresh(first), content_is_seen=True)


def test_what_is_seen_to_be_a_ca_was_made_by_no_certificate_order(
    lost: Order, lin: User, mei: User, omar: User
) -> None:
    content = making.ca(period_type=3, period_num=1, subscription_num=2)
    ca = making.approve(making.order(lin, content), mei, omar)
    making.claimed(ca)
    assert matching.objections(billed(line()), making.fresh(ca), content_is_seen=True) == []
    assert matching.objections(billed(line()), making.fresh(ca), content_is_seen=False) == [Objection.CONTESTED]


def test_an_outage_does_not_stretch_the_hour_after_the_attempt(lost: Order) -> None:
    """The sweeper noted the end when it came back."""
    attempt = lost.attempt
    assert attempt is not None
    assert attempt.claimed_at is not None
    attempt.finished_at = attempt.claimed_at + timedelta(hours=12)
    made = billed(line(), created_at=attempt.claimed_at + timedelta(hours=11))
    assert objections(made, lost) == [Objection.LATE]


def test_the_window_covers_clocks_that_differ_and_a_day_of_late_execution(lost: Order) -> None:
    attempt = lost.attempt
    assert attempt is not None
    assert attempt.claimed_at is not None
    start, end = matching.window(lost, timezone.now() + timedelta(days=3))
    assert start <= attempt.claimed_at - timedelta(minutes=15)
    assert end >= attempt.claimed_at + timedelta(hours=24)
    assert matching.window(lost, timezone.now())[1] <= timezone.now() + timedelta(minutes=20)
