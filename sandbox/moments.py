"""Time as this cloud writes it. Inside, every moment is an integer: milliseconds since the epoch."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8))


class _Clock:
    """Never goes back: a purchase must not vanish from the ledger because the machine's clock was set."""

    def __init__(self) -> None:
        self._latest = 0
        self._lock = threading.Lock()

    def __call__(self) -> int:
        with self._lock:
            self._latest = max(self._latest, wall_ms())
            return self._latest


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


now_ms = _Clock()


def from_ms(moment: int) -> datetime:
    return datetime.fromtimestamp(moment / 1000, UTC)


def rfc3339(moment: int) -> str:
    return from_ms(moment).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def billing_time(moment: int | None) -> str | None:
    """BSS: `yyyy-MM-dd'T'HH:mm:ss'Z'` (contract E.3)."""
    return None if moment is None else from_ms(moment).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_billing_time(text: str) -> int:
    """Raise ValueError on anything but the one documented form."""
    parsed = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    if parsed.strftime("%Y-%m-%dT%H:%M:%SZ") != text:
        raise ValueError(text)
    return int(parsed.timestamp() * 1000)


def token_time(moment: int) -> str:
    """IAM: `2020-01-04T09:05:22.701000Z` (contract D.1)."""
    return from_ms(moment).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_signing_time(text: str) -> int:
    """`X-Sdk-Date`: `yyyyMMdd'T'HHmmss'Z'` (contract D.2, step 2)."""
    return int(datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp() * 1000)


def order_minute(moment: int) -> str:
    """The time inside an order id: yyMMddHHmm in UTC+8 (contract E.1)."""
    return from_ms(moment).astimezone(CHINA).strftime("%y%m%d%H%M")
