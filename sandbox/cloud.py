"""What every service shares: the account, the ledger and the one way to sell something."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.account import Account
from sandbox.auth import Caller
from sandbox.identifiers import CertificateIds, new_order_id
from sandbox.ledger import Ledger
from sandbox.messages import Reply, Request
from sandbox.moments import now_ms
from sandbox.purchase import Goods, Purchase, Timing
from sandbox.tokens import Tokens


class Cloud:
    def __init__(self, account: Account, ledger: Ledger, processing_ms: int = 1000) -> None:
        self.account = account
        self.ledger = ledger
        self.processing_ms = processing_ms  # ★ how long a paid order stays 3 before it is 5
        self.tokens = Tokens(ledger.secret("token-key", secrets.token_bytes(32)))
        self.certificate_ids = CertificateIds(ledger.last_certificate_number())


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request on its way to a service. `timing` is normal unless a fault says otherwise."""

    cloud: Cloud
    request: Request
    caller: Caller
    path: dict[str, str]
    timing: Timing = field(default_factory=Timing)


Service = Callable[[Call], Reply]


def sell(call: Call, service: str, goods: Goods, item_ids: list[str], *, auto_pay: bool) -> Purchase:
    """Execute a purchase: it is on disk when this returns. The same body twice is two orders."""
    moment = now_ms() + round(call.timing.execute_after * 1000)
    while True:
        purchase = Purchase(
            order_id=new_order_id(moment),
            service=service,
            user_name=call.caller.user_name,
            request_id=call.request.request_id,
            executed_ms=moment,
            visible_ms=moment + round(call.timing.visible_after * 1000),
            paid_ms=moment if auto_pay and not call.timing.payment_fails else None,
            goods=goods,
            body=call.request.body.decode("utf-8"),
            body_sha256=hashlib.sha256(call.request.body).hexdigest(),
            item_ids=tuple(item_ids),
        )
        try:
            call.cloud.ledger.record(purchase)
        except sqlite3.IntegrityError:  # the five random characters met before: one in sixty million a minute
            continue
        return purchase
