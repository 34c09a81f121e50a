"""SSL certificates: buying through v2 and v3, and looking back through v3 (contract A, E.1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .answers import (
    JsonObject,
    Purchase,
    an_id,
    json_object,
    rows,
    text,
    well_formed_id,
    whole,
    whole_or_none,
)
from .calls import Call
from .errors import BadEndpoint, LookupFailed
from .lookups import Gate, checked_id, every_page

PurchaseApi = Literal["scm.v2", "scm.v3"]

LIST_LIMITS = (10, 20, 50)
LIST_OFFSET_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A certificate as the cloud shows it. Enumerations are open; lists never tell the order id (E.1)."""

    cert_id: str
    order_id: str | None
    name: str
    status: str
    brand: str
    cert_type: str
    domain_type: str
    domain: str
    domain_count: int | None
    wildcard_count: int | None
    validity_months: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateList:
    """The rows the list would show. It shows at most about 150; `complete` says whether that was all."""

    certificates: tuple[Certificate, ...]
    total_count: int

    @property
    def complete(self) -> bool:
        return len(self.certificates) >= self.total_count


def purchase_call(api: PurchaseApi, *, origin: str, project_id: str, body: bytes) -> Call:
    """The one POST that spends money. v3 has no project id in its path (contract A.1, A.2)."""
    if api == "scm.v3":
        path = "/v3/scm/certificates/buy"
    elif well_formed_id(project_id) is not None:
        path = f"/v2/{project_id}/scm/cert/purchase"
    else:
        raise BadEndpoint("The project id is missing or not valid.")
    return Call(service="scm", method="POST", origin=origin, path=path, body=body)


def parse_purchase(body: bytes) -> Purchase | None:
    """`{"order_id": …, "cert": [{"cert_id": …}]}`; None unless the order id is well formed."""
    found = json_object(body)
    order_id = well_formed_id(found.get("order_id")) if found is not None else None
    if found is None or order_id is None:
        return None
    listed = found.get("cert")
    entries = listed if isinstance(listed, list) else []
    ids = (well_formed_id(entry.get("cert_id")) for entry in entries if isinstance(entry, dict))
    return Purchase(order_id=order_id, item_ids=tuple(item for item in ids if item is not None))


def list_certificates(gate: Gate, *, status: str = "ALL", limit: int = 50) -> CertificateList:
    """The most recently changed certificates, as far as the list reaches: offset 100 plus one page.

    Whether `offset` counts rows or pages is not documented. Rows are told apart by id, so that either works.
    """
    if limit not in LIST_LIMITS:
        raise ValueError("the list takes limits of 10, 20 and 50 only")
    found: dict[str, Certificate] = {}
    total = 0
    for offset in range(0, LIST_OFFSET_MAX + 1, limit):
        answer = gate.ask(service="scm", path="/v3/scm/certificates", query=_list_query(status, limit, offset))
        batch = [_certificate(row) for row in rows(answer, "certificates")]
        total = whole(answer, "total_count")
        found.update((certificate.cert_id, certificate) for certificate in batch)
        if len(found) >= total or not batch:
            break
    return CertificateList(certificates=tuple(found.values()), total_count=total)


def show_certificate(gate: Gate, cert_id: str) -> Certificate | None:
    """One certificate with its order id, or None if the service says that there is none (404, E.1)."""
    try:
        answer = gate.ask(service="scm", path=f"/v3/scm/certificates/{checked_id(cert_id)}")
    except LookupFailed as exc:
        # The gateway says 404 as well, when it does not know the API: that is a failure, not an answer.
        if exc.status == 404 and (not exc.code or exc.code.startswith("SCM.")):
            return None
        raise
    return _certificate(answer)


def certificates_by_tag(gate: Gate, *, key: str, value: str) -> tuple[Certificate, ...]:
    """Every certificate that carries this tag; the one look-up that can name a lost v3 order (E.5)."""

    def page(offset: int) -> tuple[list[Certificate], int]:
        body = {"action": "filter", "tags": [{"key": key, "values": [value]}], "limit": 50, "offset": offset}
        answer = gate.ask(service="scm", path="/v3/scm/resource_instances/action", body=body)
        return [_tagged(row) for row in rows(answer, "resources")], whole(answer, "total_count")

    return every_page(page, key=lambda certificate: certificate.cert_id)


def _list_query(status: str, limit: int, offset: int) -> tuple[tuple[str, str], ...]:
    return (
        ("limit", str(limit)),
        ("offset", str(offset)),
        ("sort_key", "certUpdateTime"),
        ("sort_dir", "DESC"),
        ("status", status),
    )


def _certificate(row: JsonObject) -> Certificate:
    return Certificate(
        cert_id=an_id(row, "id"),
        order_id=well_formed_id(row.get("order_id")),
        name=text(row, "name"),
        status=text(row, "status"),
        brand=text(row, "brand"),
        cert_type=text(row, "type"),
        domain_type=text(row, "domain_type"),
        domain=text(row, "domain"),
        domain_count=whole_or_none(row, "domain_count"),
        wildcard_count=whole_or_none(row, "wildcard_count"),
        validity_months=whole_or_none(row, "validity_period"),
    )


def _tagged(row: JsonObject) -> Certificate:
    """The by-tag answer has names of its own for the same things."""
    detail = row.get("resource_detail")
    if not isinstance(detail, dict):
        raise LookupFailed("The answer to a look-up has an unexpected shape at 'resource_detail'.")
    return Certificate(
        cert_id=an_id(detail if "cert_id" in detail else row, "cert_id" if "cert_id" in detail else "resource_id"),
        order_id=None,
        name=text(detail, "cert_name"),
        status=text(detail, "order_status"),
        brand=text(detail, "cert_brand"),
        cert_type=text(detail, "cert_type"),
        domain_type=text(detail, "domain_type"),
        domain=text(detail, "domain"),
        domain_count=whole_or_none(detail, "domain_num"),
        wildcard_count=whole_or_none(detail, "wildcard_number"),
        validity_months=whole_or_none(detail, "purchase_period"),
    )
