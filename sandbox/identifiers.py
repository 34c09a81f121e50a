"""Ids shaped like the documents' samples (contract G.3, E.1): CS1803192259ROA8U, scs1481110651012, a UUID."""

from __future__ import annotations

import secrets
import string
import threading
import uuid

from sandbox.moments import order_minute

ALPHABET = string.digits + string.ascii_uppercase


def new_order_id(moment: int) -> str:
    """★ `CS` + yyMMddHHmm in UTC+8 + 5 of [0-9A-Z]: inferred from every sample, documented by none."""
    return "CS" + order_minute(moment) + "".join(secrets.choice(ALPHABET) for _ in range(5))


def new_ca_id() -> str:
    return str(uuid.uuid4())


def new_request_id() -> str:
    return uuid.uuid4().hex


class CertificateIds:
    """★ `scs` + 13 digits of epoch milliseconds, never twice; runs ahead of the clock when sales are fast."""

    def __init__(self, last: int = 0) -> None:
        self._last = last
        self._lock = threading.Lock()

    def take(self, count: int, moment: int) -> list[str]:
        with self._lock:
            first = max(self._last + 1, moment)
            self._last = first + count - 1
        return [f"scs{first + index}" for index in range(count)]
