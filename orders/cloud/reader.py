"""Questions that may safely be asked again: look-ups and tokens."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

from .calls import Call, Timeouts
from .errors import LookupFailed
from .exchange import Exchange
from .secret import NeverPickled
from .transport import Headers, Wire, converse

BODY_CAP = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(NeverPickled):
    """A complete answer. Header names are lower case; one of them may be a token."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Asks on the same terms as a submission: one new connection, one request, one deadline, no retries.

    Connections are not kept: one that the server closed meanwhile is a failure that only a retry could hide.
    """

    timeouts: Timeouts
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    def fetch(self, call: Call) -> Answer:
        """The complete answer, whatever its status; LookupFailed if there is none."""
        exchange = Exchange.of(call)
        wire = Wire(exchange=exchange, timeouts=self.timeouts, before_first_byte=_no_claim)
        head: Headers = []
        converse(call, wire, tls=self.tls, on_head=head.extend, body_cap=BODY_CAP)
        if exchange.status is None or exchange.body is None:
            message = f"{call.service} could not be asked: {exchange.error} while {exchange.phase}."
            raise LookupFailed(message, status=exchange.status) from wire.trouble
        headers = {name.decode("ascii").lower(): value.decode("latin-1") for name, value in head}
        return Answer(status=exchange.status, headers=headers, body=exchange.body, request_id=exchange.request_id)


def _no_claim() -> None:
    """A question costs nothing, so nothing has to be claimed before it."""
