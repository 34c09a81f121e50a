"""The listening socket: a thread per connection, and the ability to stop listening for a while."""

from __future__ import annotations

import contextlib
import errno
import socket
import ssl
import threading
import time
from pathlib import Path

from sandbox.connection import Connection, Respond

HOST = "127.0.0.1"  # loopback only: the control addresses have no sign-in
HANDSHAKE_SECONDS = 10.0


def tls_context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


class Server:
    def __init__(self, port: int, stopping: threading.Event, tls: ssl.SSLContext | None = None) -> None:
        """Raise OSError when the port is taken."""
        self._listener = _listen(port)
        self._tls = tls
        self._stopping = stopping
        self._pause = threading.Event()
        self._pause_until = 0.0
        self.port = int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{HOST}:{self.port}"

    def pause(self, seconds: float) -> None:
        """Stop listening: connecting is refused by the kernel, as if no process were there."""
        self._pause_until = time.monotonic() + seconds
        self._pause.set()
        _wake(self._listener)

    def stop(self) -> None:
        self._stopping.set()
        _wake(self._listener)

    def run(self, respond: Respond) -> None:
        """Accept until stopped."""
        while not self._stopping.is_set():
            if self._pause.is_set():
                self._sit_out()
                continue
            with contextlib.suppress(OSError):
                sock, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(sock, respond), daemon=True).start()
        self._listener.close()

    def _sit_out(self) -> None:
        self._listener.close()
        while (left := self._pause_until - time.monotonic()) > 0 and not self._stopping.wait(left):
            pass
        self._pause.clear()
        deadline = time.monotonic() + 5.0
        while not self._stopping.is_set():
            try:
                self._listener = _listen(self.port)
            except OSError as error:
                if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)
            else:
                return

    def _serve(self, sock: socket.socket, respond: Respond) -> None:
        try:
            if self._tls:
                sock.settimeout(HANDSHAKE_SECONDS)
                sock = self._tls.wrap_socket(sock, server_side=True)
        except (OSError, ssl.SSLError):
            sock.close()
            return
        Connection(sock, respond, self._stopping).serve()


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    return listener


def _wake(listener: socket.socket) -> None:
    """Shutting a listening socket down makes its `accept` return at once."""
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
