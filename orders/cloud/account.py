"""One cloud account: where its services are, who we are there, and how to talk to them."""

from __future__ import annotations

import dataclasses
import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from . import pca, scm
from .answers import JsonObject, Purchase, json_object, service_error
from .auth import Authentication
from .calls import Call, Timeouts, check_origin
from .codes import RENEWAL_CODES
from .errors import BadEndpoint, LookupFailed
from .reader import Answer, Reader

APIS = ("scm.v2", "scm.v3", "pca.v1")
SERVICES = frozenset({"scm", "pca", "iam", "bss"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Everything needed to buy and to look back. It is the gate that every look-up passes."""

    endpoints: Mapping[str, str]
    """One origin for each of SERVICES: a second one would be a second place to buy (contract C.1)."""

    project_id: str
    domain_id: str
    authentication: Authentication = field(repr=False)
    timeouts: Timeouts = field(default_factory=Timeouts)
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if set(self.endpoints) != SERVICES:
            raise BadEndpoint("An account needs exactly one endpoint for each of scm, pca, iam and bss.")
        for origin in self.endpoints.values():
            check_origin(origin)

    def purchase_call(self, api: str, body: bytes) -> Call:
        """The purchase of this exact body, not yet authenticated. Raises BadEndpoint."""
        match api:
            case "scm.v2" | "scm.v3":
                origin = self.endpoints["scm"]
                return scm.purchase_call(api, origin=origin, project_id=self.project_id, body=body)
            case "pca.v1":
                return pca.order_call(origin=self.endpoints["pca"], body=body)
        raise BadEndpoint("There is no API of this name to buy through.")

    def parser(self, api: str) -> Callable[[bytes], Purchase | None]:
        """What reads the answer to that purchase."""
        if api not in APIS:
            raise BadEndpoint("There is no API of this name to buy through.")
        return pca.parse_order if api == "pca.v1" else scm.parse_purchase

    def authenticated(self, call: Call, *, now: datetime) -> Call:
        """The call with its authentication. Raises NotSent; a signature is good for 15 minutes (D.2)."""
        headers = {**call.headers, **self.authentication.headers(call, now=now)}
        return dataclasses.replace(call, headers=headers)

    def ask(
        self,
        *,
        service: str,
        path: str,
        query: tuple[tuple[str, str], ...] = (),
        body: JsonObject | None = None,
    ) -> JsonObject:
        """One look-up: the JSON object of a 200. Raises LookupFailed, or NotSent without credentials."""
        call = Call(
            service=service,
            method="GET" if body is None else "POST",
            origin=self.endpoints[service],
            path=path,
            query=query,
            body=b"" if body is None else json.dumps(body).encode(),
        )
        reader = Reader(timeouts=self.timeouts, tls=self.tls)
        answer = reader.fetch(self.authenticated(call, now=datetime.now(UTC)))
        return self._object_of(answer)

    def _object_of(self, answer: Answer) -> JsonObject:
        error = service_error(answer.body)
        code = error.code if error is not None else ""
        if code in RENEWAL_CODES:
            self.authentication.renew()  # for the next look-up; this one has failed
        found = json_object(answer.body)
        if answer.status != 200 or code or found is None:
            message = f"The look-up was answered with {answer.status} {code}".rstrip() + "."
            raise LookupFailed(message, status=answer.status, code=code)
        return found
