"""What only a browser knows: where things stand, and what a finger hits. The pages are drawn without their script."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import FloatRect, Page, sync_playwright

from orders.models import Order
from portal.config import ROOT
from portal.models import User
from tests import making
from tests.orders.views.conftest import SignedIn
from tests.orders.views.test_pages import texts
from tests.running_stack import CHROMIUM

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"NOT TESTED: no Chromium at {CHROMIUM}"),
]


@contextmanager
def drawn(html: str, width: int) -> Iterator[Page]:
    """Nothing may ask the database in here: Playwright's loop runs in this thread."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.set_content(html)
        page.add_style_tag(path=ROOT / "static" / "app.css")
        page.evaluate("document.documentElement.dataset.script = ''")
        yield page
        browser.close()


def box(page: Page, selector: str) -> FloatRect:
    found = page.locator(f".orders {selector}").first.bounding_box()
    assert found is not None
    return found


@pytest.fixture
def order(lin: User, mei: User, omar: User) -> Order:
    return making.answered(making.approve(making.order(lin), mei), making.BOUGHT)


HIT = """([selector, x, y]) => {
    const box = document.querySelector(selector).getBoundingClientRect();
    const hit = document.elementFromPoint(box.left + x * box.width, box.top + y * box.height);
    return hit.closest("a, button")?.className ?? "nothing";
}"""


def test_on_a_phone_the_whole_card_leads_to_the_order(order: Order, mei: User, signed_in: SignedIn) -> None:
    with drawn(texts(signed_in(mei), "/orders/"), 390) as page:
        row = ".orders tbody tr"
        assert [page.evaluate(HIT, [row, x, y]) for x, y in ((0.95, 0.1), (0.5, 0.5), (0.95, 0.9))] == ["reference"] * 3
        assert page.evaluate(HIT, [".orders .copy", 0.5, 0.5]) == "copy"


@pytest.mark.parametrize("width", [390, 1280])
def test_a_reference_is_high_enough_for_a_finger(order: Order, mei: User, signed_in: SignedIn, width: int) -> None:
    with drawn(texts(signed_in(mei), "/orders/"), width) as page:
        assert box(page, ".reference")["height"] >= 24
        assert all(box(page, ".copy")[side] >= 24 for side in ("width", "height"))


def test_columns_are_as_wide_as_what_they_hold(order: Order, mei: User, signed_in: SignedIn) -> None:
    with drawn(texts(signed_in(mei), "/orders/"), 1280) as page:
        whole, *columns = page.evaluate(
            "[...document.querySelectorAll('.orders, .orders thead th')].map(each => each.offsetWidth)"
        )
        assert round(columns[1] / whole, 2) == 0.36
        assert round(columns[-1] / whole, 2) == 0.16


def test_the_age_stands_below_the_status(order: Order, mei: User, signed_in: SignedIn) -> None:
    with drawn(texts(signed_in(mei), "/orders/"), 1280) as page:
        status, age = box(page, ".status"), box(page, ".age")
        assert age["y"] >= status["y"] + status["height"]
        assert age["x"] == status["x"]


def test_a_phone_counts_only_statuses_that_occur(order: Order, mei: User, signed_in: SignedIn) -> None:
    with drawn(texts(signed_in(mei), "/"), 390) as page:
        assert page.locator(".count:visible").count() == 1
        page.set_viewport_size({"width": 1280, "height": 900})
        assert page.locator(".count:visible").count() == 12


def test_a_long_purpose_takes_two_lines_and_a_long_name_is_shown_whole(
    lin: User, mei: User, signed_in: SignedIn
) -> None:
    long = replace(making.certificate(domain_names=[f"{'long-' * 10}name.example.com"]), purpose="长而又长的用途" * 50)
    making.order(lin, long)
    with drawn(texts(signed_in(mei), "/orders/"), 390) as page:
        fits = "each => each.scrollHeight <= each.clientHeight"
        assert page.eval_on_selector(".domain", fits)
        assert not page.eval_on_selector(".purpose", fits)
        assert box(page, ".purpose")["height"] <= 2 * 1.5 * 15
