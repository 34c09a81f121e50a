from __future__ import annotations

from typing import Any

import pytest

from orders.cloud import scm
from orders.cloud.answers import Purchase
from orders.cloud.errors import BadEndpoint, LookupFailed

from .gate import gate

ORIGIN = "https://scm.example"


def row(number: int, **changes: Any) -> dict[str, Any]:
    """As the list shows a certificate (contract E.1)."""
    return {
        "id": f"scs{number:013}",
        "name": "scm-0123",
        "domain": "example.com",
        "type": "OV_SSL_CERT",
        "brand": "GLOBALSIGN",
        "domain_type": "MULTI_DOMAIN",
        "validity_period": 12,
        "status": "PAID",
        "domain_count": 5,
        "wildcard_count": 0,
    } | changes


def listing(total: int, *numbers: int) -> dict[str, Any]:
    return {"total_count": total, "certificates": [row(number) for number in numbers]}


def test_the_two_purchases_have_their_own_paths() -> None:
    v2 = scm.purchase_call("scm.v2", origin=ORIGIN, project_id="abc123", body=b"{}")
    v3 = scm.purchase_call("scm.v3", origin=ORIGIN, project_id="", body=b"{}")
    assert (v2.method, v2.path, v2.body) == ("POST", "/v2/abc123/scm/cert/purchase", b"{}")
    assert (v3.method, v3.path, v3.body) == ("POST", "/v3/scm/certificates/buy", b"{}")


@pytest.mark.parametrize("project_id", ["", "a/b", "..", "a b", "ä"])
def test_a_v2_purchase_needs_a_project_id(project_id: str) -> None:
    with pytest.raises(BadEndpoint):
        scm.purchase_call("scm.v2", origin=ORIGIN, project_id=project_id, body=b"{}")


@pytest.mark.parametrize(
    ("body", "item_ids"),
    [
        (b'{"order_id":"CS1","cert":[{"cert_id":"scs1"},{"cert_id":"scs2"}]}', ("scs1", "scs2")),
        (b'{"order_id":"CS1","cert":[{"cert_id":"scs1"},{"cert_id":7},{"cert_id":""},{},"scs3",null]}', ("scs1",)),
        (b'{"order_id":"CS1","cert":null}', ()),
        (b'{"order_id":"CS1","cert":"scs1"}', ()),
        (b'{"order_id":"CS1"}', ()),
    ],
)
def test_a_purchase_keeps_the_ids_that_are_ids(body: bytes, item_ids: tuple[str, ...]) -> None:
    assert scm.parse_purchase(body) == Purchase(order_id="CS1", item_ids=item_ids)


def test_a_list_is_walked_as_far_as_it_reaches() -> None:
    pages = gate(listing(400, *range(50)), listing(400, *range(50, 100)), listing(400, *range(100, 150)))
    found = scm.list_certificates(pages)
    assert [asked.query["offset"] for asked in pages.asked] == ["0", "50", "100"]
    assert {asked.query["limit"] for asked in pages.asked} == {"50"}
    assert (len(found.certificates), found.total_count, found.complete) == (150, 400, False)


def test_a_short_list_is_complete_after_one_page() -> None:
    pages = gate(listing(2, 1, 2))
    found = scm.list_certificates(pages, status="PAID", limit=10)
    assert found.complete
    assert found.certificates[0] == scm.Certificate(
        cert_id="scs0000000000001",
        order_id=None,
        name="scm-0123",
        status="PAID",
        brand="GLOBALSIGN",
        cert_type="OV_SSL_CERT",
        domain_type="MULTI_DOMAIN",
        domain="example.com",
        domain_count=5,
        wildcard_count=0,
        validity_months=12,
    )
    assert pages.asked[0].query["status"] == "PAID"


def test_an_offset_that_counts_pages_gives_each_row_once_and_says_so() -> None:
    found = scm.list_certificates(gate(listing(60, *range(50)), listing(60)))
    assert (len(found.certificates), found.complete) == (50, False)


def test_an_empty_list_may_leave_its_rows_out() -> None:
    assert scm.list_certificates(gate({"total_count": 0})).complete


@pytest.mark.parametrize("limit", [0, 1, 49, 100])
def test_the_list_takes_its_documented_limits_only(limit: int) -> None:
    with pytest.raises(ValueError, match="10, 20 and 50"):
        scm.list_certificates(gate(), limit=limit)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"total_count": 1},
        {"total_count": 1, "certificates": "none"},
        {"total_count": 1, "certificates": ["scs1"]},
        {"total_count": None, "certificates": []},
        {"total_count": "1", "certificates": []},
        {"total_count": True, "certificates": []},
        {"total_count": 1, "certificates": [{}]},
        {"total_count": 1, "certificates": [row(1, brand=5)]},
        {"total_count": 1, "certificates": [row(1, domain_count="5")]},
    ],
)
def test_an_unknown_shape_is_a_failed_look_up(answer: dict[str, Any]) -> None:
    with pytest.raises(LookupFailed):
        scm.list_certificates(gate(answer))


def test_showing_a_certificate_names_its_order() -> None:
    pages = gate(row(1, order_id="CS1803192259ROA8U", status="CHECKING_DOMAIN"))
    found = scm.show_certificate(pages, "scs1")
    assert found is not None
    assert (found.order_id, found.status) == ("CS1803192259ROA8U", "CHECKING_DOMAIN")
    assert pages.asked[0].path == "/v3/scm/certificates/scs1"


@pytest.mark.parametrize("code", ["", "SCM.0008"])
def test_a_certificate_the_service_does_not_know_is_none(code: str) -> None:
    assert scm.show_certificate(gate(LookupFailed("no", status=404, code=code)), "scs1") is None


@pytest.mark.parametrize(("status", "code"), [(404, "APIGW.0101"), (404, "APIG.0101"), (400, "SCM.0008"), (500, "")])
def test_other_failures_to_show_are_not_an_answer(status: int, code: str) -> None:
    with pytest.raises(LookupFailed):
        scm.show_certificate(gate(LookupFailed("no", status=status, code=code)), "scs1")


def test_an_id_that_cannot_be_one_is_not_asked_for() -> None:
    pages = gate()
    with pytest.raises(LookupFailed):
        scm.show_certificate(pages, "../buy")
    assert pages.asked == []


def tagged(number: int, **changes: Any) -> dict[str, Any]:
    detail = {"cert_id": f"scs{number}", "cert_brand": "GEOTRUST", "cert_type": "DV_SSL_CERT", "order_status": "PAID"}
    return {"resource_id": f"scs{number}", "resource_detail": detail | changes}


def test_a_tag_finds_every_certificate_that_carries_it() -> None:
    first = {"total_count": 60, "resources": [tagged(number) for number in range(50)]}
    pages = gate(first, {"total_count": 60, "resources": [tagged(number) for number in range(50, 60)]})
    found = scm.certificates_by_tag(pages, key="countersign", value="ORD-1042")
    assert len(found) == 60
    assert (found[0].cert_id, found[0].brand, found[0].status) == ("scs0", "GEOTRUST", "PAID")
    assert pages.asked[1].path == "/v3/scm/resource_instances/action"
    assert pages.asked[1].body == {
        "action": "filter",
        "tags": [{"key": "countersign", "values": ["ORD-1042"]}],
        "limit": 50,
        "offset": 50,
    }


def test_a_tagged_resource_without_a_cert_id_is_its_resource_id() -> None:
    found = tagged(7)
    del found["resource_detail"]["cert_id"]
    assert (
        scm.certificates_by_tag(gate({"total_count": 1, "resources": [found]}), key="k", value="v")[0].cert_id == "scs7"
    )


@pytest.mark.parametrize("resources", [[{"resource_id": "scs1"}], [{"resource_detail": {}}]])
def test_a_tagged_resource_of_unknown_shape_is_a_failed_look_up(resources: list[dict[str, Any]]) -> None:
    with pytest.raises(LookupFailed):
        scm.certificates_by_tag(gate({"total_count": 1, "resources": resources}), key="k", value="v")
