"""The page of one order: what changed, who asked for what, who has to say something."""

from datetime import timedelta

import pytest
from django.utils import timezone

from orders.actions import approving, ordering, resolving
from orders.actions.resolving import Candidate
from orders.models import Lookup, Order
from orders.states import Status
from portal.models import User
from tests import making
from tests.orders.views.conftest import SignedIn


@pytest.fixture
def order(lin: User, mei: User, omar: User) -> Order:
    return making.order(lin)


@pytest.fixture
def lost(order: Order, mei: User) -> Order:
    return making.answered(making.approve(order, mei), making.SILENCE)


def edited(order: Order, by: User) -> Order:
    content = making.certificate(order_number=9, domain_names=["xn--fsqu00a.xn--fiqs8s"])
    return ordering.edit(order=order, content=content, by=by, seen_revision=1, request=False)


def test_nobody_decides_on_a_version_that_came_in_while_they_were_reading(
    order: Order, lin: User, mei: User, signed_in: SignedIn
) -> None:
    client = signed_in(mei)
    assert f"?v={order.version}&amp;r=1" in client.get(order.get_absolute_url()).content.decode()
    order = edited(order, lin)
    part = client.get(f"{order.get_absolute_url()}?v=1&r=1", headers={"hx-request": "true"}).content.decode()
    assert order.content.digest in part
    assert "formaction" not in part
    assert "changed the order while you were reading it: this is version 2 now" in part
    assert "r=1" in part
    assert "formaction" in client.get(order.get_absolute_url()).content.decode()


@pytest.mark.parametrize("read", ["", "2", "77", "x", "99999999999"])
def test_a_reader_of_the_current_version_decides(
    order: Order, lin: User, mei: User, signed_in: SignedIn, read: str
) -> None:
    order = edited(order, lin)
    address = f"{order.get_absolute_url()}?v=1&r={read}"
    assert "formaction" in signed_in(mei).get(address, headers={"hx-request": "true"}).content.decode()


def test_what_changed_since_the_last_version_is_shown(order: Order, lin: User, mei: User, signed_in: SignedIn) -> None:
    page = signed_in(mei).get(edited(order, lin).get_absolute_url()).content.decode()
    assert "Changed since" in page
    assert "<del>1</del>" in page
    assert "<ins>9</ins>" in page


def test_an_old_version_says_that_it_was_replaced(order: Order, lin: User, signed_in: SignedIn) -> None:
    address = edited(order, lin).get_absolute_url()
    assert "This version was replaced" in signed_in(lin).get(f"{address}versions/1/").content.decode()
    assert "This version was replaced" not in signed_in(lin).get(f"{address}versions/2/").content.decode()


def test_a_domain_name_is_shown_in_its_own_letters(order: Order, lin: User, signed_in: SignedIn) -> None:
    address = edited(order, lin).get_absolute_url()
    page = signed_in(lin).get(address).content.decode()
    assert "例子.中国" in page
    assert "xn--fsqu00a.xn--fiqs8s" in page
    assert "例子.中国" in signed_in(lin).get(f"{address}edit/").content.decode()


def test_saving_what_is_there_voids_nothing(lin: User, mei: User, omar: User, signed_in: SignedIn) -> None:
    order = making.order(lin, making.ca())
    making.approve(order, mei)
    form = signed_in(lin).get(f"{order.get_absolute_url()}edit/").context["form"]
    typed = {name: value for name in form.fields if (value := form[name].value()) not in (None, False)}
    response = signed_in(lin).post(f"{order.get_absolute_url()}edit/", typed)
    assert response.status_code == 302
    assert making.fresh(order).content.number == 1


@pytest.mark.parametrize("decide", [approving.request_changes, approving.reject])
def test_what_an_approver_asked_stands_where_the_requester_works(
    order: Order, lin: User, mei: User, signed_in: SignedIn, decide: type[object]
) -> None:
    decide(order=order, by=mei, digest=order.content.digest, seen_revision=1, comment="Which partners?")  # type: ignore[call-arg]
    page = signed_in(lin).get(order.get_absolute_url())
    assert page.context["asked"].comment == "Which partners?"
    assert page.content.decode().count("Which partners?") >= 2
    if making.fresh(order).status == Status.CHANGES_REQUESTED:
        assert "Which partners?" in signed_in(lin).get(f"{order.get_absolute_url()}edit/").content.decode()


def test_consent_is_given_anew(order: Order, lin: User, signed_in: SignedIn) -> None:
    copy = signed_in(lin).get(f"/orders/new/certificate/?from={order.reference}").context["form"]
    assert copy["purpose"].value() == order.content.purpose
    assert not copy["agree_privacy_protection"].value()


def test_the_second_person_sees_the_first_answer_and_what_speaks_against_it(
    lost: Order, mei: User, omar: User, signed_in: SignedIn
) -> None:
    evidence = {"lines": ["61 domains x 1"]}
    named = Candidate(
        order_id="CS77", item_ids=(), found_by="people", objections=[Lookup.Objection.CONTESTED], evidence=evidence
    )
    resolving.attach(order=lost, by=mei, reason="Seen in the console", candidate=named)
    for person, answered in ((mei, True), (omar, False)):
        page = signed_in(person).get(lost.get_absolute_url()).content.decode()
        assert "61 domains x 1" in page
        assert str(Lookup.Objection.CONTESTED.label) in page
        assert "Asked: omar" in page
        assert ("You have answered." in page) is answered


def test_once_settled_nothing_is_suggested_any_more(lost: Order, mei: User, omar: User, signed_in: SignedIn) -> None:
    Order.objects.filter(pk=lost.pk).update(absence_proposed_at=timezone.now() - timedelta(hours=1))
    for person in (mei, omar):
        resolving.declare_absent(order=making.fresh(lost), by=person, reason="Nowhere")
    page = signed_in(mei).get(lost.get_absolute_url()).content.decode()
    assert "has suggested" not in page
    assert "How it was settled" in page
