"""HTTP/1.1 off the socket and onto it: strict, with the gateway's own errors (contract C.4)."""

from __future__ import annotations

import re
from email.utils import formatdate
from http import HTTPStatus
from io import BufferedReader, BufferedWriter
from urllib.parse import parse_qsl, unquote

from sandbox.identifiers import new_request_id
from sandbox.messages import ApiError, Reply, Request

MAX_TARGET = 32 * 1024
MAX_HEADERS = 64 * 1024
MAX_BODY = 12 * 1024 * 1024
TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


class UnreadableError(ApiError):
    """The request cannot be read to its end, so the connection cannot be used again."""


def _malformed(reason: str) -> UnreadableError:
    return UnreadableError(400, "APIGW.0201", f"Bad request: {reason}")


def read_request(reader: BufferedReader, writer: BufferedWriter) -> Request | None:
    """The next request, or None when the caller hung up between requests."""
    line = reader.readline(MAX_TARGET + 100)
    if not line:
        return None
    method, target, version = _request_line(line)
    headers = _headers(reader)
    length = _length(method, headers)
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        writer.flush()
    body = reader.read(length)
    if len(body) != length:
        return None  # hung up in the middle: nobody waits for an answer
    path, _, query = target.partition("?")
    pairs = tuple(parse_qsl(query, keep_blank_values=True))
    return Request(method, target, unquote(path), pairs, headers, body, new_request_id(), version)


def _request_line(line: bytes) -> tuple[str, str, str]:
    if not line.endswith(b"\n"):
        raise UnreadableError(414, "APIGW.0201", "Request URI too large")
    parts = line.decode("latin-1").split()
    if len(parts) != 3 or not TOKEN.fullmatch(parts[0]) or not parts[1].startswith("/"):
        raise _malformed("malformed request line")
    if parts[2] not in ("HTTP/1.1", "HTTP/1.0"):
        raise UnreadableError(400, "APIGW.0607", "The request protocol is not supported")
    if len(parts[1]) > MAX_TARGET:
        raise UnreadableError(414, "APIGW.0201", "Request URI too large")
    return parts[0], parts[1], parts[2]


def _headers(reader: BufferedReader) -> dict[str, str]:
    """Header values as UTF-8 where they are (the SDK signs them so). ★ A header given twice is refused."""
    headers: dict[str, str] = {}
    left = MAX_HEADERS
    while (line := reader.readline(left + 1)) not in (b"\r\n", b"\n"):
        left -= len(line)
        if left < 0:
            raise UnreadableError(494, "APIGW.0201", "Request header too large")
        name, colon, value = line.partition(b":")
        key = name.decode("latin-1")
        if not line.endswith(b"\n") or not colon or not TOKEN.fullmatch(key):
            raise _malformed("malformed header")
        if key.lower() in headers:
            raise _malformed(f"header {key} is given twice")
        headers[key.lower()] = _text(value.strip())
    return headers


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _length(method: str, headers: dict[str, str]) -> int:
    """★ A body without Content-Length is refused: the signed clients always send it."""
    if "transfer-encoding" in headers:
        raise _malformed("Transfer-Encoding is not supported, send Content-Length")
    text = headers.get("content-length")
    if text is None:
        if method in ("POST", "PUT", "PATCH"):
            raise _malformed("Content-Length is required")
        return 0
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise _malformed("malformed Content-Length")
    if int(text) > MAX_BODY:
        raise UnreadableError(413, "APIGW.0201", "Request entity too large: at most 12 MB")
    return int(text)


def render(reply: Reply, request_id: str, *, keep_alive: bool, head: bool = False) -> bytes:
    """The whole answer in one piece, so that it leaves in one segment where it can."""
    lines = [
        f"HTTP/1.1 {reply.status} {_reason(reply.status)}",
        f"Date: {formatdate(usegmt=True)}",
        "Server: api-gateway",
        f"X-Request-Id: {request_id}",
        f"Connection: {'keep-alive' if keep_alive else 'close'}",
    ]
    lines += [f"{name}: {value}" for name, value in reply.headers]
    if reply.status != 204:
        lines += [f"Content-Type: {reply.content_type}", f"Content-Length: {len(reply.body)}"]
    body = b"" if head or reply.status == 204 else reply.body
    return "\r\n".join([*lines, "", ""]).encode("utf-8") + body


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
