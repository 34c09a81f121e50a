"""Every fault of the fault table, over http and https: what is caught, what is proven, what was executed."""

from __future__ import annotations

import dataclasses
import hashlib
import signal
import socket
import ssl
import threading
from collections.abc import Callable

import httpcore
import pytest

from orders.cloud.calls import Call, Timeouts
from orders.cloud.exchange import Exchange, Phase
from orders.cloud.scm import parse_purchase
from orders.cloud.transport import BODY_CAP, Wire, _peer, send_once, tls_context
from orders.cloud.verdicts import Doubt, NotSent, Placed, Unknown, verdict

from .fault_server import CERTIFICATE, PLACED, Behaviour, FaultServer, Visitor, unused_port

BODY = b'{"cert_brand":"GLOBALSIGN"}'
PATIENT = Timeouts(connect=5, read=5, total=10)
HASTY = Timeouts(connect=5, read=0.2, total=5)
BOTH = ("http", "https")


@dataclasses.dataclass
class Sent:
    """One submission and what was seen around it."""

    exchange: Exchange
    claims: int
    heads: list[tuple[int | None, str, bytes | None, Phase]]

    @property
    def doubt(self) -> Doubt:
        meaning = verdict(self.exchange, parse=parse_purchase)
        assert isinstance(meaning, Unknown)
        return meaning.reason


def a_call(origin: str, body: bytes = BODY) -> Call:
    return Call(service="scm", method="POST", origin=origin, path="/v3/scm/certificates/buy", body=body)


def submit(origin: str, *, timeouts: Timeouts = PATIENT, body: bytes = BODY) -> Sent:
    claims: list[None] = []
    heads: list[tuple[int | None, str, bytes | None, Phase]] = []
    exchange = send_once(
        a_call(origin, body),
        before_first_byte=lambda: claims.append(None),
        on_answer=lambda e: heads.append((e.status, e.request_id, e.body, e.phase)),
        timeouts=timeouts,
        tls=tls_context(str(CERTIFICATE)),
    )
    return Sent(exchange, len(claims), heads)


def after(then: Callable[[Visitor], None]) -> Behaviour:
    """Execute the request, then misbehave."""

    def behaviour(visitor: Visitor) -> None:
        visitor.execute()
        then(visitor)

    return behaviour


def nothing() -> None:
    """A claim that agrees."""


def place(visitor: Visitor) -> None:
    visitor.execute()
    visitor.answer("200 OK", PLACED, "Content-Type: application/json")


def hang_up(visitor: Visitor) -> None:
    visitor.sock.close()


# Faults before the first request byte


def test_it_places_an_order_and_keeps_the_evidence() -> None:
    with FaultServer(place) as server:
        sent = submit(server.origin)
    exchange = sent.exchange
    assert verdict(exchange, parse=parse_purchase) == Placed(
        order_id="CS1803192259ROA8U", item_ids=("scs1481110651012",)
    )
    assert (sent.claims, server.executed, server.connections) == (1, 1, 1)
    assert exchange.phase is Phase.COMPLETE
    assert exchange.body == PLACED
    assert exchange.endpoint == f"POST {server.origin}/v3/scm/certificates/buy"
    assert exchange.body_sha256 == hashlib.sha256(BODY).hexdigest()
    assert exchange.peer == f"127.0.0.1:{server.port}"
    assert exchange.bytes_sent == len(server.requests[0])
    assert exchange.bytes_received > len(PLACED)
    assert exchange.error == ""
    assert sent.heads == [(200, "req-1", None, Phase.ANSWERED)]


def test_the_request_is_plain_http_1_1_and_closes_the_connection() -> None:
    with FaultServer(place) as server:
        submit(server.origin)
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"POST /v3/scm/certificates/buy HTTP/1.1"
    assert lines[1] == f"Host: 127.0.0.1:{server.port}".encode()
    assert {b"Accept-Encoding: identity", b"Connection: close", b"Content-Type: application/json"} <= set(lines)
    assert f"Content-Length: {len(BODY)}".encode() in lines
    assert body == BODY


def test_the_times_are_in_order_and_aware() -> None:
    with FaultServer(place, tls=True) as server:
        exchange = submit(server.origin).exchange
    times = [exchange.started_at, exchange.first_byte_at, exchange.answered_at, exchange.finished_at]
    known = [moment for moment in times if moment is not None and moment.tzinfo is not None]
    assert len(known) == 4
    assert known == sorted(known)
    assert exchange.duration_ms is not None


def test_an_untried_exchange_has_no_duration() -> None:
    assert Exchange.of(a_call("https://scm.example")).duration_ms is None


@pytest.mark.parametrize("scheme", BOTH)
def test_a_refused_connection_is_not_sent(scheme: str) -> None:
    sent = submit(f"{scheme}://127.0.0.1:{unused_port()}")
    assert sent.claims == 0
    assert sent.exchange.phase is Phase.CONNECTING
    assert verdict(sent.exchange, parse=parse_purchase) == NotSent(reason="ConnectError (ECONNREFUSED)")


def test_an_unknown_name_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_such_name(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_such_name)
    sent = submit("https://scm.example")
    assert sent.claims == 0
    assert verdict(sent.exchange, parse=parse_purchase) == NotSent(reason="ConnectError (name not resolved)")


def test_a_connection_that_is_never_accepted_is_not_sent() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(4)]
        for sock in waiting:
            sock.setblocking(False)
            sock.connect_ex(("127.0.0.1", port))
        sent = submit(f"http://127.0.0.1:{port}", timeouts=Timeouts(connect=0.3, read=5, total=5))
        for sock in waiting:
            sock.close()
    assert (sent.claims, sent.exchange.error) == (0, "ConnectTimeout")


@pytest.mark.parametrize(
    ("before_tls", "error"),
    [
        (hang_up, "ConnectError"),
        (Visitor.reset, "ConnectError"),
        (lambda visitor: visitor.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "ConnectError"),
        (Visitor.wait_for_hang_up, "ConnectTimeout"),
    ],
    ids=["closed", "reset", "not-tls", "stalled"],
)
def test_a_broken_handshake_is_not_sent(before_tls: Behaviour, error: str) -> None:
    with FaultServer(place, tls=True, before_tls=before_tls) as server:
        sent = submit(server.origin, timeouts=Timeouts(connect=0.5, read=5, total=5))
    assert (sent.claims, server.executed, sent.exchange.bytes_sent) == (0, 0, 0)
    assert sent.exchange.error_class == error
    assert sent.exchange.phase is Phase.CONNECTING
    assert isinstance(verdict(sent.exchange, parse=parse_purchase), NotSent)


def test_an_untrusted_certificate_is_not_sent() -> None:
    claims: list[None] = []
    with FaultServer(place, tls=True) as server:
        exchange = send_once(a_call(server.origin), before_first_byte=lambda: claims.append(None), timeouts=PATIENT)
    assert (claims, server.executed) == ([], 0)
    assert exchange.error == "ConnectError (CERTIFICATE_VERIFY_FAILED)"


def test_a_deadline_that_passes_before_the_claim_is_not_sent() -> None:
    with FaultServer(Visitor.wait_for_hang_up) as server:
        wire_time = Timeouts(connect=5, read=5, total=1e-9)
        sent = submit(server.origin, timeouts=wire_time)
    assert (sent.claims, sent.exchange.error) == (0, "TimeoutError")
    assert isinstance(verdict(sent.exchange, parse=parse_purchase), NotSent)


# Faults after it. "Executed" is what the server did, not what the client may believe.


@dataclasses.dataclass(frozen=True)
class Fault:
    name: str
    behaviour: Behaviour
    doubt: Doubt
    phase: Phase
    executed: int = 1
    errors: tuple[str, ...] = ()
    schemes: tuple[str, ...] = BOTH
    status: int | None = None
    timeouts: Timeouts = PATIENT


def gzip_that_is_none(visitor: Visitor) -> None:
    visitor.answer("200 OK", b"\x1f\x8bnot gzip at all", "Content-Encoding: gzip")


def early_hints_for_ever(visitor: Visitor) -> None:
    visitor.drip(b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n")


def body_for_ever(visitor: Visitor) -> None:
    visitor.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    visitor.drip(b" ")


def stalled_body(visitor: Visitor) -> None:
    visitor.send(b"HTTP/1.1 200 OK\r\nContent-Length: 80\r\n\r\n" + PLACED[:20])
    visitor.wait_for_hang_up()


# Over TLS the same reset is sometimes read as an end: the phase decides, never the class.
LOST = (Doubt.RESET, Doubt.NO_ANSWER)
LOST_AS = ("ReadError", "RemoteProtocolError")
DRIP = Timeouts(connect=5, read=0.4, total=0.8)
FAULTS = [
    Fault("executed, then RST", after(Visitor.reset), Doubt.RESET, Phase.SENT, errors=LOST_AS),
    Fault("executed, then FIN", after(hang_up), Doubt.NO_ANSWER, Phase.SENT, errors=LOST_AS),
    Fault(
        "executed, then silence",
        after(Visitor.wait_for_hang_up),
        Doubt.TIMEOUT,
        Phase.SENT,
        errors=("ReadTimeout",),
        timeouts=HASTY,
    ),
    Fault(
        "executed, then half a status line",
        after(lambda visitor: visitor.send(b"HTTP/1.1 20")),
        Doubt.UNREADABLE_ANSWER,
        Phase.SENT,
        errors=("RemoteProtocolError",),
    ),
    Fault(
        "executed, then garbage",
        after(lambda visitor: visitor.send(b"\x00\x01 what is this\r\n\r\n")),
        Doubt.UNREADABLE_ANSWER,
        Phase.SENT,
        errors=("RemoteProtocolError",),
    ),
    Fault(
        "executed, then endless header lines",
        after(lambda visitor: visitor.send(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000)),
        Doubt.UNREADABLE_ANSWER,
        Phase.SENT,
        errors=("RemoteProtocolError",),
    ),
    Fault(
        "executed, then 103 for ever",
        after(early_hints_for_ever),
        Doubt.TIMEOUT,
        Phase.SENT,
        errors=("ReadTimeout", "TimeoutError"),
        timeouts=DRIP,
    ),
    Fault(
        "executed, 200, half a body",
        after(lambda visitor: visitor.send(b"HTTP/1.1 200 OK\r\nContent-Length: 80\r\n\r\n" + PLACED[:20])),
        Doubt.TRUNCATED,
        Phase.ANSWERED,
        errors=("RemoteProtocolError",),
        status=200,
    ),
    Fault(
        "executed, 200, stalled body",
        after(stalled_body),
        Doubt.TRUNCATED,
        Phase.ANSWERED,
        errors=("ReadTimeout",),
        status=200,
        timeouts=HASTY,
    ),
    Fault(
        "executed, 200, body for ever",
        after(body_for_ever),
        Doubt.TRUNCATED,
        Phase.ANSWERED,
        errors=("ReadTimeout", "TimeoutError"),
        status=200,
        timeouts=DRIP,
    ),
    Fault(
        "executed, 200, broken chunk",
        after(lambda visitor: visitor.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")),
        Doubt.TRUNCATED,
        Phase.ANSWERED,
        errors=("RemoteProtocolError",),
        status=200,
    ),
    Fault(
        "executed, 200, corrupt gzip",
        after(gzip_that_is_none),
        Doubt.UNREADABLE_BODY,
        Phase.COMPLETE,
        errors=("",),
        status=200,
    ),
    Fault(
        "executed, 200, body beyond the cap",
        after(lambda visitor: visitor.answer("200 OK", b" " * BODY_CAP + PLACED)),
        Doubt.TOO_LARGE,
        Phase.ANSWERED,
        errors=("BodyTooLarge",),
        status=200,
    ),
    Fault(
        "executed, 202",
        after(lambda visitor: visitor.answer("202 Accepted")),
        Doubt.NOT_FINAL,
        Phase.COMPLETE,
        errors=("",),
        status=202,
    ),
    Fault(
        "executed, 307",
        after(lambda visitor: visitor.answer("307 Temporary Redirect", b"", "Location: /again")),
        Doubt.REDIRECT,
        Phase.COMPLETE,
        errors=("",),
        status=307,
    ),
    Fault(
        "executed, 101",
        after(lambda v: v.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")),
        Doubt.UNREADABLE_ANSWER,
        Phase.SENT,
        errors=("RemoteProtocolError",),
    ),
    Fault(
        "executed, 502 in HTML",
        after(lambda visitor: visitor.answer("502 Bad Gateway", b"<html>")),
        Doubt.SERVER_ERROR,
        Phase.COMPLETE,
        errors=("",),
        status=502,
    ),
    Fault(
        "executed, then a corrupt TLS record",
        after(lambda visitor: visitor.send_beneath_tls(b"\x17\x03\x03\x00\x20" + b"\x55" * 32)),
        Doubt.RESET,
        Phase.SENT,
        errors=("ReadError",),
        schemes=("https",),
    ),
    Fault(
        "executed, 200, TLS cut in the body",
        after(lambda visitor: visitor.send(b"HTTP/1.1 200 OK\r\nContent-Length: 80\r\n\r\n{")),
        Doubt.TRUNCATED,
        Phase.ANSWERED,
        errors=("RemoteProtocolError",),
        schemes=("https",),
        status=200,
    ),
]
TABLE = [pytest.param(fault, scheme, id=f"{fault.name} ({scheme})") for fault in FAULTS for scheme in fault.schemes]


@pytest.mark.parametrize(("fault", "scheme"), TABLE)
def test_every_fault_after_the_first_byte_is_unknown(fault: Fault, scheme: str) -> None:
    with FaultServer(fault.behaviour, tls=scheme == "https") as server:
        sent = submit(server.origin, timeouts=fault.timeouts)
    assert (sent.claims, server.executed, server.connections) == (1, fault.executed, 1)
    assert sent.exchange.error_class in fault.errors
    assert sent.exchange.phase is fault.phase
    assert sent.exchange.status == fault.status
    assert [head[0] for head in sent.heads] == ([] if fault.status is None else [fault.status])
    assert sent.exchange.bytes_sent == len(server.requests[0])
    assert sent.doubt in (LOST if fault.doubt in LOST else (fault.doubt,))


@pytest.mark.parametrize("leave", [hang_up, Visitor.reset], ids=["FIN", "RST"])
@pytest.mark.parametrize("scheme", BOTH)
def test_a_server_that_leaves_at_once_is_unknown_although_it_did_nothing(scheme: str, leave: Behaviour) -> None:
    with FaultServer(leave, tls=scheme == "https") as server:
        sent = submit(server.origin)
    assert (sent.claims, server.executed, server.connections) == (1, 0, 1)
    assert sent.doubt in LOST


def test_a_server_that_never_reads_is_unknown() -> None:
    given_up = threading.Event()

    def ignore(visitor: Visitor) -> None:
        given_up.wait(10)

    with FaultServer(ignore) as server:
        sent = submit(server.origin, timeouts=HASTY, body=b"x" * 16_000_000)
        given_up.set()
    assert (sent.claims, server.executed, sent.exchange.phase) == (1, 0, Phase.SENDING)
    assert 0 < sent.exchange.bytes_sent < 16_000_000
    assert (sent.exchange.error, sent.doubt) == ("WriteTimeout", Doubt.TIMEOUT)


def test_a_reset_while_the_body_is_in_flight_is_unknown() -> None:
    def reset_early(visitor: Visitor) -> None:
        visitor.sock.recv(1000)
        visitor.reset()

    with FaultServer(reset_early) as server:
        sent = submit(server.origin, body=b"x" * 16_000_000)
    assert (sent.claims, server.executed, sent.exchange.phase) == (1, 0, Phase.SENDING)
    assert sent.doubt in LOST


def test_a_status_is_kept_although_the_body_was_lost() -> None:
    with FaultServer(after(stalled_body)) as server:
        exchange = submit(server.origin, timeouts=HASTY).exchange
    assert (exchange.status, exchange.body) == (200, None)
    assert exchange.answered_at is not None


def test_the_evidence_holds_no_authentication() -> None:
    with FaultServer(after(Visitor.reset)) as server:
        call = dataclasses.replace(a_call(server.origin), headers={"X-Auth-Token": "canary"})
        exchange = send_once(call, before_first_byte=nothing, timeouts=PATIENT)
    assert b"canary" in server.requests[0]
    assert "canary" not in repr(exchange)


# The claim


class Refused(Exception):
    """What a claim raises; also as kinds of exception that the network raises."""


@pytest.mark.parametrize(
    "refusal",
    [Refused(), OSError("disk"), httpcore.WriteError("lost"), httpcore.ConnectError("db"), KeyboardInterrupt()],
    ids=lambda refusal: type(refusal).__name__,
)
@pytest.mark.parametrize("scheme", BOTH)
def test_a_claim_that_raises_sends_nothing(scheme: str, refusal: BaseException) -> None:
    def refuse() -> None:
        raise refusal

    with FaultServer(Visitor.execute, tls=scheme == "https") as server:  # type: ignore[arg-type]
        exchange = Exchange.of(a_call(server.origin))
        with pytest.raises(type(refusal)) as caught:
            send_once(
                a_call(server.origin),
                before_first_byte=refuse,
                timeouts=PATIENT,
                tls=tls_context(str(CERTIFICATE)),
                exchange=exchange,
            )
    assert caught.value is refusal
    assert (server.executed, server.bytes_received, server.connections) == (0, 0, 1)
    assert (exchange.phase, exchange.bytes_sent, exchange.may_have_been_sent) == (Phase.CONNECTED, 0, False)
    assert exchange.finished_at is not None


class TimeIsUp(Exception):
    """Like a worker's soft time limit: an ordinary exception raised by a signal."""


def test_an_exception_from_a_signal_passes_through_and_the_evidence_stays() -> None:
    def ring(*_: object) -> None:
        raise TimeIsUp

    before = signal.signal(signal.SIGALRM, ring)
    try:
        with FaultServer(after(Visitor.wait_for_hang_up)) as server:
            exchange = Exchange.of(a_call(server.origin))
            signal.setitimer(signal.ITIMER_REAL, 0.3)
            with pytest.raises(TimeIsUp):
                send_once(a_call(server.origin), before_first_byte=nothing, timeouts=PATIENT, exchange=exchange)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert server.executed == 1
    assert (exchange.may_have_been_sent, exchange.phase) == (True, Phase.SENT)


@pytest.mark.parametrize("error", [Refused(), OSError("disk")], ids=["domain", "os"])
def test_an_exception_from_on_answer_is_the_callers_not_the_networks(error: Exception) -> None:
    def fail(exchange: Exchange) -> None:
        raise error

    with FaultServer(place) as server:
        exchange = Exchange.of(a_call(server.origin))
        with pytest.raises(type(error)) as caught:
            send_once(
                a_call(server.origin),
                before_first_byte=nothing,
                on_answer=fail,
                timeouts=PATIENT,
                exchange=exchange,
            )
    assert caught.value is error
    assert (exchange.status, exchange.may_have_been_sent) == (200, True)


# The wire


def test_a_wire_opens_one_connection_only() -> None:
    with FaultServer(Visitor.wait_for_hang_up) as server:
        wire = Wire(exchange=Exchange.of(a_call(server.origin)), timeouts=PATIENT, before_first_byte=nothing)
        wire.connect_tcp("127.0.0.1", server.port)
        with pytest.raises(RuntimeError, match="one connection"):
            wire.connect_tcp("127.0.0.1", server.port)
        wire.close()
    assert server.connections == 1


def test_a_wire_never_waits_and_never_takes_another_way() -> None:
    wire = Wire(exchange=Exchange.of(a_call("https://scm.example")), timeouts=PATIENT, before_first_byte=nothing)
    with pytest.raises(RuntimeError):
        wire.sleep(1)
    with pytest.raises(RuntimeError):
        wire.connect_unix_socket("/tmp/socket")
    wire.close()


def test_proxies_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with FaultServer(place) as server:
        sent = submit(server.origin)
    assert sent.exchange.status == 200


def test_a_tls_context_is_made_once_and_verifies() -> None:
    context = tls_context(None)
    assert context is tls_context(None)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("request_id", ["", "a" * 129, "with space", "tab\there"])
def test_a_request_id_that_is_not_one_is_not_kept(request_id: str) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Request-Id: {request_id}\r\n\r\n".encode()
    with FaultServer(after(lambda visitor: visitor.send(head))) as server:
        assert submit(server.origin).exchange.request_id == ""


def test_an_address_of_ip_version_6_is_shown_in_brackets() -> None:
    assert _peer(("::1", 443, 0, 0)) == "[::1]:443"
