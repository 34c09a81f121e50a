from __future__ import annotations

import logging
import pickle

import pytest

from orders.cloud.calls import Call, Timeouts
from orders.cloud.errors import LookupFailed
from orders.cloud.reader import BODY_CAP, Answer, Reader
from orders.cloud.transport import tls_context

from .fault_server import CERTIFICATE, Behaviour, FaultServer, Visitor, unused_port

READER = Reader(timeouts=Timeouts(connect=5, read=0.3, total=1), tls=tls_context(str(CERTIFICATE)))


def a_call(origin: str) -> Call:
    return Call(service="bss", method="GET", origin=origin, path="/v2/orders", query=(("a", "b c"),))


@pytest.mark.parametrize("tls", [False, True])
def test_it_returns_a_complete_answer_whatever_its_status(tls: bool) -> None:
    def answer(visitor: Visitor) -> None:
        visitor.execute()
        visitor.answer("404 Not Found", b"{}", "X-Subject-Token: canary")

    with FaultServer(answer, tls=tls) as server:
        found = READER.fetch(a_call(server.origin))
    assert (found.status, found.body, found.request_id) == (404, b"{}", "req-1")
    assert found.headers["x-subject-token"] == "canary"
    assert server.requests[0].startswith(b"GET /v2/orders?a=b%20c HTTP/1.1\r\n")


def silence(visitor: Visitor) -> None:
    visitor.execute()
    visitor.wait_for_hang_up()


def half(visitor: Visitor) -> None:
    visitor.execute()
    visitor.send(b"HTTP/1.1 200 OK\r\nContent-Length: 80\r\n\r\n{")


def too_much(visitor: Visitor) -> None:
    visitor.execute()
    visitor.answer("200 OK", b" " * (BODY_CAP + 1))


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [(Visitor.reset, None), (silence, None), (half, 200), (too_much, 200)],
    ids=["reset", "silence", "half", "too-much"],
)
def test_any_trouble_is_a_failed_look_up_and_asked_once(behaviour: Behaviour, status: int | None) -> None:
    with FaultServer(behaviour) as server, pytest.raises(LookupFailed) as caught:
        READER.fetch(a_call(server.origin))
    assert caught.value.status == status
    assert server.connections == 1


def test_a_failed_look_up_names_its_cause() -> None:
    with pytest.raises(LookupFailed, match=r"bss could not be asked: ConnectError \(ECONNREFUSED\)") as caught:
        READER.fetch(a_call(f"http://127.0.0.1:{unused_port()}"))
    assert caught.value.__cause__ is not None


def test_an_answer_shows_and_gives_away_neither_headers_nor_body() -> None:
    answer = Answer(status=201, headers={"x-subject-token": "canary"}, body=b"canary")
    assert "canary" not in repr(answer)
    with pytest.raises(TypeError):
        pickle.dumps(answer)


def test_the_debug_log_of_the_http_library_stays_off(caplog: pytest.LogCaptureFixture) -> None:
    def answer(visitor: Visitor) -> None:
        visitor.execute()
        visitor.answer("201 Created", b"{}", "X-Subject-Token: canary")

    caplog.set_level(logging.DEBUG)
    with FaultServer(answer) as server:
        READER.fetch(a_call(server.origin))
    assert "canary" not in caplog.text
