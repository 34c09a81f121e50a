from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from orders.cloud import pca
from orders.cloud.answers import Purchase
from orders.cloud.errors import LookupFailed

from .gate import gate

CA = "66504812-fedc-414a-9b7c-4c1836398524"


def row(**changes: Any) -> dict[str, Any]:
    """As the list shows a CA (contract E.2)."""
    return {
        "ca_id": CA,
        "type": None,
        "status": "PENDING",
        "create_time": 1767225600123,
        "charging_mode": 0,
        "enterprise_project_id": "0",
    } | changes


def test_an_order_has_its_path() -> None:
    call = pca.order_call(origin="https://ccm.example", body=b"{}")
    assert (call.method, call.url, call.body) == (
        "POST",
        "https://ccm.example/v1/private-certificate-authorities/order",
        b"{}",
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"order_id":"CS1","ca_ids":["a-1","b-2"]}', Purchase(order_id="CS1", item_ids=("a-1", "b-2"))),
        (b'{"order_id":"CS1","ca_ids":["a-1",2,null,"b 2",""]}', Purchase(order_id="CS1", item_ids=("a-1",))),
        (b'{"order_id":"CS1","ca_ids":"a-1"}', Purchase(order_id="CS1")),
        (b'{"order_id":"CS1"}', Purchase(order_id="CS1")),
        (b'{"ca_ids":["a-1"]}', None),
        (b"[]", None),
    ],
)
def test_an_order_keeps_the_ids_that_are_ids(body: bytes, expected: Purchase | None) -> None:
    assert pca.parse_order(body) == expected


def test_authorities_are_listed_newest_first_with_their_time() -> None:
    pages = gate({"total": 1, "certificate_authorities": [row()]})
    assert pca.list_authorities(pages, status="PENDING") == (
        pca.Authority(
            ca_id=CA,
            status="PENDING",
            ca_type="",
            created_at=datetime(2026, 1, 1, 0, 0, 0, 123000, tzinfo=UTC),
            charging_mode=0,
            enterprise_project_id="0",
        ),
    )
    assert pages.asked[0].query == {
        "limit": "100",
        "offset": "0",
        "sort_dir": "DESC",
        "sort_key": "create_time",
        "status": "PENDING",
    }


@pytest.mark.parametrize(
    "answer",
    [
        {"certificate_authorities": []},
        {"total": 1, "certificate_authorities": None},
        {"total": 1, "certificate_authorities": []},
        {"total": 1, "certificate_authorities": [row(ca_id="")]},
        {"total": 1, "certificate_authorities": [row(create_time="2026")]},
        {"total": 1, "certificate_authorities": [row(create_time=10**30)]},
        {"total": 2, "certificate_authorities": [row(), row()]},
    ],
)
def test_an_unknown_shape_is_a_failed_look_up(answer: dict[str, Any]) -> None:
    with pytest.raises(LookupFailed):
        pca.list_authorities(gate(answer))


def test_a_list_that_never_ends_is_a_failed_look_up() -> None:
    pages = gate(*({"total": 10**6, "certificate_authorities": [row()]} for _ in range(30)))
    with pytest.raises(LookupFailed, match="more pages"):
        pca.list_authorities(pages)


def test_one_authority_is_shown() -> None:
    pages = gate(row(status="ACTIVED"))
    found = pca.show_authority(pages, CA)
    assert found is not None
    assert found.status == "ACTIVED"
    assert pages.asked[0].path == f"/v1/private-certificate-authorities/{CA}"


@pytest.mark.parametrize(("status", "code"), [(404, "PCA.00030102"), (400, "PCA.10010002")])
def test_a_missing_authority_is_none(status: int, code: str) -> None:
    assert pca.show_authority(gate(LookupFailed("no", status=status, code=code)), CA) is None


@pytest.mark.parametrize(("status", "code"), [(404, ""), (404, "APIGW.0101"), (400, "PCA.00030102"), (500, "")])
def test_other_failures_to_show_are_not_an_answer(status: int, code: str) -> None:
    with pytest.raises(LookupFailed):
        pca.show_authority(gate(LookupFailed("no", status=status, code=code)), CA)
