"""What a newcomer does, in a real browser against the whole stack: request, approve, buy, break, audit."""

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, FloatRect, Page, expect, sync_playwright

from tests.running_stack import CHROMIUM, Stack
from tests.visiting import Visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.stack,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason=f"NOT TESTED: no Chromium at {CHROMIUM}"),
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(tmp_path_factory.mktemp("stack") / "var")
    yield stack
    stack.stop()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


def status(page: Page, text: str) -> None:
    expect(page.locator("main").get_by_text(text, exact=True).first).to_be_visible(timeout=15_000)


def fault(stack: Stack, kind: str, **parameters: object) -> None:
    data = json.dumps({"kind": kind, **parameters}).encode()
    request = urllib.request.Request(f"{stack.sandbox}/_sandbox/faults", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5):
        pass


@pytest.fixture(scope="module")
def lin(browser: Browser, stack: Stack) -> Visitor:
    return Visitor(browser, stack, "lin")


@pytest.fixture(scope="module")
def mei(browser: Browser, stack: Stack) -> Visitor:
    return Visitor(browser, stack, "mei")


def test_an_approved_certificate_is_placed_without_reloading(lin: Visitor, mei: Visitor) -> None:
    address = lin.request_certificate("Shop front")
    status(lin.page, "Waiting for approval")
    page = mei.visit(address)
    expect(page.locator("pre")).to_contain_text('"cert_brand": "GLOBALSIGN"')
    mei.decide(address, "approve")
    status(page, "Placed")
    status(lin.page, "Placed")
    expect(lin.page.get_by_text(re.compile(r"^CS\w{15}$")).first).to_be_visible()
    expect(lin.page.get_by_text(re.compile(r"^scs\d{13}$")).first).to_be_visible()
    assert lin.complaints == mei.complaints == []


def test_a_ca_needs_two_and_one_rejection_ends_it(lin: Visitor, mei: Visitor) -> None:
    address = lin.request_ca("Service mesh")
    page = mei.decide(address, "reject", "We have one already")
    status(page, "Rejected")
    expect(page.get_by_text("We have one already").first).to_be_visible()


def test_a_version_that_comes_in_while_reading_cannot_be_approved_unread(lin: Visitor, mei: Visitor) -> None:
    address = lin.request_certificate("One, please", domains=15)
    page = mei.visit(address)
    page.fill("textarea[name=comment]", "One is fine")
    lin.visit(f"{address}edit/").fill("input[name=order_number]", "9")
    lin.page.get_by_role("button", name="Save new version").click()
    expect(page.get_by_text("while you were reading it")).to_be_visible(timeout=15_000)
    expect(page.locator('button[formaction$="/approve/"]')).to_have_count(0)
    expect(page.locator("textarea[name=comment]")).to_have_value("One is fine")
    page.get_by_role("link", name="Read it again, then decide").click()
    mei.decide(address, "reject", "Nine is too many")
    status(page, "Rejected")


def test_nobody_approves_their_own_order(mei: Visitor) -> None:
    mei.request_certificate("My own", domains=6)
    expect(
        mei.page.get_by_text("You requested this order, so somebody else has to decide on it.").first
    ).to_be_visible()


def test_a_refusal_says_why(stack: Stack, lin: Visitor, mei: Visitor) -> None:
    address = lin.request_certificate("Refused", domains=7)
    fault(stack, "out-of-sale")
    page = mei.decide(address, "approve")
    status(page, "Refused by the cloud")
    expect(page.get_by_text("SCM.0049").first).to_be_visible()
    expect(page.get_by_text("The cloud does not sell this brand at the moment.").first).to_be_visible()


def test_a_swallowed_answer_says_do_not_order_again(stack: Stack, lin: Visitor, mei: Visitor) -> None:
    address = lin.request_certificate("Swallowed", domains=8)
    fault(stack, "executed-then-reset")
    page = mei.decide(address, "approve")
    status(page, "Unconfirmed")
    expect(page.get_by_text(re.compile("do not order again", re.IGNORECASE)).first).to_be_visible()


FOCUSED = "[document.activeElement.localName, document.activeElement.closest('[id], [href]').outerHTML.split('>')[0]]"


def test_the_focus_stays_where_it_was_when_the_page_refreshes_itself(lin: Visitor, mei: Visitor) -> None:
    address = lin.request_certificate("Focus", domains=9)
    mei.visit("/").locator(f'a[href="{urlsplit(address).path}"]').first.focus()
    link = mei.page.evaluate(FOCUSED)
    lin.request_certificate("In between", domains=10)
    status(mei.page, urlsplit(lin.page.url).path.replace("/orders/", "ORD-").strip("/"))
    assert mei.page.evaluate(FOCUSED) == link

    lin.visit(address).locator(".timeline-event summary").last.focus()
    summary = lin.page.evaluate(FOCUSED)
    assert summary[0] == "summary"
    mei.decide(address, "reject", "No need")
    status(lin.page, "Rejected")
    assert lin.page.evaluate(FOCUSED) == summary


def test_what_had_the_focus_and_is_gone_leaves_it_in_the_content(lin: Visitor, mei: Visitor) -> None:
    address = lin.request_certificate("Gone", domains=11)
    page = lin.visit(address)
    page.get_by_role("link", name="Edit").focus()
    mei.decide(address, "reject", "No need")
    status(page, "Rejected")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_stop_is_told_on_open_pages_and_so_is_its_end(lin: Visitor, mei: Visitor) -> None:
    pages = [lin.page, Visitor(lin.page.context.browser, lin.stack, "omar").visit("/")]  # type: ignore[arg-type]
    lin.request_certificate("Waits", domains=12)
    page = mei.visit("/buying/")
    page.fill("#stop-reason", "Price list is wrong")
    page.get_by_role("button", name="Stop buying").click()
    for each in pages:
        expect(each.locator("#stops")).to_contain_text("Price list is wrong")
    page.fill("textarea[id^=resume]", "Corrected")
    page.get_by_role("button", name="Resume buying").click()
    for each in pages:
        expect(each.locator("#stops p")).to_have_count(0)
    assert lin.complaints == []


def test_the_auditor_reads_everything_and_changes_nothing(browser: Browser, stack: Stack) -> None:
    noor = Visitor(browser, stack, "noor")
    page = noor.visit("/history/?kind=order.placed")
    expect(page.get_by_text("ORD-1001").first).to_be_visible()
    page = noor.visit("/orders/1001/")
    assert page.locator("main form button:enabled").count() == 0


def test_everything_works_without_javascript(browser: Browser, stack: Stack, mei: Visitor) -> None:
    plain = Visitor(browser, stack, "ana", java_script_enabled=False)
    page = plain.visit("/orders/new/certificate/")
    page.select_option("select[name=cert_brand]", "VTRUS")
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.get_by_role("button", name="Update choices").click()
    page.wait_for_load_state()
    offered = page.locator("select[name=cert_type] option").evaluate_all("options => options.map(each => each.value)")
    assert set(offered) - {""} == {"OV_SSL_CERT", "DV_SSL_CERT"}


@pytest.mark.parametrize(
    "path", ["/", "/orders/", "/orders/1001/", "/approvals/", "/history/", "/orders/new/certificate/"]
)
def test_pages_fit_a_phone(browser: Browser, stack: Stack, path: str) -> None:
    phone = Visitor(browser, stack, "omar", viewport={"width": 390, "height": 844})
    page = phone.visit(path)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert phone.complaints == []


def test_the_head_of_a_phone_is_three_short_lines(browser: Browser, stack: Stack, mei: Visitor) -> None:
    mei.visit("/buying/").fill("#stop-reason", "A long reason that goes on and on. " * 9)
    mei.page.get_by_role("button", name="Stop buying").click()
    page = Visitor(browser, stack, "mei", viewport={"width": 390, "height": 844}).visit("/orders/")

    def box(selector: str) -> FloatRect:
        return page.locator(selector).bounding_box() or {"x": 0, "y": 0, "width": 0, "height": 0}

    assert box(".strip")["height"] < 40
    assert box(".nav")["height"] < 44
    assert box(".brand")["y"] < box(".header-new")["y"] + 20 < box(".brand")["y"] + 40
    assert box("#stops")["height"] < 56
    assert (box("#stops p")["x"], box("#stops p")["width"]) == (box("h1")["x"], box("h1")["width"])
    page.locator("#stops a").click()
    page.fill("textarea[id^=resume]", "Enough")
    page.get_by_role("button", name="Resume buying").click()
    expect(page.locator("#stops p")).to_have_count(0)


def test_facts_have_the_whole_width_of_a_phone(browser: Browser, stack: Stack) -> None:
    page = Visitor(browser, stack, "omar", viewport={"width": 390, "height": 844}).visit("/history/")
    page.locator(".events summary").first.click()
    row, fact = (page.locator(each).first.bounding_box() for each in (".events tbody tr", ".events dd"))
    assert row is not None
    assert fact is not None
    assert fact["width"] == row["width"]


SMALL_TEXT = """() => {
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
    for (document.querySelectorAll("details").forEach((each) => (each.open = true)); texts.nextNode(); ) {
        const { data, parentElement: around } = texts.currentNode;
        if (data.trim() && around.getClientRects().length && parseFloat(getComputedStyle(around).fontSize) < 12)
            found.push(data.trim());
    }
    return found;
}"""


@pytest.mark.parametrize("path", ["/", "/orders/", "/orders/1001/", "/history/", "/buying/"])
def test_no_text_is_smaller_than_12_pixels(browser: Browser, stack: Stack, path: str) -> None:
    assert Visitor(browser, stack, "omar").visit(path).evaluate(SMALL_TEXT) == []


SMALL_TARGETS = """() => [...document.querySelectorAll("button, summary, .reference, nav a, input:not([type=hidden])")]
    .map((each) => [each.outerHTML, each.getBoundingClientRect()])
    .filter(([, { width, height }]) => width && Math.min(width, height) < 24)
    .map(([html]) => html.split(">")[0])"""


@pytest.mark.parametrize("path", ["/", "/orders/1001/", "/history/", "/orders/new/certificate/"])
def test_nothing_is_too_small_for_a_finger(browser: Browser, stack: Stack, path: str) -> None:
    """WCAG 2.2, 2.5.8: 24 by 24."""
    assert Visitor(browser, stack, "omar").visit(path).evaluate(SMALL_TARGETS) == []


def test_ctrl_c_stops_every_process(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "var")
    started = stack.processes()
    assert len(started) >= 6
    stack.stop()
    assert [pid for pid in started if Path(f"/proc/{pid}").exists()] == []
