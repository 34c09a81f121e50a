"""The kill switch over HTTP, and the banner on every page."""

from orders.actions import stopping
from orders.models import Event, Stop
from portal.models import User
from tests import making
from tests.orders.views.conftest import SignedIn


def test_a_stop_is_seen_on_every_page_and_in_the_history(lin: User, mei: User, signed_in: SignedIn) -> None:
    signed_in(mei).post("/buying/stop/", {"product": "", "reason": "Price list is wrong"})
    assert "Price list is wrong" in signed_in(lin).get("/").content.decode()
    assert Event.objects.get(kind="buying.stopped").by == mei


def test_resuming_needs_a_reason_and_an_approver(admin: User, mei: User, signed_in: SignedIn) -> None:
    signed_in(admin).post("/buying/stop/", {"product": "ca", "reason": "Audit"})
    path = f"/buying/{Stop.objects.get().pk}/resume/"
    assert signed_in(admin).post(path, {"reason": "Done"}).status_code == 403
    assert signed_in(mei).post(path, {"reason": " "}).status_code == 422
    assert signed_in(mei).post(path, {"reason": "Done"}).status_code == 302
    assert Stop.objects.get().lifted_by == mei


def test_an_unknown_product_cannot_be_stopped(mei: User, signed_in: SignedIn) -> None:
    assert signed_in(mei).post("/buying/stop/", {"product": "dns", "reason": "x"}).status_code == 422
    assert not Stop.objects.exists()


def test_stopping_twice_changes_nothing(mei: User, signed_in: SignedIn) -> None:
    for _ in range(2):
        signed_in(mei).post("/buying/stop/", {"product": "", "reason": "Twice"})
    assert Stop.objects.count() == 1
    assert Event.objects.filter(kind="buying.stopped").count() == 1


def test_the_page_of_an_approved_order_says_that_buying_is_stopped(lin: User, mei: User, signed_in: SignedIn) -> None:
    order = making.approve(making.order(lin), mei)
    signed_in(mei).post("/buying/stop/", {"product": "certificate", "reason": "Budget is used up"})
    assert "Budget is used up" in signed_in(lin).get(order.get_absolute_url()).content.decode()


def test_an_open_page_hears_of_a_stop_although_nothing_else_changed(lin: User, mei: User, signed_in: SignedIn) -> None:
    order, client = making.order(lin), signed_in(lin)
    path = f"{order.get_absolute_url()}?v={order.version}"
    assert client.get(path, headers={"hx-request": "true", "x-stops": ""}).status_code == 204
    stop = stopping.stop(by=mei, product="", reason="Price list is wrong")
    response = client.get(path, headers={"hx-request": "true", "x-stops": ""})
    assert (response.status_code, response.headers["HX-Reswap"]) == (200, "none")
    assert "Price list is wrong" in response.content.decode()
    assert client.get(path, headers={"hx-request": "true", "x-stops": str(stop.pk)}).status_code == 204


def test_an_open_page_hears_that_a_stop_is_over(lin: User, mei: User, signed_in: SignedIn) -> None:
    stop = stopping.stop(by=mei, product="", reason="Price list is wrong")
    stopping.resume(by=mei, stop=stop, reason="Corrected")
    part = signed_in(lin).get("/?v=0", headers={"hx-request": "true", "x-stops": str(stop.pk)}).content.decode()
    assert 'id="live"' in part
    assert 'hx-swap-oob="innerHTML:#stops"' in part
    assert "data-stop" not in part


def test_the_banner_is_not_sent_again_while_it_is_right(lin: User, mei: User, signed_in: SignedIn) -> None:
    stop = stopping.stop(by=mei, product="ca", reason="Audit")
    part = signed_in(lin).get("/?v=0", headers={"hx-request": "true", "x-stops": str(stop.pk)}).content.decode()
    assert "hx-swap-oob" not in part


def test_the_banner_leads_to_the_page_about_it_except_from_there(mei: User, signed_in: SignedIn) -> None:
    client = signed_in(mei)
    stopping.stop(by=mei, product="", reason="Audit")
    assert "More about it" in client.get("/").content.decode()
    assert "More about it" not in client.get("/buying/").content.decode()
    assert "More about it" not in client.post("/buying/stop/", {"product": "", "reason": ""}).content.decode()
