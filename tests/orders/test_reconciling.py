"""Looking back in the real sandbox process, with its real blind spots."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from orders import account, reconciling
from orders.actions import resolving
from orders.errors import Denied, Invalid
from orders.models import Finding, Lookup, Order
from orders.states import Status
from portal.models import User
from tests import making
from tests.sandbox_process import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)


def lost(order: Order, sandbox: Sandbox, fault: str = "executed-then-reset", **parameters: object) -> Order:
    sandbox.fault(fault, **parameters)
    order = making.bought(order)
    assert order.status == Status.UNCONFIRMED
    return order


def looked_up(order: Order) -> Order:
    reconciling.look_up(order.pk)
    return making.fresh(order)


@pytest.fixture
def certificate(lin: User, mei: User) -> Order:
    return making.approve(making.order(lin), mei)


@pytest.fixture
def ca(lin: User, mei: User, omar: User) -> Order:
    return making.approve(making.order(lin, making.ca(is_auto_pay=1)), mei, omar)


@pytest.fixture
def v3(sandbox: Sandbox, settings: Settings) -> None:
    settings.CLOUD = making.cloud_config(sandbox.url, scm_api="v3")
    account.current_account.cache_clear()


@pytest.mark.parametrize("product", ["certificate", "ca"])
def test_a_lost_order_is_found_again_with_its_items(
    sandbox: Sandbox, product: str, request: pytest.FixtureRequest
) -> None:
    order = looked_up(lost(request.getfixturevalue(product), sandbox))
    (purchase,) = sandbox.ledger()
    assert order.status == Status.PLACED
    assert order.cloud_order_id == purchase["order_id"]
    assert [item.cloud_id for item in order.items.all()] == purchase["item_ids"]
    assert order.events.get(kind="order.placed").data["found_by"] == "billing"


def test_a_v3_order_is_found_by_its_tag(sandbox: Sandbox, v3: None, lin: User, mei: User) -> None:
    order = making.approve(making.order(lin, making.certificate(is_auto_pay=True)), mei)
    order = looked_up(lost(order, sandbox))
    assert order.status == Status.PLACED
    assert order.events.get(kind="order.placed").data["found_by"] == "tag"


def test_an_unpaid_ca_order_is_found_without_items(sandbox: Sandbox, lin: User, mei: User, omar: User) -> None:
    order = making.approve(making.order(lin, making.ca(is_auto_pay=0)), mei, omar)
    order = looked_up(lost(order, sandbox))
    assert order.status == Status.PLACED


def test_an_order_that_was_not_executed_is_not_found(sandbox: Sandbox, certificate: Order) -> None:
    order = looked_up(lost(certificate, sandbox, "reset-before-execution"))
    assert order.status == Status.UNCONFIRMED
    assert order.lookups.get().result == Lookup.Result.NOTHING
    assert order.look_up_at is not None


def test_an_order_of_other_content_is_not_taken(sandbox: Sandbox, certificate: Order, lin: User, mei: User) -> None:
    other = making.approve(making.order(lin, making.certificate(domain_numbers=7)), mei)
    lost(certificate, sandbox, "reset-before-execution")
    making.bought(other)
    assert looked_up(certificate).status == Status.UNCONFIRMED


def test_a_failed_look_up_is_not_a_negative(sandbox: Sandbox, certificate: Order) -> None:
    lost(certificate, sandbox)
    sandbox.fault("500", service="bss", count=5)
    order = looked_up(certificate)
    assert order.status == Status.UNCONFIRMED
    assert order.lookups.get().result == Lookup.Result.FAILED


def test_an_order_that_shows_late_is_found_later(sandbox: Sandbox, certificate: Order) -> None:
    lost(certificate, sandbox, "late-visibility", seconds=1.0, then="executed-then-reset")
    assert looked_up(certificate).status == Status.UNCONFIRMED


def test_absence_is_proposed_only_after_the_quiet_period(sandbox: Sandbox, certificate: Order) -> None:
    order = lost(certificate, sandbox, "reset-before-execution")
    for _ in range(resolving.NEGATIVES):
        order = looked_up(order)
    assert order.absence_proposed_at is None
    with time_machine.travel(timezone.now() + timedelta(minutes=10), tick=True):
        order = looked_up(order)
        assert order.absence_proposed_at is None


def proposed_absent(order: Order) -> Order:
    """As it looks after an hour of negative answers."""
    Order.objects.filter(pk=order.pk).update(absence_proposed_at=timezone.now())
    return making.fresh(order)


def test_two_people_declare_an_order_absent(
    sandbox: Sandbox, certificate: Order, mei: User, omar: User, sofia: User
) -> None:
    order = proposed_absent(lost(certificate, sandbox, "reset-before-execution"))
    order = resolving.declare_absent(order=order, by=mei, reason="Not in the console")
    assert order.status == Status.UNCONFIRMED
    order = resolving.declare_absent(order=order, by=mei, reason="Still not there")
    assert order.status == Status.UNCONFIRMED
    order = resolving.declare_absent(order=order, by=omar, reason="Neither in the bill")
    assert order.status == Status.ABSENT


def test_nobody_declares_absent_before_the_portal_suggests_it(sandbox: Sandbox, certificate: Order, mei: User) -> None:
    order = lost(certificate, sandbox, "reset-before-execution")
    with pytest.raises(Denied):
        resolving.declare_absent(order=order, by=mei, reason="I think so")


def test_two_people_attach_an_order_that_the_cloud_confirms(
    sandbox: Sandbox, certificate: Order, mei: User, omar: User
) -> None:
    order = lost(certificate, sandbox)
    cloud_id = sandbox.ledger()[0]["order_id"]
    reconciling.attach(order=order, by=mei, cloud_order_id=cloud_id, reason="Seen in the console")
    assert making.fresh(order).status == Status.UNCONFIRMED
    reconciling.attach(order=order, by=omar, cloud_order_id=cloud_id, reason="Same amount")
    order = making.fresh(order)
    assert order.status == Status.PLACED
    assert order.cloud_order_id == cloud_id


def test_an_order_id_the_cloud_does_not_know_is_not_believed(sandbox: Sandbox, certificate: Order, mei: User) -> None:
    order = lost(certificate, sandbox)
    with pytest.raises(Invalid):
        reconciling.attach(order=order, by=mei, cloud_order_id="CS0000000000XXXXX", reason="Guess")
    assert order.resolutions.count() == 0


def test_of_several_candidates_people_choose_and_the_rest_become_findings(
    sandbox: Sandbox, certificate: Order, lin: User, mei: User, omar: User
) -> None:
    """The same order bought by hand at the same time looks the same in every list."""
    order = lost(certificate, sandbox)
    mine = sandbox.ledger()[0]["order_id"]
    making.purchase_by_hand(order)
    order = looked_up(order)
    assert order.lookups.get().result == Lookup.Result.SEVERAL
    for person in (mei, omar):
        reconciling.attach(order=order, by=person, cloud_order_id=mine, reason="The first one")
    assert making.fresh(order).status == Status.PLACED
    assert [each.cloud_order_id for each in Finding.objects.all()] == [sandbox.ledger()[1]["order_id"]]


@pytest.mark.parametrize("paid", [0, 1])
def test_what_another_order_in_flight_may_have_made_is_left_to_people(
    sandbox: Sandbox, lin: User, mei: User, omar: User, paid: int
) -> None:
    """Billing shows neither discount nor project: two such orders look the same there."""
    bought, never = (
        making.approve(making.order(lin, making.ca(is_auto_pay=paid, promotion_info=text)), mei, omar)
        for text in ("", "SPRING")
    )
    lost(bought, sandbox)
    lost(never, sandbox, "reset-before-execution")
    assert looked_up(never).status == Status.UNCONFIRMED
    assert looked_up(bought).status == Status.UNCONFIRMED
    assert bought.lookups.get().result == Lookup.Result.UNCERTAIN
