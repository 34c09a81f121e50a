"""One caller's connection: reads requests, sends answers, and ends the way a fault says."""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from io import BufferedReader, BufferedWriter

from sandbox.answering import Answer
from sandbox.fault_kinds import Ending
from sandbox.identifiers import new_request_id
from sandbox.messages import Request
from sandbox.wire import UnreadableError, read_request, render

IDLE_SECONDS = 75.0
GONE = (OSError, ValueError)  # ValueError: the socket was closed under the reader

Respond = Callable[[Request], Answer]


class Connection:
    def __init__(self, sock: socket.socket, respond: Respond, stopping: threading.Event) -> None:
        self._sock = sock
        self._respond = respond
        self._stopping = stopping

    def serve(self) -> None:
        """Until the caller hangs up, is idle for too long, or an answer ends the connection."""
        try:
            self._sock.settimeout(IDLE_SECONDS)
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._sock.makefile("rb") as reader, self._sock.makefile("wb") as writer:
                while self._serve_one(reader, writer):
                    pass
        except GONE:
            pass
        finally:
            self._sock.close()

    def _serve_one(self, reader: BufferedReader, writer: BufferedWriter) -> bool:
        try:
            request = read_request(reader, writer)
        except UnreadableError as refusal:
            request_id = new_request_id()
            self._sock.sendall(render(refusal.reply(request_id), request_id, keep_alive=False))
            self._drain()
            return False
        if request is None:
            return False
        return self._send(request, self._respond(request))

    def _send(self, request: Request, answer: Answer) -> bool:
        """True when the connection may carry another request."""
        keep = _keep_alive(request) and answer.ending in (Ending.WHOLE, Ending.DRIP)
        data = render(answer.reply, request.request_id, keep_alive=keep, head=request.method == "HEAD")
        match answer.ending:
            case Ending.WHOLE:
                self._sock.sendall(data)
            case Ending.DRIP:
                self._drip(data, answer.hold)
            case Ending.TRUNCATED:
                self._sock.sendall(data[: len(data) - max(1, len(answer.reply.body) // 2)])
            case Ending.SILENT:
                self._stay_silent(answer.hold)
            case Ending.CORRUPT_TLS:
                self._send_garbage_record()
            case Ending.RESET:
                self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            case Ending.CLOSE:
                pass
        return keep

    def _drip(self, data: bytes, pause: float) -> None:
        for index in range(len(data)):
            self._sock.sendall(data[index : index + 1])
            if self._stopping.wait(pause):
                return

    def _stay_silent(self, seconds: float) -> None:
        """Until the time is over or the caller gives up; a caller that left frees the thread."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0 and not self._stopping.is_set():
            if select.select([self._sock], [], [], min(left, 0.5))[0]:
                return

    def _send_garbage_record(self) -> None:
        """Application data that no key decrypts, past the TLS layer onto the bare socket (contract C.1)."""
        os.write(self._sock.fileno(), b"\x17\x03\x03\x00\x40" + secrets.token_bytes(64))
        self._stay_silent(5.0)

    def _drain(self) -> None:
        """Closing with unread bytes would reset the connection and take the refusal with it."""
        with contextlib.suppress(*GONE):
            self._sock.settimeout(1.0)
            deadline = time.monotonic() + 5.0
            if not isinstance(self._sock, ssl.SSLSocket):
                self._sock.shutdown(socket.SHUT_WR)
            while time.monotonic() < deadline and self._sock.recv(65536):
                pass


def _keep_alive(request: Request) -> bool:
    wish = request.header("connection").lower()
    return "close" not in wish and (request.version == "HTTP/1.1" or "keep-alive" in wish)
