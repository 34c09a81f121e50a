"""Which error codes prove what, as data. Reviewed row by row; a code that is not here proves nothing.

No page of the cloud guarantees literally that the gateway's codes mean "the service was not reached"; that
classification is the contract's (C.4), made from the documented cause of each code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refusal:
    """The service looked at the order and refused it. `code` is a pattern, `statuses` the documented ones."""

    code: str
    statuses: frozenset[int]
    source: str

    def matches(self, code: str, status: int) -> bool:
        return status in self.statuses and re.fullmatch(self.code, code) is not None


@dataclass(frozen=True, slots=True)
class GatewayStop:
    """The gateway turned the request away before the service.

    `renew`: with fresh authentication it may pass. `permanent`: a person must change something first.
    """

    number: str
    statuses: frozenset[int]
    source: str
    renew: bool = False
    permanent: bool = False
    prefixes: tuple[str, ...] = ("APIGW.", "APIG.")

    def matches(self, code: str, status: int) -> bool:
        return status in self.statuses and any(code == prefix + self.number for prefix in self.prefixes)


def _on(*statuses: int) -> frozenset[int]:
    return frozenset(statuses)


REFUSED: tuple[Refusal, ...] = (
    Refusal(r"SCM\.0005", _on(400), "C.7; C.2 current table: incorrect request parameter"),
    Refusal(r"SCM\.0002", _on(403), "C.7; C.2 current table: project does not match the token"),
    Refusal(r"SCM\.0003", _on(400), "C.7; C.2 newer table: tenant has no privilege"),
    Refusal(r"SCM\.1000", _on(401), "C.7; C.2 current table: token not authenticated"),
    Refusal(r"SCM\.1004", _on(401), "C.7; C.2 current table: open beta test"),
    Refusal(r"SCM\.1009", _on(401), "C.7; C.2 current table: account restricted"),
    Refusal(r"SCM\.1010", _on(401), "C.7; C.2 current table: account frozen"),
    Refusal(r"SCM\.4002", _on(401), "C.7; C.2 current table: no permission"),
    # The 2020 table gives these no status of their own, only "400, 500 and so on"; 5xx proves nothing.
    Refusal(r"SCM\.0036", _on(400), "C.7; C.2 older table: domain count does not match product"),
    Refusal(r"SCM\.0049", _on(400), "C.7; C.2 older table: brand"),
    Refusal(r"SCM\.0050", _on(400), "C.7; C.2 older table: certificate type"),
    Refusal(r"SCM\.0051", _on(400), "C.7; C.2 older table: domain type"),
    Refusal(r"SCM\.0052", _on(400), "C.7; C.2 older table: validity"),
    Refusal(r"SCM\.0060", _on(400), "C.7; C.2 older table: order quantity"),
    # The full PCA table is not published; C.7 takes these two families as a whole.
    Refusal(r"PCA\.0001\d{4}", _on(401), "C.7; C.3: token missing or expired, account frozen"),
    Refusal(r"PCA\.0002\d{4}", _on(400), "C.7; C.3: parameters"),
)

NOT_REACHED: tuple[GatewayStop, ...] = (
    GatewayStop("0101", _on(404), "C.4: API not found or not published", permanent=True),
    # Under the older prefix 0103 to 0105 are 500, which proves nothing about money.
    GatewayStop("0103", _on(404), "C.4: backend missing", permanent=True, prefixes=("APIGW.",)),
    GatewayStop("0104", _on(400), "C.4: plug-in missing", permanent=True, prefixes=("APIGW.",)),
    GatewayStop("0105", _on(400), "C.4: configuration missing", permanent=True, prefixes=("APIGW.",)),
    GatewayStop("0106", _on(400), "C.4: orchestration missing", permanent=True),
    # The same number on 500, 502 and 504 is the classic double purchase, and not here.
    GatewayStop("0201", _on(400, 413, 414, 494), "C.4: malformed or too large", permanent=True),
    GatewayStop("0204", _on(400), "C.4: TLS version"),
    GatewayStop("0301", _on(401), "C.4: authentication wrong or expired", renew=True),
    GatewayStop("0302", _on(403), "C.4: IAM user not authorised"),
    GatewayStop("0303", _on(401), "C.4: app authentication"),
    GatewayStop("0304", _on(403), "C.4: app denied"),
    GatewayStop("0305", _on(401), "C.4: app authentication"),
    GatewayStop("0306", _on(403), "C.4: app denied"),
    GatewayStop("0307", _on(401), "C.4: token must be updated", renew=True),
    GatewayStop("0308", _on(429), "C.4: throttled"),
    GatewayStop("0310", _on(403), "C.4: project unavailable"),
    GatewayStop("0311", _on(401), "C.4: debug authentication"),
    GatewayStop("0401", _on(403), "C.4: client address"),
    GatewayStop("0402", _on(403), "C.4: client address"),
    GatewayStop("0404", _on(403), "C.4: backend address denied"),
    GatewayStop("0501", _on(405), "C.4: quota"),
    GatewayStop("0502", _on(405), "C.4: frozen"),
    GatewayStop("0602", _on(400), "C.4: bad request"),
    GatewayStop("0607", _on(400), "C.4: protocol"),
    GatewayStop("0613", _on(503), "C.4: IAM unavailable, so nobody was let through"),
    GatewayStop("0801", _on(403), "C.4: service forbidden in the region"),
    GatewayStop("0802", _on(403), "C.4: user forbidden in the region"),
)

# C.7: ambiguous whatever the status.
AMBIGUOUS = frozenset({"SCM.0000", "SCM.3000", "SCM.0004", "SCM.0016", "SCM.0019", "SCM.0064"})

RENEWAL_CODES = frozenset(prefix + stop.number for stop in NOT_REACHED if stop.renew for prefix in stop.prefixes)
