"""One executed purchase: what was ordered, by whom, when, and what it became."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.moments import rfc3339

PROCESSING, CANCELLED, COMPLETED, PENDING_PAYMENT = 3, 4, 5, 6  # BSS order status (contract E.3)

# ★ "Create + 7 days" stands in an older billing document (contract B, is_auto_pay: unpaid).
PAYMENT_WINDOW_MS = 7 * 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Timing:
    """When a purchase happens, when the look-back sees it, and whether the money is there: set by faults."""

    execute_after: float = 0.0
    visible_after: float = 0.0
    payment_fails: bool = False


@dataclass(frozen=True, slots=True)
class Goods:
    """What is ordered, in the words that billing uses for every product."""

    service_type: str
    resource_type: str
    spec: str
    period_type: int
    period_num: int
    quantity: int
    amount: float
    enterprise_project_id: str = "0"
    facts: dict[str, Any] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Purchase:
    order_id: str
    service: str
    user_name: str
    request_id: str
    executed_ms: int
    visible_ms: int
    paid_ms: int | None
    goods: Goods
    body: str
    body_sha256: str
    item_ids: tuple[str, ...]
    cancelled_ms: int | None = None

    @property
    def payment_deadline_ms(self) -> int:
        return self.executed_ms + PAYMENT_WINDOW_MS

    def status(self, now: int, processing_ms: int) -> int:
        """is_auto_pay 0 stays 6 until paid or given up; paid is 3 for a moment, then 5 (contract B)."""
        if self.cancelled_ms is not None:
            return CANCELLED
        if self.paid_ms is None:
            return CANCELLED if now >= self.payment_deadline_ms else PENDING_PAYMENT
        return COMPLETED if now >= self.paid_ms + processing_ms else PROCESSING

    def witness(self) -> dict[str, Any]:
        """The ledger's own line: what reliability tests compare the portal with."""
        return {
            "service": self.service,
            "order_id": self.order_id,
            "item_ids": list(self.item_ids),
            "body": self.body,
            "body_sha256": self.body_sha256,
            "time": rfc3339(self.executed_ms),
            "request_id": self.request_id,
            "visible_at": rfc3339(self.visible_ms),
            "user_name": self.user_name,
            "paid": self.paid_ms is not None,
        }
