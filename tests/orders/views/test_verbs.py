"""Buttons: what they post, and what comes back when it goes well, too late or wrong."""

import pytest

from orders.actions import ordering
from orders.models import Order
from orders.states import Status
from portal.models import User
from tests import making
from tests.orders.views.conftest import SignedIn


@pytest.fixture
def order(lin: User, mei: User, omar: User) -> Order:
    return making.order(lin)


def seen(order: Order, **more: str) -> dict[str, str]:
    return {"digest": order.content.digest, "revision": str(order.content.number), **more}


def test_an_approval_leads_back_to_the_page(order: Order, mei: User, signed_in: SignedIn) -> None:
    response = signed_in(mei).post(f"{order.get_absolute_url()}approve/", seen(order))
    assert (response.status_code, response.headers["Location"]) == (302, order.get_absolute_url())
    assert making.fresh(order).status == Status.APPROVED


@pytest.mark.parametrize("verb", ["approve", "reject", "request-changes"])
@pytest.mark.parametrize("change", [{"domain_numbers": 7}, {"domain_names": ["other.example.com"]}])
def test_what_changed_meanwhile_is_shown_and_nothing_recorded(
    order: Order, lin: User, mei: User, signed_in: SignedIn, verb: str, change: dict[str, object]
) -> None:
    looked_at = seen(order, comment="I saw the old one")
    ordering.edit(order=order, content=making.certificate(**change), by=lin, seen_revision=1, request=False)
    response = signed_in(mei).post(f"{order.get_absolute_url()}{verb}/", looked_at)
    assert response.status_code == 409
    assert "changed while you were looking" in response.content.decode()
    assert order.approvals.count() == 0


def test_a_rejection_without_a_reason_keeps_what_was_typed(order: Order, mei: User, signed_in: SignedIn) -> None:
    response = signed_in(mei).post(f"{order.get_absolute_url()}reject/", seen(order, comment="  "))
    assert response.status_code == 422
    assert 'id="comment_error"' in response.content.decode()
    assert making.fresh(order).status == Status.PENDING_APPROVAL


def test_a_comment_that_is_too_long_comes_back(order: Order, mei: User, signed_in: SignedIn) -> None:
    response = signed_in(mei).post(f"{order.get_absolute_url()}reject/", seen(order, comment="很" * 2001))
    assert response.status_code == 422
    assert "很" * 2001 in response.content.decode()


def test_a_denial_is_a_sentence_on_the_page(order: Order, lin: User, signed_in: SignedIn) -> None:
    response = signed_in(lin).post(f"{order.get_absolute_url()}approve/", seen(order))
    assert response.status_code == 403
    assert "Only the security team can decide on orders." in response.content.decode()


def test_withdrawing_needs_a_reason(order: Order, lin: User, signed_in: SignedIn) -> None:
    client = signed_in(lin)
    assert client.post(f"{order.get_absolute_url()}withdraw/").status_code == 422
    assert client.post(f"{order.get_absolute_url()}withdraw/", {"reason": "Not needed"}).status_code == 302
    assert making.fresh(order).status == Status.WITHDRAWN


def test_nul_characters_are_refused(order: Order, mei: User, signed_in: SignedIn) -> None:
    client = signed_in(mei)
    assert client.post(f"{order.get_absolute_url()}reject/", seen(order, comment="a\x00b")).status_code == 400
    assert client.get("/orders/?q=%00").status_code == 400


@pytest.mark.parametrize("revision", ["", "x", "-1", "99999999999999999999", "٣"])
def test_a_nonsense_revision_is_no_revision(order: Order, mei: User, signed_in: SignedIn, revision: str) -> None:
    data = seen(order) | {"revision": revision}
    assert signed_in(mei).post(f"{order.get_absolute_url()}approve/", data).status_code == 409
