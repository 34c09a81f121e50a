"""Private CAs: ordering and looking back (contract B, E.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from .answers import (
    JsonObject,
    Purchase,
    an_id,
    json_object,
    millis_or_none,
    rows,
    text,
    well_formed_id,
    whole,
    whole_or_none,
)
from .calls import Call
from .errors import LookupFailed
from .lookups import Gate, checked_id, every_page

_PATH = "/v1/private-certificate-authorities"
_PAGE = 100  # the list takes up to 1000
# The documents say the first, a working client saw the second (E.2).
_MISSING = {(404, "PCA.00030102"), (400, "PCA.10010002")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A private CA as the cloud shows it. Nothing here names the order that created it (E.2)."""

    ca_id: str
    status: str
    ca_type: str
    created_at: datetime | None
    charging_mode: int | None  # 0 prepaid, 1 on demand
    enterprise_project_id: str


def order_call(*, origin: str, body: bytes) -> Call:
    """The one POST that spends money."""
    return Call(service="pca", method="POST", origin=origin, path=f"{_PATH}/order", body=body)


def parse_order(body: bytes) -> Purchase | None:
    """`{"order_id": …, "ca_ids": […]}`; None unless the order id is well formed."""
    found = json_object(body)
    order_id = well_formed_id(found.get("order_id")) if found is not None else None
    if found is None or order_id is None:
        return None
    listed = found.get("ca_ids")
    ids = (well_formed_id(entry) for entry in (listed if isinstance(listed, list) else []))
    return Purchase(order_id=order_id, item_ids=tuple(item for item in ids if item is not None))


def list_authorities(gate: Gate, *, status: str = "") -> tuple[Authority, ...]:
    """Every CA, newest first. Whether an unpaid one is listed is not documented."""

    def page(offset: int) -> tuple[list[Authority], int]:
        query = [
            ("limit", str(_PAGE)),
            ("offset", str(offset)),
            ("sort_dir", "DESC"),
            ("sort_key", "create_time"),
        ]
        if status:
            query.append(("status", status))
        answer = gate.ask(service="pca", path=_PATH, query=tuple(query))
        return [_authority(row) for row in rows(answer, "certificate_authorities")], whole(answer, "total")

    return every_page(page, key=lambda authority: authority.ca_id)


def show_authority(gate: Gate, ca_id: str) -> Authority | None:
    """One CA, or None if the service says that there is none."""
    try:
        return _authority(gate.ask(service="pca", path=f"{_PATH}/{checked_id(ca_id)}"))
    except LookupFailed as exc:
        if (exc.status, exc.code) in _MISSING:
            return None
        raise


def _authority(row: JsonObject) -> Authority:
    return Authority(
        ca_id=an_id(row, "ca_id"),
        status=text(row, "status"),
        ca_type=text(row, "type"),
        created_at=millis_or_none(row, "create_time"),
        charging_mode=whole_or_none(row, "charging_mode"),
        enterprise_project_id=text(row, "enterprise_project_id"),
    )
