"""Every kind of fault: what the caller sees, and what the ledger knows."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.fault_kinds import KINDS
from tests.sandbox.conftest import CA_BODY, CA_PATH, V2_PATH, Buyer
from tests.sandbox.tls_client import TlsSandbox, running_tls_sandbox
from tests.sandbox_process import Sandbox, running_sandbox

LOST: list[tuple[str, type[Exception], int]] = [
    ("executed-then-reset", httpx.ReadError, 1),
    ("executed-then-close", httpx.RemoteProtocolError, 1),
    ("executed-then-truncated", httpx.RemoteProtocolError, 1),
    ("executed-then-silent", httpx.ReadTimeout, 1),
    ("reset-before-execution", httpx.ReadError, 0),
]
ANSWERED: list[tuple[str, int, str | None, int]] = [
    ("executed-then-504", 504, "APIGW.0201", 1),
    ("200-without-id", 200, None, 1),
    ("202-empty", 202, None, 1),
    ("502-html", 502, None, 1),
    ("redirect", 307, None, 0),
    ("429", 429, "APIGW.0308", 0),
    ("401", 401, "APIGW.0301", 0),
    ("403", 403, "APIGW.0302", 0),
    ("500", 500, "SCM.0016", 0),
    ("503", 503, "APIGW.0613", 0),
    ("out-of-sale", 400, "SCM.0049", 0),
    ("error", 500, "SCM.0000", 0),
]
ELSEWHERE = {"executed-then-corrupt-tls", "refuse-before-connect"}


def test_every_kind_is_tested() -> None:
    here = {row[0] for row in LOST} | {row[0] for row in ANSWERED} | ELSEWHERE
    own = {"invalid-json", "latency", "slow-drip", "late-execution", "late-visibility", "payment-fails"}
    assert here | own == set(KINDS)


@pytest.mark.parametrize(("kind", "error", "bought"), LOST)
def test_the_answer_is_lost(cloud: Sandbox, buyer: Buyer, kind: str, error: type[Exception], bought: int) -> None:
    cloud.fault(kind)
    buyer.http.timeout = httpx.Timeout(1.5)
    with pytest.raises(error):
        buyer.buy_v2()
    assert len(cloud.ledger()) == bought
    assert cloud.faults() == []
    assert buyer.buy_v2().status_code == 200


@pytest.mark.parametrize(("kind", "status", "code", "bought"), ANSWERED)
def test_the_answer_is_another(
    cloud: Sandbox, buyer: Buyer, kind: str, status: int, code: str | None, bought: int
) -> None:
    cloud.fault(kind)
    answer = buyer.buy_v2()
    assert answer.status_code == status
    assert answer.headers["X-Request-Id"]
    if code:
        assert answer.json()["error_code"] == code
        gateway = code.startswith("APIGW.")
        assert answer.json().get("request_id") == (answer.headers["X-Request-Id"] if gateway else None)
    assert len(cloud.ledger()) == bought


@pytest.mark.parametrize("kind", [name for name, kind in KINDS.items() if kind.either])
@pytest.mark.parametrize("executed", [True, False])
def test_these_may_be_executed_or_not(cloud: Sandbox, buyer: Buyer, kind: str, *, executed: bool) -> None:
    cloud.fault(kind, executed=executed)
    buyer.buy_v2()
    assert len(cloud.ledger()) == executed


def test_the_request_id_of_a_lost_answer_is_in_the_ledger(cloud: Sandbox, buyer: Buyer) -> None:
    cloud.fault("executed-then-504")
    answer = buyer.buy_v2()
    assert cloud.ledger()[0]["request_id"] == answer.headers["X-Request-Id"]


def test_a_redirect_points_at_the_same_address(cloud: Sandbox, buyer: Buyer) -> None:
    cloud.fault("redirect")
    assert buyer.buy_v2().headers["Location"] == V2_PATH


def test_the_documents_own_sample_with_the_real_ids(cloud: Sandbox, buyer: Buyer) -> None:
    cloud.fault("invalid-json", count=2)
    for buy in (buyer.buy_v2, buyer.buy_ca):
        answer = buy()
        with pytest.raises(json.JSONDecodeError):
            answer.json()
        line = cloud.ledger()[-1]
        assert answer.status_code == 200
        assert all(text in answer.text for text in (line["order_id"], *line["item_ids"]))


def test_an_error_of_ones_own_choice(cloud: Sandbox, buyer: Buyer) -> None:
    cloud.fault("error", status=418, error_code="SCM.4711", error_msg="茶", executed=True)
    answer = buyer.buy_v2()
    assert (answer.status_code, answer.json()) == (418, {"error_code": "SCM.4711", "error_msg": "茶"})
    assert len(cloud.ledger()) == 1


def test_a_private_ca_out_of_sale(cloud: Sandbox, buyer: Buyer) -> None:
    cloud.fault("out-of-sale")
    assert buyer.buy_ca().json()["error_code"] == "PCA.00020001"
    assert cloud.ledger() == []


def test_latency(cloud: Sandbox, buyer: Buyer) -> None:
    cloud.fault("latency", seconds=0.3)
    start = time.monotonic()
    assert buyer.buy_v2().status_code == 200
    assert time.monotonic() - start >= 0.3


def test_a_slow_drip_arrives_whole(cloud: Sandbox, buyer: Buyer) -> None:
    cloud.fault("slow-drip", seconds=0.001)
    assert buyer.buy_v2().json()["order_id"] == cloud.ledger()[0]["order_id"]


def test_a_silent_connection_is_closed_in_the_end(cloud: Sandbox, buyer: Buyer) -> None:
    cloud.fault("executed-then-silent", seconds=0.2)
    with pytest.raises(httpx.RemoteProtocolError):
        buyer.buy_v2()


def test_late_execution(cloud: Sandbox, buyer: Buyer) -> None:
    cloud.fault("late-execution", seconds=2)
    with pytest.raises(httpx.RemoteProtocolError):
        buyer.buy_v2()
    assert cloud.ledger() == []
    assert buyer.orders() == []
    time.sleep(2)
    assert len(cloud.ledger()) == len(buyer.orders()) == 1


def test_late_execution_may_answer_with_another_fault(cloud: Sandbox, buyer: Buyer) -> None:
    cloud.fault("late-execution", seconds=30, then="executed-then-504")
    assert buyer.buy_v2().status_code == 504
    assert cloud.ledger() == []


def test_a_late_execution_survives_a_kill(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as cloud, Buyer(cloud) as buyer:
        cloud.fault("late-execution", seconds=2, then="executed-then-504")
        buyer.buy_v2()
        assert cloud.ledger() == []
        cloud.kill()
    time.sleep(2)
    with running_sandbox(tmp_path) as cloud:
        assert len(cloud.ledger()) == 1


def test_late_visibility(cloud: Sandbox, buyer: Buyer) -> None:
    cloud.fault("late-visibility", seconds=2)
    order_id = buyer.buy_v3().json()["order_id"]
    (line,) = cloud.ledger()
    assert line["order_id"] == order_id
    assert line["visible_at"] > line["time"]
    assert _seen(buyer, order_id) == [0, 0, 0, 0]
    time.sleep(2)
    assert _seen(buyer, order_id) == [1, 1, 1, 1]


def _seen(buyer: Buyer, order_id: str) -> list[int]:
    resources = buyer.http.post("/v2/orders/suscriptions/resources/query", json={"order_id": order_id}).json()
    listed = buyer.get("/v3/scm/certificates")["certificates"]
    return [len(listed), len(buyer.search()["resources"]), len(buyer.orders()), len(resources["data"])]


def test_late_visibility_with_a_lost_answer(cloud: Sandbox, buyer: Buyer) -> None:
    cloud.fault("late-visibility", seconds=60, then="executed-then-reset")
    with pytest.raises(httpx.ReadError):
        buyer.buy_ca(is_auto_pay=1)
    assert len(cloud.ledger()) == 1
    assert buyer.orders() == []


def test_a_failed_payment_leaves_the_order_to_be_paid(cloud: Sandbox, buyer: Buyer) -> None:
    cloud.fault("payment-fails")
    assert buyer.buy_ca(is_auto_pay=1).status_code == 200
    assert cloud.ledger()[0]["paid"] is False
    assert buyer.orders()[0]["status"] == 6


def test_a_later_payment_can_fail_too(cloud: Sandbox, buyer: Buyer) -> None:
    order_id = buyer.buy_ca().json()["order_id"]
    cloud.fault("payment-fails", service="bss")
    payment = {"order_id": order_id, "use_coupon": "NO", "use_discount": "NO"}
    assert buyer.http.post("/v3/orders/customer-orders/pay", json=payment).json()["error_code"] == "CBC.99005003"


def test_a_refused_request_uses_no_fault_up(cloud: Sandbox, buyer: Buyer) -> None:
    cloud.fault("executed-then-504", count=2)
    assert buyer.buy_v2(order_number=0).json()["error_code"] == "SCM.0060"
    assert cloud.faults()[0]["count"] == 2
    assert [buyer.buy_v2().status_code for _ in range(3)] == [504, 504, 200]


def test_a_fault_waits_for_its_service(cloud: Sandbox, buyer: Buyer) -> None:
    cloud.fault("429", service="pca")
    assert buyer.buy_v2().status_code == 200
    assert buyer.get("/v1/private-certificate-authorities")["total"] == 0
    assert buyer.buy_ca().status_code == 429


def test_a_fault_of_no_service_waits_for_a_purchase(cloud: Sandbox, buyer: Buyer) -> None:
    cloud.fault("503")
    assert buyer.orders() == []
    assert buyer.buy_ca().status_code == 503


@pytest.mark.parametrize("service", ["iam", "bss"])
def test_services_without_purchases_fail_at_every_call(cloud: Sandbox, buyer: Buyer, service: str) -> None:
    cloud.fault("500", service=service)
    path = {"iam": "/v3/projects", "bss": "/v2/orders/customer-orders"}[service]
    assert buyer.http.get(path).status_code == 500
    assert buyer.http.get(path).status_code == 200


@pytest.mark.parametrize("on", ["lookup", "any"])
def test_lookups_fail_when_asked_for(cloud: Sandbox, buyer: Buyer, on: str) -> None:
    cloud.fault("500", service="scm", on=on)
    assert buyer.http.get("/v3/scm/certificates").status_code == 500


def test_a_fault_for_one_order_among_many(cloud: Sandbox, buyer: Buyer) -> None:
    cloud.fault("429", contains="ORD-2")
    tags = [[{"key": "portal-req", "value": f"ORD-{number}"}] for number in (1, 2)]
    assert [buyer.buy_v3(tags=given).status_code for given in tags] == [200, 429]


def test_faults_come_in_the_order_they_were_armed(cloud: Sandbox, buyer: Buyer) -> None:
    cloud.fault("429")
    cloud.fault("503", count=2)
    assert [fault["kind"] for fault in cloud.faults()] == ["429", "503"]
    assert [buyer.buy_v2().status_code for _ in range(4)] == [429, 503, 503, 200]


@pytest.mark.parametrize("how", ["disarm", "none", "reset"])
def test_disarming(cloud: Sandbox, buyer: Buyer, how: str) -> None:
    cloud.fault("429", count=5)
    {"disarm": cloud.disarm, "none": lambda: cloud.fault("none"), "reset": cloud.reset}[how]()
    assert cloud.faults() == []
    assert buyer.buy_v2().status_code == 200


@pytest.mark.parametrize(
    "given",
    [
        {"kind": "unknown"},
        {"kind": ""},
        {},
        {"kind": "429", "count": 0},
        {"kind": "429", "count": True},
        {"kind": "429", "count": "many"},
        {"kind": "429", "seconds": -1},
        {"kind": "429", "seconds": "nan"},
        {"kind": "429", "seconds": [1]},
        {"kind": "429", "service": "ecs"},
        {"kind": "429", "on": "sometimes"},
        {"kind": "429", "executed": True},
        {"kind": "executed-then-reset", "executed": False},
        {"kind": "500", "executed": "perhaps"},
        {"kind": "429", "then": "executed-then-reset"},
        {"kind": "latency", "then": "429"},
        {"kind": "latency", "then": "late-visibility"},
        {"kind": "latency", "then": "unknown"},
        {"kind": "error", "status": 204},
        {"kind": "error", "status": 99},
        {"kind": "429", "number": 3},
        {"kind": "429", "colour": "red"},
        {"kind": "executed-then-corrupt-tls"},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_not_armed(cloud: Sandbox, given: dict[str, Any]) -> None:
    answer = httpx.post(f"{cloud.url}/_sandbox/faults", json=given, trust_env=False)
    assert answer.status_code == 400
    assert answer.json()["error_msg"]
    assert cloud.faults() == []


def test_refusing_to_connect(cloud: Sandbox) -> None:
    cloud.fault("refuse-before-connect", seconds=1.5)
    with pytest.raises(httpx.ConnectError):
        httpx.get(cloud.url + "/healthz", trust_env=False)
    time.sleep(1.6)
    assert httpx.get(cloud.url + "/healthz", trust_env=False).status_code == 200


def test_refusing_for_no_time_at_all(cloud: Sandbox) -> None:
    cloud.fault("refuse-before-connect", seconds=0)
    time.sleep(0.3)
    assert httpx.get(cloud.url + "/healthz", trust_env=False).status_code == 200


@pytest.fixture(scope="module")
def tls_cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsSandbox]:
    with running_tls_sandbox(tmp_path_factory.mktemp("tls")) as cloud:
        yield cloud


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("executed-then-corrupt-tls", httpx.ReadError),
        ("executed-then-reset", httpx.HTTPError),  # Python's TLS reports a reset as an end of file
        ("executed-then-silent", httpx.ReadTimeout),
        ("executed-then-truncated", httpx.HTTPError),
        ("executed-then-close", httpx.HTTPError),
    ],
)
def test_over_tls(tls_cloud: TlsSandbox, kind: str, error: type[Exception]) -> None:
    tls_cloud.sandbox.reset()
    token = tls_cloud.token()
    tls_cloud.sandbox.fault(kind)
    with tls_cloud.client() as client, pytest.raises(error):
        client.post(CA_PATH, json=CA_BODY, headers={"X-Auth-Token": token}, timeout=1.5)
    assert len(tls_cloud.sandbox.ledger()) == 1


def test_buying_over_tls(tls_cloud: TlsSandbox) -> None:
    with tls_cloud.client() as client:
        answer = client.post(CA_PATH, json=CA_BODY, headers={"X-Auth-Token": tls_cloud.token()})
    assert answer.status_code == 200


def test_plain_http_at_a_tls_port_ends_only_that_connection(tls_cloud: TlsSandbox) -> None:
    with pytest.raises(httpx.HTTPError):
        httpx.get(tls_cloud.sandbox.url.replace("https", "http"), trust_env=False)
    with tls_cloud.client() as client:
        assert client.get("/healthz").status_code == 200
