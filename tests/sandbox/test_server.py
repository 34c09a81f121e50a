"""The process and its wire: starting, ending, surviving, and refusing what is not HTTP."""

from __future__ import annotations

import ast
import concurrent.futures
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests import sandbox_process as demo
from tests.sandbox.conftest import CA_PATH, V2_BODY, V2_PATH, Buyer
from tests.sandbox_process import ROOT, Sandbox, running_sandbox


def test_it_says_where_it_listens_and_that_nothing_is_real(tmp_path: Path) -> None:
    start = time.monotonic()
    with running_sandbox(tmp_path, SANDBOX_USER="somebody") as cloud:
        assert time.monotonic() - start < 3
        assert cloud.url.startswith("http://127.0.0.1:")
        assert httpx.get(f"{cloud.url}/healthz", trust_env=False).status_code == 200
        cloud.stop()
    text = "".join(cloud.output)
    assert "nothing real is bought" in text
    assert "SANDBOX_USER=somebody" in text
    assert f"SANDBOX_AK={demo.AK}" in text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_promptly(tmp_path: Path, number: int) -> None:
    with running_sandbox(tmp_path) as cloud, Buyer(cloud) as buyer:
        cloud.fault("executed-then-silent")
        buyer.http.timeout = httpx.Timeout(0.3)
        with pytest.raises(httpx.ReadTimeout):
            buyer.buy_v2()
        start = time.monotonic()
        os.kill(cloud.process.pid, number)
        assert cloud.process.wait(5) == 0
        assert time.monotonic() - start < 2
    assert "Traceback" not in "".join(cloud.output)


def test_it_can_be_ended_while_it_does_not_listen(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as cloud:
        cloud.fault("refuse-before-connect", seconds=60)
        assert cloud.stop() == 0


def test_orders_and_tokens_survive_a_kill(tmp_path: Path) -> None:
    with running_sandbox(tmp_path) as cloud, Buyer(cloud) as buyer:
        token = buyer.http.headers["X-Auth-Token"]
        first = buyer.buy_v2().json()
        buyer.buy_ca(is_auto_pay=1)
        before = cloud.ledger()
        cloud.kill()
    with running_sandbox(tmp_path) as cloud, Buyer(cloud) as buyer:
        assert cloud.ledger() == before
        buyer.http.headers["X-Auth-Token"] = token
        assert len(buyer.orders()) == 2
        assert buyer.buy_v2().json()["cert"][0]["cert_id"] > first["cert"][0]["cert_id"]


def test_every_answered_purchase_is_on_disk(tmp_path: Path) -> None:
    """Killed in the middle of buying: what was answered is there, and at most one more."""
    answered = []
    with running_sandbox(tmp_path) as cloud, Buyer(cloud) as buyer:
        for _ in range(20):
            answered.append(buyer.buy_v2().json()["order_id"])
        cloud.kill()
    with running_sandbox(tmp_path) as cloud:
        assert [line["order_id"] for line in cloud.ledger()] == answered


def test_buyers_at_the_same_time(cloud: Sandbox, buyer: Buyer) -> None:
    headers = dict(buyer.http.headers)

    def buy(_: int) -> str:
        body = {**V2_BODY, "order_number": 3}
        answer = httpx.post(cloud.url + V2_PATH, json=body, headers=headers, trust_env=False, verify=False)
        return str(answer.json()["order_id"])

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        orders = list(pool.map(buy, range(64)))
    ledger = cloud.ledger()
    assert {line["order_id"] for line in ledger} == set(orders)
    assert len({item for line in ledger for item in line["item_ids"]}) == 192


def _start(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sandbox", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=10)


def test_a_taken_port_is_a_clear_message(cloud: Sandbox, tmp_path: Path) -> None:
    ended = _start("--port", str(cloud.port), "--data", str(tmp_path))
    assert ended.returncode == 2
    assert "in use" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_two_processes_never_share_a_ledger(tmp_path: Path) -> None:
    with running_sandbox(tmp_path):
        ended = _start("--port", "0", "--data", str(tmp_path))
    assert ended.returncode == 2
    assert "another sandbox is using" in ended.stderr


def test_a_certificate_needs_its_key(tmp_path: Path) -> None:
    assert _start("--data", str(tmp_path), "--certfile", "x").returncode == 2
    missing = _start("--data", str(tmp_path), "--certfile", "x", "--keyfile", "y")
    assert missing.returncode == 2
    assert "Traceback" not in missing.stderr


def _talk(cloud: Sandbox, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", cloud.port), timeout=5) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        answer = b""
        while part := sock.recv(65536):
            answer += part
    return answer


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        (b"nonsense\r\n\r\n", 400, "APIGW.0201"),
        (b"GET healthz HTTP/1.1\r\n\r\n", 400, "APIGW.0201"),
        (b"GET / HTTP/2.0\r\n\r\n", 400, "APIGW.0607"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, "APIGW.0201"),
        (b"GET / HTTP/1.1\r\nname : x\r\n\r\n", 400, "APIGW.0201"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400, "APIGW.0201"),
        (b"GET / HTTP/1.1\r\nHost: a", 400, "APIGW.0201"),
        (b"POST / HTTP/1.1\r\n\r\n", 400, "APIGW.0201"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400, "APIGW.0201"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1x\r\n\r\n", 400, "APIGW.0201"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "APIGW.0201"),
        (b"POST / HTTP/1.1\r\nContent-Length: 12582913\r\n\r\n", 413, "APIGW.0201"),
        (b"GET /" + b"a" * 33_000 + b" HTTP/1.1\r\n\r\n", 414, "APIGW.0201"),
        (b"GET / HTTP/1.1\r\nbig: " + b"a" * 70_000 + b"\r\n\r\n", 494, "APIGW.0201"),
    ],
    ids=lambda value: repr(value[:30]) if isinstance(value, bytes) else str(value),
)
def test_what_is_not_http_is_refused(cloud: Sandbox, data: bytes, status: int, code: str) -> None:
    answer = _talk(cloud, data)
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert f'"error_code": "{code}"'.encode() in answer
    assert b"X-Request-Id: " in answer
    assert b"Connection: close" in answer


def test_a_body_cut_off_is_never_executed(cloud: Sandbox, buyer: Buyer) -> None:
    token = buyer.http.headers["X-Auth-Token"]
    head = f"POST {V2_PATH} HTTP/1.1\r\nX-Auth-Token: {token}\r\nContent-Type: application/json\r\n"
    assert _talk(cloud, f'{head}Content-Length: 500\r\n\r\n{{"cert_brand"'.encode()) == b""
    assert cloud.ledger() == []


def test_requests_follow_each_other_on_one_connection(cloud: Sandbox) -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    assert _talk(cloud, request * 3).count(b"HTTP/1.1 200 OK") == 3


@pytest.mark.parametrize(
    ("head", "answers"),
    [
        (b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", 1),
        (b"GET /healthz HTTP/1.0\r\n\r\n", 1),
        (b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", 2),
    ],
)
def test_a_connection_is_closed_when_asked(cloud: Sandbox, head: bytes, answers: int) -> None:
    assert _talk(cloud, head * 2).count(b"HTTP/1.1 200") == answers


def test_it_asks_for_a_body_that_waits(cloud: Sandbox) -> None:
    head = b"POST /x HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    assert _talk(cloud, head + b"{}").startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404")


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", V2_PATH), ("POST", "/v9/none"), ("GET", CA_PATH + "/x/y"), ("PUT", CA_PATH), ("HEAD", "/none")],
)
def test_an_unknown_api_is_404(cloud: Sandbox, method: str, path: str) -> None:
    answer = httpx.request(method, cloud.url + path, trust_env=False)
    assert answer.status_code == 404
    if method != "HEAD":
        assert answer.json()["error_code"] == "APIGW.0101"


def test_it_imports_neither_django_nor_the_portal() -> None:
    allowed = sys.stdlib_module_names | {"sandbox"}
    for source in (ROOT / "sandbox").glob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert {name.split(".")[0] for name in names} <= allowed, source
