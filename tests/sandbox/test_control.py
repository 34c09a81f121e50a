"""The page and the control addresses."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest

from sandbox.fault_kinds import KINDS
from tests.sandbox.conftest import CA_BODY, V2_BODY, V3_BODY, Buyer
from tests.sandbox_process import Sandbox


def _page(cloud: Sandbox) -> str:
    answer = httpx.get(f"{cloud.url}/_sandbox/", trust_env=False)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    return answer.text


class Values(HTMLParser):
    """The fault that each button arms."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "input" and given.get("name") == "kind":
            self.found.append(given["value"] or "")


def test_the_page_shows_purchases_newest_first(cloud: Sandbox, buyer: Buyer) -> None:
    assert "Nothing was bought yet." in _page(cloud)
    first, second = buyer.buy_v2().json()["order_id"], buyer.buy_ca().json()["order_id"]
    text = _page(cloud)
    assert 0 < text.index(second) < text.index(first)
    assert "Purchases: 2" in text
    assert "Nothing real is bought here" in text


def test_what_was_ordered_is_shown_as_text(cloud: Sandbox, buyer: Buyer) -> None:
    buyer.buy_ca(promotion_info="<script>alert(1)</script>")
    assert "<script" not in _page(cloud)


def test_every_button_arms_its_fault(cloud: Sandbox) -> None:
    values = Values()
    values.feed(_page(cloud))
    assert set(values.found) == set(KINDS) - {"error", "executed-then-corrupt-tls"} | {"none"}
    for kind in set(values.found) - {"refuse-before-connect", "none"}:
        answer = httpx.post(f"{cloud.url}/_sandbox/faults", data={"kind": kind}, trust_env=False)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/_sandbox/")
    assert len(cloud.faults()) == len(values.found) - 2
    assert "executed-then-504" in _page(cloud)


def test_a_form_may_say_more(cloud: Sandbox) -> None:
    data = {"kind": "500", "count": "3", "executed": "true", "seconds": "", "service": "scm"}
    httpx.post(f"{cloud.url}/_sandbox/faults", data=data, trust_env=False)
    (fault,) = cloud.faults()
    assert (fault["count"], fault["executed"], fault["service"]) == (3, True, "scm")


def test_forgetting_everything_takes_two_clicks(cloud: Sandbox) -> None:
    hidden = re.findall(r"<details.*?</details>", _page(cloud), re.DOTALL)
    assert ['action="/_sandbox/reset"' in each for each in hidden] == [True]


def test_the_reset_button_forgets_everything(cloud: Sandbox, buyer: Buyer) -> None:
    buyer.buy_v2()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = httpx.post(f"{cloud.url}/_sandbox/reset", headers=headers, trust_env=False)
    assert answer.status_code == 303
    assert cloud.ledger() == []
    assert buyer.get("/v3/scm/certificates")["total_count"] == 0
    assert buyer.buy_v2().status_code == 200  # the token is still good


@pytest.mark.parametrize("path", ["/", "/_sandbox"])
def test_short_addresses_lead_to_the_page(cloud: Sandbox, path: str) -> None:
    assert httpx.get(cloud.url + path, trust_env=False).headers["Location"] == "/_sandbox/"


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}],
    ids=str,
)
def test_other_sites_press_no_buttons(cloud: Sandbox, headers: dict[str, str]) -> None:
    answer = httpx.post(f"{cloud.url}/_sandbox/faults", data={"kind": "429"}, headers=headers, trust_env=False)
    assert answer.status_code == 403
    assert cloud.faults() == []


def test_the_pages_own_origin_is_welcome(cloud: Sandbox) -> None:
    headers = {"Origin": cloud.url}
    answer = httpx.post(f"{cloud.url}/_sandbox/faults", data={"kind": "429"}, headers=headers, trust_env=False)
    assert answer.status_code == 303


def test_unknown_control_addresses_are_404(cloud: Sandbox) -> None:
    assert httpx.get(f"{cloud.url}/_sandbox/none", trust_env=False).status_code == 404
    assert httpx.post(f"{cloud.url}/_sandbox/faults", content=b"{", trust_env=False).status_code == 400


@pytest.mark.parametrize(("service", "body"), [("scm.v2", V2_BODY), ("scm.v3", V3_BODY), ("pca.v1", CA_BODY)])
def test_a_colleague_buys_too(cloud: Sandbox, buyer: Buyer, service: str, body: dict[str, Any]) -> None:
    order_id = cloud.buy_as("colleague", service, body)["order_id"]
    assert cloud.ledger()[0]["user_name"] == "colleague"
    details = buyer.get(f"/v2/orders/customer-orders/details/{order_id}")
    assert details["order_info"]["user_name"] == "colleague"


@pytest.mark.parametrize(
    "given",
    [{}, {"service": "ecs", "body": {}}, {"service": "scm.v2"}, {"service": "scm.v2", "body": {"cert_brand": "X"}}],
    ids=str,
)
def test_a_colleague_obeys_the_rules(cloud: Sandbox, given: dict[str, Any]) -> None:
    assert httpx.post(f"{cloud.url}/_sandbox/purchases", json=given, trust_env=False).status_code == 400
    assert cloud.ledger() == []
