"""Authentication as an IAM user: a token for a name and a password (contract D.1, C.5)."""

from __future__ import annotations

import json
import ssl
import threading
from datetime import UTC, datetime, timedelta

from .answers import json_object
from .calls import Call, Timeouts
from .errors import CredentialsRefused, IamUnavailable, LookupFailed
from .reader import Answer, Reader
from .secret import NeverPickled, Secret

_MARGIN = timedelta(minutes=5)
_REFUSALS = frozenset({400, 401, 403, 404})  # C.5: the request or the user is wrong; trying again locks the user


class Token(NeverPickled):
    """`X-Auth-Token` of a project scope, kept until five minutes before it expires.

    The documents want project scope for SCM and CCM; which scope billing wants from a token is not documented
    (D.1), so billing gets the same one.
    """

    def __init__(
        self,
        *,
        origin: str,
        user: str,
        password: Secret,
        domain: str,
        project_id: str,
        timeouts: Timeouts,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._origin = origin
        self._user = user
        self._password = password
        self._domain = domain
        self._project_id = project_id
        self._reader = Reader(timeouts=timeouts, tls=tls)
        self._lock = threading.Lock()
        self._token: Secret | None = None
        self._renew_at = datetime.min.replace(tzinfo=UTC)

    def __repr__(self) -> str:
        return f"Token(user={self._user!r}, domain={self._domain!r})"

    def headers(self, call: Call, *, now: datetime) -> dict[str, str]:  # noqa: ARG002
        """Whatever the call: a token is not bound to one."""
        with self._lock:
            if self._token is None or now >= self._renew_at:
                self._token, self._renew_at = self._ask()
            return {"X-Auth-Token": self._token.reveal()}

    def renew(self) -> None:
        with self._lock:
            self._token = None

    def _ask(self) -> tuple[Secret, datetime]:
        if not self._user or not self._password:
            raise CredentialsRefused("The IAM user or its password is not configured.")
        try:
            answer = self._reader.fetch(self._call())
        except LookupFailed as exc:
            raise IamUnavailable("IAM could not be asked for a token.") from exc
        if answer.status in _REFUSALS:
            raise CredentialsRefused("IAM does not accept the IAM user.", status=answer.status)
        token, expires_at = answer.headers.get("x-subject-token", ""), _expires_at(answer)
        if answer.status != 201 or not token or expires_at is None:
            raise IamUnavailable("IAM gave no token that can be used.", status=answer.status)
        return Secret(token), expires_at - _MARGIN

    def _call(self) -> Call:
        domain = {"name": self._domain}
        user = {"name": self._user, "password": self._password.reveal(), "domain": domain}
        identity = {"methods": ["password"], "password": {"user": user}}
        auth = {"identity": identity, "scope": {"project": {"id": self._project_id}}}
        return Call(
            service="iam",
            method="POST",
            origin=self._origin,
            path="/v3/auth/tokens",
            query=(("nocatalog", "true"),),
            headers={"Content-Type": "application/json;charset=utf8"},
            body=json.dumps({"auth": auth}).encode(),
        )


def _expires_at(answer: Answer) -> datetime | None:
    """`2020-01-04T09:05:22.701000Z`."""
    token = (json_object(answer.body) or {}).get("token")
    value = token.get("expires_at") if isinstance(token, dict) else None
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return moment if moment is not None and moment.tzinfo is not None else None
