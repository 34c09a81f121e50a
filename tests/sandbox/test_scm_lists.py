"""Looking back at certificates: what the real lists show, and what they do not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.conftest import Buyer

LIST = "/v3/scm/certificates"
PROJECT = "0aad99bc-f5f6-4f78-8404-c598d76b0ed2"


def test_rows_hold_neither_an_order_id_nor_a_creation_time(buyer: Buyer) -> None:
    bought = buyer.buy_v2().json()
    (row,) = buyer.get(LIST)["certificates"]
    assert row["id"] == bought["cert"][0]["cert_id"]
    assert (row["brand"], row["type"], row["domain_type"]) == ("GLOBALSIGN", "OV_SSL_CERT", "MULTI_DOMAIN")
    assert (row["status"], row["domain_count"], row["validity_period"]) == ("PAID", 5, 12)
    assert not [name for name in row if "order" in name or "create" in name or "time" in name.split("_")[:1]]


def test_showing_a_certificate_names_its_order(buyer: Buyer) -> None:
    bought = buyer.buy_v3(primary_domain_type="WILDCARD_DOMAIN", domain_numbers=5).json()
    shown = buyer.get(f"{LIST}/{bought['cert'][0]['cert_id']}")
    assert shown["order_id"] == bought["order_id"]
    assert shown["multi_domain_type"] == "primary_wildcard"
    assert shown["not_before"] is None


def test_a_missing_certificate_is_404(buyer: Buyer) -> None:
    assert buyer.http.get(f"{LIST}/scs0000000000000").status_code == 404


def test_unpaid_certificates_are_nowhere(buyer: Buyer) -> None:
    bought = buyer.buy_v3(is_auto_pay=False).json()
    assert buyer.get(LIST)["total_count"] == 0
    assert buyer.http.get(f"{LIST}/{bought['cert'][0]['cert_id']}").status_code == 404
    assert buyer.search()["resources"] == []
    assert buyer.orders(order_id=bought["order_id"])[0]["status"] == 6


def test_only_the_newest_150_are_in_reach(buyer: Buyer) -> None:
    bought = [cert["cert_id"] for cert in buyer.buy_v2(order_number=200).json()["cert"]]
    pages = [buyer.get(LIST, limit=50, offset=offset) for offset in (0, 50, 100)]
    seen = [row["id"] for page in pages for row in page["certificates"]]
    assert seen == bought[::-1][:150]
    assert {page["total_count"] for page in pages} == {200}
    assert len(buyer.get(LIST)["certificates"]) == 10


def test_sorting_the_other_way(buyer: Buyer) -> None:
    bought = [buyer.buy_v2().json()["cert"][0]["cert_id"] for _ in range(3)]
    ascending = buyer.get(LIST, sort_dir="ASC", sort_key="certUpdateTime")["certificates"]
    assert [row["id"] for row in ascending] == bought


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"status": "ALL"}, 2),
        ({"status": "PAID"}, 2),
        ({"status": "ISSUED"}, 0),
        ({"enterprise_project_id": "all"}, 2),
        ({"enterprise_project_id": "0"}, 1),
        ({"enterprise_project_id": PROJECT}, 1),
        ({"content": "scm-scs"}, 2),
        ({"content": "nothing"}, 0),
        ({"content": "%"}, 0),
        ({"deploy_support": "true"}, 0),
        ({"deploy_support": "false"}, 2),
        ({"owned_by_self": "true", "limit": 50}, 2),
        ({"expired_days_since": 30}, 0),
    ],
)
def test_filters(buyer: Buyer, query: dict[str, Any], count: int) -> None:
    buyer.buy_v2()
    buyer.buy_v3(enterprise_project_id=PROJECT)
    buyer.buy_ca(is_auto_pay=1)
    found = buyer.get(LIST, **query)
    assert (found["total_count"], len(found["certificates"])) == (count, count)


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 15},
        {"limit": 0},
        {"limit": 100},
        {"limit": "ten"},
        {"offset": 101},
        {"offset": -1},
        {"status": "UNPAID"},
        {"sort_key": "createTime"},
        {"sort_dir": "desc"},
        {"content": "x" * 256},
        {"enterprise_project_id": "x"},
        {"deploy_support": "1"},
        {"expired_days_since": 1096},
    ],
)
def test_wrong_parameters_are_refused(buyer: Buyer, query: dict[str, Any]) -> None:
    answer = buyer.http.get(LIST, params=query)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "SCM.0005")


@pytest.fixture
def tagged(buyer: Buyer) -> dict[str, str]:
    """Certificate ids by the letters of their tags; `-` has none."""
    tags = {
        "a": [{"key": "a", "value": "1"}],
        "ab": [{"key": "a", "value": "2"}, {"key": "b", "value": "1"}],
        "b": [{"key": "b", "value": "1"}],
        "-": [],
    }
    return {name: buyer.buy_v3(tags=given).json()["cert"][0]["cert_id"] for name, given in tags.items()}


def _tag(key: str, *values: str) -> dict[str, Any]:
    return {"key": key, "values": list(values)}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {"a", "ab", "b", "-"}),
        ({"tags": [_tag("a")]}, {"a", "ab"}),
        ({"tags": [_tag("a", "1")]}, {"a"}),
        ({"tags": [_tag("a", "1", "2")]}, {"a", "ab"}),
        ({"tags": [_tag("a"), _tag("b")]}, {"ab"}),
        ({"tags": [_tag("a", "9")]}, set()),
        ({"tags_any": [_tag("a", "1"), _tag("b")]}, {"a", "ab", "b"}),
        ({"not_tags": [_tag("a"), _tag("b")]}, {"a", "b", "-"}),
        ({"not_tags_any": [_tag("a"), _tag("b")]}, {"-"}),
        ({"without_any_tag": True, "tags": [_tag("a")]}, {"-"}),
        ({"matches": [{"key": "resource_name", "value": "scm-scs"}]}, {"a", "ab", "b", "-"}),
        ({"matches": [{"key": "resource_name", "value": "x"}]}, set()),
    ],
)
def test_searching_by_tag(buyer: Buyer, tagged: dict[str, str], body: dict[str, Any], expected: set[str]) -> None:
    found = buyer.search(**body)
    assert {row["resource_id"] for row in found["resources"]} == {tagged[name] for name in expected}
    assert found["total_count"] == len(expected)
    assert buyer.search(**{**body, "action": "count"}) == {"total_count": len(expected)}


def test_a_tag_leads_to_the_order(buyer: Buyer) -> None:
    bought = buyer.buy_v3(order_number=3).json()
    buyer.buy_v3(tags=[{"key": "portal-req", "value": "ORD-1"}])
    rows = buyer.search(tags=[_tag("portal-req", "ORD-1042")], limit=50)["resources"]
    assert {row["resource_id"] for row in rows} == {cert["cert_id"] for cert in bought["cert"]}
    assert rows[0]["tags"] == [{"key": "portal-req", "value": "ORD-1042"}]
    assert "order_id" not in rows[0]["resource_detail"]
    shown = buyer.get(f"{LIST}/{rows[0]['resource_detail']['cert_id']}")
    assert shown["order_id"] == bought["order_id"]


def test_the_search_is_paged(buyer: Buyer) -> None:
    buyer.buy_v3(order_number=25)
    sizes = [len(buyer.search(limit=10, offset=offset)["resources"]) for offset in (0, 10, 20, 30)]
    assert sizes == [10, 10, 5, 0]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"action": "delete"}, "SCM.0005"),
        ({"limit": 15}, "SCM.0318"),
        ({"offset": -1}, "SCM.0319"),
        ({"tags": [{"key": "a"}]}, "SCM.0005"),
        ({"tags": ["a"]}, "SCM.0005"),
        ({"tags": [_tag("a"), _tag("a")]}, "SCM.0005"),
        ({"tags": [_tag(f"k{n}") for n in range(21)]}, "SCM.0005"),
        ({"matches": [{"key": "name", "value": "x"}]}, "SCM.0005"),
        ({"matches": ["x"]}, "SCM.0005"),
    ],
)
def test_wrong_searches_are_refused(buyer: Buyer, body: dict[str, Any], code: str) -> None:
    answer = buyer.http.post("/v3/scm/resource_instances/action", json={"action": "filter", **body})
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)


def test_the_search_is_for_resource_instances(buyer: Buyer) -> None:
    assert buyer.http.post("/v3/scm/csr/action", json={"action": "filter"}).json()["error_code"] == "APIGW.0101"
