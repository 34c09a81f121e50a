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


@pytest.mark.parametrize("code", [CA_SERVICE, ""])
def test_a_ca_order_is_no_certificate_order(lost: Order, code: str) -> None:
    by_line = billed(replace(line(), service_type_code=code))
    assert matching.is_other_product(by_line, lost.content) is bool(code)
    assert matching.is_other_product(billed(line(), service_type_code=code), lost.content) is bool(code)


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


def test_the_window_covers_clocks_that_differ_and_a_day_of_late_execution(lost: Order) -> None:
    attempt = lost.attempt
    assert attempt is not None
    assert attempt.claimed_at is not None
    start, end = matching.window(lost, timezone.now() + timedelta(days=3))
    assert start <= attempt.claimed_at - timedelta(minutes=15)
    assert end >= attempt.claimed_at + timedelta(hours=24)
    assert matching.window(lost, timezone.now())[1] <= timezone.now() + timedelta(minutes=20)
