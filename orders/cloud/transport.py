"""The network: the only module that imports httpx or httpcore.

One submission is one connection with one request on it. httpcore's public network interface is the exact
place to stand: `write()` is where request bytes leave, after TCP and TLS, so the caller's claim runs right
there, and anything that fails earlier is provably unsent. No pool, no redirects, no retries, no proxies from
the environment, HTTP/1.1 only, and a deadline over everything.

Trouble on the network becomes evidence in the returned `Exchange`. Any other exception passes through
unchanged: the claim's own, `on_answer`'s own, and whatever a signal raises (KeyboardInterrupt, a worker's
soft time limit). Whoever catches one looks at the exchange: once it `may_have_been_sent`, nobody knows.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import ssl
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import h11
import httpcore
import httpx

from .calls import Call, Timeouts
from .claim import Claim, Deadline
from .exchange import Exchange, Phase

__all__ = ["Call", "Exchange", "Headers", "Phase", "Timeouts", "Wire", "converse", "send_once", "tls_context"]

BODY_CAP = 256 * 1024
_WRITE_CHUNK = 16 * 1024

# Everything the network, TLS and the HTTP parser raise. Exceptions of other origin are not ours to swallow.
_NETWORK_TROUBLE = (
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.ProtocolError,
    httpcore.ProxyError,
    httpcore.UnsupportedProtocol,
    httpcore.ConnectionNotAvailable,
    h11.ProtocolError,
    OSError,  # ssl.SSLError, socket.gaierror and TimeoutError are OSErrors
)

# httpcore's debug log prints answer headers, and IAM answers with a token in one.
for _name in ("httpcore", "httpx"):
    logging.getLogger(_name).setLevel(logging.WARNING)

Headers: TypeAlias = list[tuple[bytes, bytes]]


def send_once(
    call: Call,
    *,
    before_first_byte: Callable[[], None],
    on_answer: Callable[[Exchange], None] | None = None,
    timeouts: Timeouts,
    tls: ssl.SSLContext | None = None,
    exchange: Exchange | None = None,
) -> Exchange:
    """Send this call over one new connection, and return how far it got.

    `before_first_byte` runs once, when the connection stands and the first request byte is about to leave; if
    it raises, nothing is sent and its exception passes through. `on_answer` runs when status and request id
    are known and the body is not. Give a blank `exchange` to keep the evidence when an exception passes.
    """
    exchange = exchange or Exchange.of(call)
    wire = Wire(exchange=exchange, timeouts=timeouts, before_first_byte=before_first_byte)
    converse(
        call,
        wire,
        tls=tls,
        on_head=lambda _: on_answer(exchange) if on_answer is not None else None,
        body_cap=BODY_CAP,
    )
    return exchange


@functools.cache
def tls_context(ca_bundle: str | None = None) -> ssl.SSLContext:
    """Public authorities, or only those in a PEM file. Made once per process: making one takes 20 ms."""
    if ca_bundle is None:
        context = httpx.create_ssl_context(trust_env=False)
    else:
        context = ssl.create_default_context(cafile=ca_bundle)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class Wire(httpcore.NetworkBackend):
    """Opens one connection and no second one; keeps the evidence, the claim and the deadline of one try."""

    def __init__(self, *, exchange: Exchange, timeouts: Timeouts, before_first_byte: Callable[[], None]) -> None:
        self.exchange = exchange
        self.claim = Claim(exchange, before_first_byte)
        self.deadline = Deadline(timeouts)
        self.trouble: Exception | None = None
        self._stream: httpcore.NetworkStream | None = None
        self._opened = False

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002  the deadline knows better
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        """A name with several addresses may take the connect timeout for each: still nothing is sent."""
        if self._opened:
            raise RuntimeError("one submission is one connection: a second one was asked for")
        self._opened = True
        self.exchange.phase = Phase.CONNECTING
        stream = httpcore.SyncBackend().connect_tcp(host, port, timeout=self.deadline.connect())
        wrapped = self.wrap(stream)
        self.exchange.peer = _peer(stream.get_extra_info("server_addr"))
        return wrapped

    def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        raise RuntimeError("nothing travels over a unix socket")

    def sleep(self, seconds: float) -> None:  # noqa: ARG002
        raise RuntimeError("one submission never waits for another try")

    def wrap(self, stream: httpcore.NetworkStream) -> httpcore.NetworkStream:
        self._stream = stream
        return _Stream(stream, self)

    @contextlib.contextmanager
    def trouble_is_evidence(self) -> Iterator[None]:
        try:
            yield
        except _NETWORK_TROUBLE as exc:
            if exc is self.claim.refusal:
                raise
            self.trouble = exc
            self.exchange.failed(exc)

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()


class _Stream(httpcore.NetworkStream):
    """The one connection: counts bytes, keeps the deadline, makes the claim before the first request byte."""

    def __init__(self, stream: httpcore.NetworkStream, wire: Wire) -> None:
        self._stream = stream
        self._wire = wire

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002
        self._wire.claim.uphold()
        data = self._stream.read(max_bytes, timeout=self._wire.deadline.io())
        self._wire.exchange.bytes_received += len(data)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002
        if not buffer:
            return
        self._wire.claim.take(self._wire.deadline)
        for start in range(0, len(buffer), _WRITE_CHUNK):
            chunk = buffer[start : start + _WRITE_CHUNK]
            self._stream.write(chunk, timeout=self._wire.deadline.io())
            self._wire.exchange.bytes_sent += len(chunk)

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002
    ) -> httpcore.NetworkStream:
        limit = self._wire.deadline.connect()
        return self._wire.wrap(self._stream.start_tls(ssl_context, server_hostname, timeout=limit))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.close()


def converse(
    call: Call,
    wire: Wire,
    *,
    tls: ssl.SSLContext | None,
    on_head: Callable[[Headers], None],
    body_cap: int,
) -> None:
    """One request, one answer, all evidence; the socket is closed whatever happens."""
    exchange = wire.exchange
    exchange.begin()
    url = httpcore.URL(call.url)
    context = (tls or tls_context()) if call.secure else None
    connection = httpcore.HTTPConnection(
        url.origin, ssl_context=context, http1=True, http2=False, retries=0, network_backend=wire
    )
    response: httpcore.Response | None = None
    try:
        with wire.trouble_is_evidence():
            response = connection.handle_request(_request(call, url, exchange))
        if response is not None:
            exchange.answered(response.status, response.headers)
            on_head(response.headers)
            with wire.trouble_is_evidence():
                _note_body(exchange, response, body_cap)
    finally:
        wire.close()
        exchange.end()


def _request(call: Call, url: httpcore.URL, exchange: Exchange) -> httpcore.Request:
    headers = {
        "Host": call.host,
        "User-Agent": "countersign",
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "close",
        **call.headers,
        "Content-Length": str(len(call.body)),
    }

    def content() -> Iterator[bytes]:
        yield call.body
        exchange.phase = Phase.SENT  # httpcore comes back for more only when this is written

    return httpcore.Request(call.method, url, headers=list(headers.items()), content=content())


def _note_body(exchange: Exchange, response: httpcore.Response, cap: int) -> None:
    body = bytearray()
    for chunk in response.iter_stream():
        body += chunk
        if len(body) > cap:
            exchange.error = "BodyTooLarge"
            return
    exchange.completed(bytes(body))


def _peer(address: Any) -> str:
    host, port = address[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
