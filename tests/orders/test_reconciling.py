"""Looking back in the real sandbox process, with its real blind spots."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from orders import account, epoch, reconciling
from orders.actions import resolving
from orders.cloud import billing, scm
from orders.cloud.billing import BillingOrder
from orders.errors import Denied, Invalid
from orders.matching import Objection
from orders.models import Attempt, Event, Finding, Lookup, Order
from orders.states import Status
from portal.models import User
from tests import making
from tests.sandbox_process import USER, Sandbox

pytestmark = pytest.mark.django_db(transaction=True)


def lost(order: Order, sandbox: Sandbox, fault: str = "executed-then-reset", **parameters: object) -> Order:
    sandbox.fault(fault, **parameters)
    order = making.bought(order)
    assert order.status == Status.UNCONFIRMED
    return order


def looked_up(order: Order) -> Order:
    reconciling.look_up(order.pk)
    return making.fresh(order)


def last(order: Order) -> Lookup:
    found = order.lookups.order_by("-number").first()
    assert found is not None
    return found


def objections(order: Order) -> list[list[str]]:
    return [each["objections"] for each in last(order).candidates]


def configure(settings: Settings, sandbox: Sandbox, **changes: Any) -> None:
    settings.CLOUD = making.cloud_config(sandbox.url, **changes)
    account.current_account.cache_clear()


def billing_says(monkeypatch: pytest.MonkeyPatch, say: Callable[[BillingOrder], BillingOrder]) -> None:
    """Billing's details come in another shape."""
    real = billing.order
    monkeypatch.setattr(billing, "order", lambda gate, order_id: say(real(gate, order_id)))


CA_BODY: dict[str, Any] = {
    "cloud_service_type": "hws.service.type.ccm",
    "charging_mode": 0,
    "period_type": 2,
    "period_num": 1,
    "subscription_num": 1,
    "is_auto_renew": 1,
    "is_auto_pay": 0,
    "product_infos": [
        {
            "cloud_service_type": "hws.service.type.ccm",
            "resource_type": "hws.resource.type.pca.duration",
            "resource_spec_code": "ca.duration",
        }
    ],
}


@pytest.fixture
def certificate(lin: User, mei: User) -> Order:
    return making.approve(making.order(lin), mei)


@pytest.fixture
def ca(lin: User, mei: User, omar: User) -> Order:
    return making.approve(making.order(lin, making.ca(is_auto_pay=1)), mei, omar)


@pytest.fixture
def v3(sandbox: Sandbox, settings: Settings) -> None:
    configure(settings, sandbox, scm_api="v3")


@pytest.fixture
def tagged(v3: None, lin: User, mei: User) -> Order:
    return making.approve(making.order(lin, making.certificate(is_auto_pay=True)), mei)


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


def test_a_v3_order_is_found_by_its_tag(sandbox: Sandbox, tagged: Order) -> None:
    order = looked_up(lost(tagged, sandbox))
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


# ---------------------------------------------------------------- what is not taken without people


def test_the_tag_is_of_one_body_only(tagged: Order, lin: User) -> None:
    """Order numbers come again after a restore, and in a second portal on the same account."""
    assert tagged.content.reference.startswith(f"{tagged.reference}:")
    again = making.order(lin, making.certificate(is_auto_pay=True))
    assert tagged.content.reference.partition(":")[2] != again.content.reference.partition(":")[2]


def test_what_carries_the_tag_but_is_something_else_is_for_people(sandbox: Sandbox, tagged: Order) -> None:
    other = making.CERTIFICATE | {"cert_brand": "CFCA", "order_number": 7, "is_auto_pay": True}
    other["tags"] = [{"key": "countersign-order", "value": tagged.content.reference}]
    sandbox.buy_as(USER, "scm.v3", other)
    order = looked_up(lost(tagged, sandbox, "reset-before-execution"))
    assert order.status == Status.UNCONFIRMED
    assert {Objection.OTHER_CONTENT, Objection.CONTENT_UNSEEN} <= set(objections(order)[0])


def test_without_the_tag_a_paid_certificate_is_not_ours(sandbox: Sandbox, tagged: Order) -> None:
    lost(tagged, sandbox, "reset-before-execution")
    sandbox.buy_as(USER, "scm.v3", making.CERTIFICATE | {"is_auto_pay": True})
    order = looked_up(tagged)
    assert order.status == Status.UNCONFIRMED
    assert objections(order) == [[Objection.NO_TAG]]


def test_the_tag_decides_among_look_alikes(sandbox: Sandbox, tagged: Order) -> None:
    lost(tagged, sandbox)
    sandbox.buy_as(USER, "scm.v3", making.CERTIFICATE | {"is_auto_pay": True})
    order = looked_up(tagged)
    assert order.cloud_order_id == sandbox.ledger()[0]["order_id"]


def without_order_id(shown: scm.Certificate) -> scm.Certificate:
    return replace(shown, order_id=None)


@pytest.mark.parametrize("later", [lambda shown: None, without_order_id])
def test_a_tagged_certificate_that_is_not_shown_yet_is_no_negative(
    sandbox: Sandbox, tagged: Order, monkeypatch: pytest.MonkeyPatch, later: Callable[[Any], Any]
) -> None:
    lost(tagged, sandbox)
    real = scm.show_certificate
    monkeypatch.setattr(scm, "show_certificate", lambda gate, each: later(real(gate, each)))
    monkeypatch.setattr(billing, "orders", lambda *_, **__: ())
    assert last(looked_up(tagged)).result == Lookup.Result.FAILED


@pytest.mark.parametrize("product", ["certificate", "ca"])
@pytest.mark.parametrize("ours", ["", USER])
def test_what_a_colleague_bought_is_for_people(
    sandbox: Sandbox, settings: Settings, request: pytest.FixtureRequest, product: str, ours: str
) -> None:
    configure(settings, sandbox, cloud_iam_user=ours)
    order = lost(request.getfixturevalue(product), sandbox, "reset-before-execution")
    body = CA_BODY if product == "ca" else making.CERTIFICATE
    sandbox.buy_as("colleague", "pca.v1" if product == "ca" else "scm.v2", body)
    order = looked_up(order)
    assert order.status == Status.UNCONFIRMED
    assert (Objection.OTHER_BUYER if ours else Objection.BUYER_UNKNOWN) in objections(order)[0]


def test_what_a_colleague_bought_for_as_long_is_not_even_shown(sandbox: Sandbox, certificate: Order) -> None:
    """Billing's word for certificates is not known: it may be anything that costs by the year."""
    lost(certificate, sandbox, "reset-before-execution")
    sandbox.buy_as("colleague", "scm.v2", making.CERTIFICATE | {"domain_numbers": 50})
    assert last(looked_up(certificate)).result == Lookup.Result.NOTHING


def test_where_billing_names_no_buyer_people_decide(
    sandbox: Sandbox, certificate: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost(certificate, sandbox)
    billing_says(monkeypatch, lambda found: replace(found, user_name=""))
    order = looked_up(certificate)
    assert order.status == Status.UNCONFIRMED
    assert objections(order) == [[Objection.BUYER_UNKNOWN]]


def test_our_own_purchase_under_another_name_is_no_negative(
    sandbox: Sandbox, settings: Settings, certificate: Order
) -> None:
    """The key belongs to another user than the configured name says."""
    lost(certificate, sandbox)
    configure(settings, sandbox, cloud_iam_user="renamed")
    assert objections(looked_up(certificate)) == [[Objection.OTHER_BUYER]]


def test_lines_that_billing_does_not_have_yet_are_no_negative(
    sandbox: Sandbox, certificate: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost(certificate, sandbox)
    billing_says(monkeypatch, lambda found: replace(found, lines=()))
    assert objections(looked_up(certificate)) == [[Objection.TERMS_UNTOLD]]


def test_what_was_executed_late_is_shown_but_not_taken(sandbox: Sandbox, certificate: Order) -> None:
    order = lost(certificate, sandbox, "reset-before-execution")
    attempt, ago = order.attempt, timedelta(minutes=70)
    assert attempt is not None
    assert attempt.claimed_at is not None
    assert attempt.finished_at is not None
    Attempt.objects.filter(pk=attempt.pk).update(
        claimed_at=attempt.claimed_at - ago, finished_at=attempt.finished_at - ago
    )
    making.purchase_by_hand(order)
    assert objections(looked_up(order)) == [[Objection.LATE]]


@pytest.mark.parametrize("minutes", [-14, 14])
def test_a_clock_that_the_cloud_accepts_finds_what_it_bought(
    sandbox: Sandbox, certificate: Order, minutes: int
) -> None:
    with time_machine.travel(timezone.now() + timedelta(minutes=minutes), tick=True):
        Order.objects.update(deadline_at=timezone.now() + timedelta(days=1))
        assert looked_up(lost(certificate, sandbox)).status == Status.PLACED


def test_in_an_old_copy_of_the_database_nothing_is_taken(sandbox: Sandbox, lin: User, mei: User, omar: User) -> None:
    """What the copy does not own may be another order's, bought after the backup was made."""
    never, later = (making.approve(making.order(lin, making.ca(promotion_info=text)), mei, omar) for text in ("A", "B"))
    lost(never, sandbox, "reset-before-execution")
    making.purchase_by_hand(later)
    epoch.write(Event(pk=10_000_000, at=timezone.now()))
    order = looked_up(never)
    assert order.status == Status.UNCONFIRMED
    assert objections(order) == [[Objection.RESTORED]]


@pytest.mark.parametrize("trouble", [RuntimeError("a bug"), TimeoutError()])
def test_a_source_that_breaks_has_said_nothing(
    sandbox: Sandbox, certificate: Order, monkeypatch: pytest.MonkeyPatch, trouble: Exception
) -> None:
    lost(certificate, sandbox)

    def broken(*_: object, **__: object) -> None:
        raise trouble

    monkeypatch.setattr(billing, "orders", broken)
    order = looked_up(certificate)
    assert last(order).result == Lookup.Result.FAILED
    assert order.absence_proposed_at is None


@pytest.fixture
def slow_billing(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Each order that is opened takes more than half of the time there is."""
    clock = [0.0]
    monkeypatch.setattr("orders.reconciling.time.monotonic", lambda: clock[0])

    def slow(found: BillingOrder) -> BillingOrder:
        clock[0] += reconciling.LASTS / 2 + 1
        return found

    billing_says(monkeypatch, slow)
    return clock


def test_a_busy_account_ends_the_look_up_in_time(
    sandbox: Sandbox, certificate: Order, slow_billing: list[float]
) -> None:
    lost(certificate, sandbox)
    for _ in range(4):
        making.purchase_by_hand(certificate)
    assert last(looked_up(certificate)).result == Lookup.Result.FAILED
    assert slow_billing[0] < 2 * reconciling.LASTS


def test_what_a_busy_account_buys_later_does_not_keep_an_order_open(
    sandbox: Sandbox, certificate: Order, slow_billing: list[float]
) -> None:
    """None of it could be taken without people: the order that was not executed can still be declared absent."""
    order = lost(certificate, sandbox, "reset-before-execution")
    attempt = order.attempt
    assert attempt is not None
    assert attempt.claimed_at is not None
    Attempt.objects.filter(pk=attempt.pk).update(claimed_at=attempt.claimed_at - timedelta(hours=2), finished_at=None)
    for _ in range(4):
        sandbox.buy_as("colleague", "scm.v2", making.CERTIFICATE | {"order_number": 2})
    assert last(looked_up(certificate)).result == Lookup.Result.NOTHING


def test_billing_is_not_asked_faster_than_it_allows(
    sandbox: Sandbox, certificate: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost(certificate, sandbox, "reset-before-execution")
    for _ in range(3):
        sandbox.buy_as("colleague", "scm.v2", making.CERTIFICATE | {"order_number": 2})
    waits: list[float] = []
    monkeypatch.setattr("orders.reconciling.time.sleep", waits.append)
    looked_up(certificate)
    assert waits == [0, 0.1, 0.1]


def test_what_no_database_stores_is_left_out_of_the_evidence(
    sandbox: Sandbox, certificate: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost(certificate, sandbox)
    billing_says(monkeypatch, lambda found: replace(found, currency="C\x00NY\ud800"))
    assert looked_up(certificate).status == Status.PLACED


# ---------------------------------------------------------------- naming an order


def test_an_order_for_another_product_cannot_be_attached(sandbox: Sandbox, certificate: Order, mei: User) -> None:
    lost(certificate, sandbox, "reset-before-execution")
    paid = CA_BODY | {"period_type": 3, "is_auto_pay": 1}
    assert "another product" in refused(certificate, mei, sandbox.buy_as(USER, "pca.v1", paid))


def test_an_order_with_other_terms_cannot_be_attached(sandbox: Sandbox, certificate: Order, mei: User) -> None:
    lost(certificate, sandbox, "reset-before-execution")
    bought = sandbox.buy_as(USER, "scm.v2", making.CERTIFICATE | {"order_number": 3})
    assert "another period or quantity" in refused(certificate, mei, bought)


def test_the_next_person_is_told_of_other_certificates(sandbox: Sandbox, certificate: Order, mei: User) -> None:
    """Not refused: the cloud may only spell them differently."""
    lost(certificate, sandbox, "reset-before-execution")
    bought = sandbox.buy_as(USER, "scm.v2", making.CERTIFICATE | {"domain_numbers": 61})
    reconciling.attach(order=certificate, by=mei, cloud_order_id=bought["order_id"], reason="I think so")
    assert Objection.OTHER_CONTENT in certificate.resolutions.get().evidence["objections"]


def test_what_is_older_than_the_attempt_cannot_be_attached(
    sandbox: Sandbox, certificate: Order, mei: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost(certificate, sandbox)
    billing_says(monkeypatch, lambda found: replace(found, created_at=timezone.now() - timedelta(days=30)))
    assert "before the portal tried" in refused(certificate, mei, sandbox.ledger()[0])


@pytest.mark.parametrize("code", ["hws.service.type.ccm", "hws.service.type.scm"])
def test_whatever_billing_files_certificates_under_they_are_found(
    sandbox: Sandbox, certificate: Order, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    lost(certificate, sandbox)
    billing_says(monkeypatch, lambda found: replace(found, service_type_code=code))
    assert looked_up(certificate).status == Status.PLACED


@pytest.mark.parametrize("changes", [{"status": billing.CANCELLED}, {"order_type": 4}])
def test_a_cancelled_order_or_a_refund_cannot_be_attached(
    sandbox: Sandbox, certificate: Order, mei: User, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    lost(certificate, sandbox)
    billing_says(monkeypatch, lambda found: replace(found, **changes))
    assert refused(certificate, mei, sandbox.ledger()[0])


def refused(order: Order, by: User, bought: dict[str, Any]) -> str:
    """Why the cloud's order cannot be named for it; nothing is recorded."""
    with pytest.raises(Invalid) as refusal:
        reconciling.attach(order=making.fresh(order), by=by, cloud_order_id=bought["order_id"], reason="I think so")
    assert order.resolutions.count() == 0
    return refusal.value.sentence


def test_the_second_person_sees_what_the_cloud_said(
    sandbox: Sandbox, settings: Settings, certificate: Order, mei: User
) -> None:
    lost(certificate, sandbox)
    configure(settings, sandbox, cloud_iam_user="")
    named = sandbox.ledger()[0]["order_id"].lower()
    reconciling.attach(order=certificate, by=mei, cloud_order_id=f" {named} ", reason="Seen in the console")
    answer = certificate.resolutions.get()
    assert answer.cloud_order_id == sandbox.ledger()[0]["order_id"]
    assert answer.evidence["user_name"] == USER
    assert answer.evidence["objections"] == [Objection.BUYER_UNKNOWN]
