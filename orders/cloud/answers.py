"""Reading the cloud's JSON: strictly, because the documents' own samples are not valid JSON (contract A.1).

An object that repeats a key, holds NaN or is nested too deeply is not guessed at: it is no answer.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NoReturn, TypeAlias

from .errors import LookupFailed

JsonObject: TypeAlias = Mapping[str, Any]

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CODE = re.compile(r"[A-Za-z0-9._-]{3,36}")
_MESSAGE_CAP = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """What a purchase answer names: one order and the certificates or CAs it created."""

    order_id: str
    item_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceError:
    """`error_code` and `error_msg`, the shape of the services and of the gateway (contract C.1)."""

    code: str
    message: str


def json_object(body: bytes) -> JsonObject | None:
    """The JSON object in a body, or None if the body is anything else."""
    try:
        found = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_unique_keys,
            parse_constant=_refuse,
            parse_float=Decimal,
        )
    except (ValueError, ArithmeticError, RecursionError):  # Decimal has limits of its own
        return None
    return found if isinstance(found, dict) else None


def service_error(body: bytes) -> ServiceError | None:
    found = json_object(body)
    if found is None:
        return None
    code, message = found.get("error_code"), found.get("error_msg")
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        return None
    return ServiceError(code=code, message=message[:_MESSAGE_CAP] if isinstance(message, str) else "")


def well_formed_id(value: object) -> str | None:
    """An order, certificate or CA id: samples are 16 to 36 characters, documents allow 64 (contract A, B)."""
    return value if isinstance(value, str) and _ID.fullmatch(value) else None


def rows(found: JsonObject, key: str) -> list[JsonObject]:
    """The objects of a list. A list may be absent or null only beside a count of nothing."""
    value = found.get(key)
    if value is None and 0 in (found.get("total_count"), found.get("total")):
        return []
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise _unexpected(key)
    return value


def an_id(row: JsonObject, key: str) -> str:
    value = well_formed_id(row.get(key))
    if value is None:
        raise _unexpected(key)
    return value


def text(row: JsonObject, key: str) -> str:
    """A string; absent and null are the empty one."""
    value = row.get(key)
    if value is not None and not isinstance(value, str):
        raise _unexpected(key)
    return value or ""


def whole(row: JsonObject, key: str) -> int:
    value = whole_or_none(row, key)
    if value is None:
        raise _unexpected(key)
    return value


def whole_or_none(row: JsonObject, key: str) -> int | None:
    value = row.get(key)
    if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
        raise _unexpected(key)
    return value


def amount_or_none(row: JsonObject, key: str) -> Decimal | None:
    value = row.get(key)
    if value is None or isinstance(value, Decimal):
        return value
    if not isinstance(value, int) or isinstance(value, bool):
        raise _unexpected(key)
    return Decimal(value)


def utc_or_none(row: JsonObject, key: str) -> datetime | None:
    """Billing's `yyyy-MM-dd'T'HH:mm:ss'Z'`."""
    value = text(row, key)
    if not value:
        return None
    try:
        return datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError as exc:
        raise _unexpected(key) from exc


def millis_or_none(row: JsonObject, key: str) -> datetime | None:
    """Milliseconds since 1970, as PCA counts time."""
    value = whole_or_none(row, key)
    if value is None:
        return None
    try:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=value)
    except OverflowError as exc:
        raise _unexpected(key) from exc


def _unexpected(key: str) -> LookupFailed:
    return LookupFailed(f"The answer to a look-up has an unexpected shape at {key!r}.")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is repeated")
    return found


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
