"""A server that breaks in exactly one way, at a raw socket, over http or https.

`executed` counts complete requests that a real service would have acted on before it answered: the independent
witness of every fault test. The key and certificate in `tls/` belong to tests only and open nothing.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

CERTIFICATE = Path(__file__).parent / "tls" / "cert.pem"
KEY = Path(__file__).parent / "tls" / "key.pem"

PLACED = b'{"order_id":"CS1803192259ROA8U","cert":[{"cert_id":"scs1481110651012"}]}'

Behaviour = Callable[["Visitor"], None]


class Visitor:
    """One connection, as a behaviour sees it."""

    def __init__(self, server: FaultServer, sock: socket.socket) -> None:
        self.server = server
        self.sock = sock

    def execute(self) -> bytes:
        """Read one whole request, and act on it."""
        request = self.read_request()
        with self.server.lock:
            self.server.executed += 1
            self.server.requests.append(request)
        return request

    def read_request(self) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._receive()
        head, _, body = data.partition(b"\r\n\r\n")
        lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        missing = int(lengths[0].split(b":")[1]) - len(body) if lengths else 0
        while missing > 0:
            more = self._receive()
            data, missing = data + more, missing - len(more)
        return data

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def answer(self, status: str, body: bytes = b"", *headers: str) -> None:
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "X-Request-Id: req-1", *headers]
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def send_beneath_tls(self, data: bytes) -> None:
        os.write(self.sock.fileno(), data)

    def reset(self) -> None:
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def drip(self, data: bytes, *, every: float = 0.05, times: int = 200) -> None:
        for _ in range(times):
            self.send(data)
            time.sleep(every)

    def wait_for_hang_up(self) -> None:
        while self.sock.recv(65536):
            pass

    def _receive(self) -> bytes:
        data = self.sock.recv(65536)
        if not data:
            raise ConnectionError("the client hung up")
        with self.server.lock:
            self.server.bytes_received += len(data)
        return data


class FaultServer:
    """Serves every connection with one behaviour. `before_tls` gets the bare socket before any handshake."""

    def __init__(self, behaviour: Behaviour, *, tls: bool = False, before_tls: Behaviour | None = None) -> None:
        self.lock = threading.Lock()
        self.connections = 0
        self.executed = 0
        self.bytes_received = 0
        self.requests: list[bytes] = []
        self._behaviour = behaviour
        self._before_tls = before_tls
        self._tls = server_tls() if tls else None
        self._threads: list[threading.Thread] = []
        self._last_visitor: object = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.origin = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stops listening and waits for every visitor to leave, so that the counts are final."""
        with socket.socket() as last:
            last.bind(("127.0.0.1", 0))
            self._last_visitor = last.getsockname()
            last.connect(self._listener.getsockname())
            self._acceptor.join()
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            sock, address = self._listener.accept()
            if address == self._last_visitor:
                sock.close()
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        sock.settimeout(20)
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.enter_context(sock)
            if self._before_tls is not None:
                self._before_tls(Visitor(self, sock))
                return
            if self._tls is not None:
                sock = stack.enter_context(self._tls.wrap_socket(sock, server_side=True))
            self._behaviour(Visitor(self, sock))


def server_tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE, KEY)
    return context


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port
