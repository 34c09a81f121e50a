"""Tokens that carry their own proof: signed with a key kept in the ledger, so they survive a restart."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import asdict, dataclass

from sandbox.moments import token_time

LIFETIME_MS = 24 * 3600 * 1000  # contract D.1


@dataclass(frozen=True, slots=True)
class Claims:
    user_name: str
    domain_id: str
    project_id: str
    issued_ms: int
    nonce: str

    @property
    def expires_ms(self) -> int:
        return self.issued_ms + LIFETIME_MS

    @property
    def expires_at(self) -> str:
        return token_time(self.expires_ms)


class Tokens:
    def __init__(self, key: bytes) -> None:
        self._key = key

    def issue(self, claims: Claims) -> str:
        payload = base64.urlsafe_b64encode(json.dumps(asdict(claims)).encode()).decode()
        return f"MII{payload}.{self._seal(payload)}"

    def read(self, token: str) -> Claims | None:
        """The claims of a token of ours, expired or not; None for anything else."""
        payload, _, seal = token.removeprefix("MII").partition(".")
        if not seal.isascii() or not hmac.compare_digest(self._seal(payload), seal):
            return None
        return Claims(**json.loads(base64.urlsafe_b64decode(payload)))

    def _seal(self, payload: str) -> str:
        return hmac.new(self._key, payload.encode(), hashlib.sha256).hexdigest()
