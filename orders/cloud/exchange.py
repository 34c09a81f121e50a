"""The evidence of one try: how far it got, when, and what came back."""

from __future__ import annotations

import errno
import hashlib
import re
import socket
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from .calls import Call

_REQUEST_ID = re.compile(rb"[!-~]{1,128}")


class Phase(StrEnum):
    """How far a try got. Only the phase, never the class of an exception, tells what may have been sent."""

    PREPARING = "preparing"
    CONNECTING = "connecting"  # DNS, TCP, TLS
    CONNECTED = "connected"
    SENDING = "sending"
    SENT = "sent"  # the whole request was handed to the network
    ANSWERED = "answered"  # status and headers are known
    COMPLETE = "complete"  # the whole answer arrived


@dataclass(slots=True, kw_only=True)
class Exchange:
    """Everything known about one try; filled as far as it got, and never holding a secret."""

    endpoint: str
    body_sha256: str
    started_at: datetime | None = None
    first_byte_at: datetime | None = None
    answered_at: datetime | None = None
    finished_at: datetime | None = None
    peer: str = ""
    phase: Phase = Phase.PREPARING
    bytes_sent: int = 0
    bytes_received: int = 0
    status: int | None = None
    request_id: str = ""
    body: bytes | None = None
    error: str = ""

    @classmethod
    def of(cls, call: Call) -> Exchange:
        """The blank evidence of a call that has not been tried yet."""
        return cls(
            endpoint=f"{call.method} {call.origin}{call.path}",
            body_sha256=hashlib.sha256(call.body).hexdigest(),
        )

    def begin(self) -> None:
        self.started_at = now()

    def claimed(self) -> None:
        """The first request byte may leave from here on."""
        self.first_byte_at = now()
        self.phase = Phase.SENDING

    def answered(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self.answered_at = now()
        self.phase = Phase.ANSWERED
        self.status = status
        for name, value in headers:
            if name.lower() == b"x-request-id" and _REQUEST_ID.fullmatch(value):
                self.request_id = value.decode("ascii")

    def completed(self, body: bytes) -> None:
        self.body = body
        self.phase = Phase.COMPLETE

    def failed(self, exc: Exception) -> None:
        """Keep the class, and a reason from the operating system's or OpenSSL's own list; never a text."""
        reason = _reason(exc.__cause__ or exc)
        self.error = f"{type(exc).__name__} ({reason})" if reason else type(exc).__name__

    def end(self) -> None:
        self.finished_at = now()

    @property
    def may_have_been_sent(self) -> bool:
        """True from the moment the claim was made, even if no byte can be shown to have left."""
        return self.first_byte_at is not None

    @property
    def duration_ms(self) -> int | None:
        if self.started_at is None or self.finished_at is None:
            return None
        return max(0, round((self.finished_at - self.started_at).total_seconds() * 1000))

    @property
    def error_class(self) -> str:
        """`error` without the reason that may stand behind it."""
        return self.error.partition(" ")[0]


def now() -> datetime:
    return datetime.now(UTC)


def _reason(cause: BaseException) -> str | None:
    if isinstance(cause, ssl.SSLError):
        return cause.reason
    if isinstance(cause, socket.gaierror):
        return "name not resolved"
    if isinstance(cause, OSError) and cause.errno is not None:
        return errno.errorcode.get(cause.errno)
    return None
