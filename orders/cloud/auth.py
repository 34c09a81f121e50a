"""Authentication: what it offers, and signing with an access key (contract D.2, D.3)."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import quote, unquote

from .calls import Call
from .errors import CredentialsRefused
from .secret import NeverPickled, Secret

__all__ = ["AccessKey", "Authentication", "Secret"]

ALGORITHM = "SDK-HMAC-SHA256"


class Authentication(Protocol):
    """Gives the headers that let one call pass."""

    def headers(self, call: Call, *, now: datetime) -> dict[str, str]:
        """Headers to add to this call. Raises NotSent."""
        ...

    def renew(self) -> None:
        """The cloud says that what we sent is out of date: forget it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class AccessKey(NeverPickled):
    """An access key and its secret key. The signature covers host, time, account and the exact body."""

    ak: str
    sk: Secret
    project_id: str
    domain_id: str

    def headers(self, call: Call, *, now: datetime) -> dict[str, str]:
        if not self.ak or not self.sk:
            raise CredentialsRefused("The access key or its secret key is not configured.")
        added = {**self._scope(call), "X-Sdk-Date": now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")}
        signed = {name.lower(): value for name, value in {**call.headers, **added}.items()}
        signed["host"] = call.host
        names = ";".join(sorted(signed))
        return added | {
            "Authorization": f"{ALGORITHM} Access={self.ak}, SignedHeaders={names}, "
            f"Signature={self._signature(canonical_request(call, signed), added['X-Sdk-Date'])}"
        }

    def renew(self) -> None:
        """Nothing is kept; every call is signed anew."""

    def _scope(self, call: Call) -> dict[str, str]:
        """v2 purchases belong to a project, everything else to the account (D.3)."""
        if call.service == "scm" and call.path.startswith("/v2/"):
            name, value = "X-Project-Id", self.project_id
        else:
            name, value = "X-Domain-Id", self.domain_id
        if not value:
            raise CredentialsRefused(f"The account's id for {name} is not configured.")
        return {name: value}

    def _signature(self, canonical: str, date: str) -> str:
        to_sign = f"{ALGORITHM}\n{date}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        return hmac.new(self.sk.reveal().encode(), to_sign.encode(), hashlib.sha256).hexdigest()


def canonical_request(call: Call, signed: dict[str, str]) -> str:
    """The text that is signed. Bodies here are always JSON, so the payload hash is theirs (D.2, step 1)."""
    path = "/".join(quote(unquote(segment), safe="~") for segment in call.path.split("/"))
    query = "&".join(f"{quote(key, safe='~')}={quote(value, safe='~')}" for key, value in sorted(call.query))
    headers = "".join(f"{name}:{signed[name].strip()}\n" for name in sorted(signed))
    return "\n".join(
        (
            call.method.upper(),
            path if path.endswith("/") else f"{path}/",
            query,
            headers,
            ";".join(sorted(signed)),
            hashlib.sha256(call.body).hexdigest(),
        )
    )
