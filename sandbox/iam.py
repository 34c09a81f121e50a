"""IAM: tokens by password (contract D.1, C.5), and the two look-ups that the SDK makes for a missing id."""

from __future__ import annotations

import hmac
import secrets
from typing import Any, NoReturn

from sandbox.account import Account
from sandbox.bodies import JsonObject, NotJsonError, read_object
from sandbox.cloud import Call, Cloud
from sandbox.messages import IamError, Reply, Request, as_json
from sandbox.moments import now_ms, token_time
from sandbox.tokens import Claims


def create_token(cloud: Cloud, request: Request) -> Reply:
    """POST /v3/auth/tokens → 201, the token in X-Subject-Token, valid for 24 hours; old ones stay valid."""
    auth = _read(request)
    _check_password(auth, cloud.account)
    project_id, scope = _scope(_object(auth, "scope"), cloud.account)
    claims = Claims(cloud.account.user, cloud.account.domain_id, project_id, now_ms(), secrets.token_hex(8))
    body = {"token": _describe(claims, scope, cloud.account)}
    if not request.parameter("nocatalog"):
        body["token"]["catalog"] = []
    token = cloud.tokens.issue(claims)
    return as_json(body, 201, (("X-Subject-Token", token), ("X-IAM-Trace-Id", f"token_{request.request_id}")))


def show_token(call: Call) -> Reply:
    """GET /v3/auth/tokens with X-Subject-Token: is it still good?"""
    subject = call.request.header("x-subject-token")
    claims = call.cloud.tokens.read(subject) if subject else None
    if claims is None or claims.expires_ms <= now_ms():
        raise IamError(404, "The token could not be found.")
    account = call.cloud.account
    scope = _project(account) if claims.project_id else _domain(account)
    return as_json({"token": _describe(claims, scope, account)}, headers=(("X-Subject-Token", subject),))


def list_domains(call: Call) -> Reply:
    account = call.cloud.account
    return as_json({"domains": [{"id": account.domain_id, "name": account.domain_name, "enabled": True}]})


def list_projects(call: Call) -> Reply:
    account = call.cloud.account
    found = call.request.parameter("name") in (None, account.project_name)
    project = {
        "id": account.project_id,
        "name": account.project_name,
        "domain_id": account.domain_id,
        "enabled": True,
    }
    return as_json({"projects": [project] if found else []})


def _invalid() -> NoReturn:
    raise IamError(400, "The request body is invalid")


def _read(request: Request) -> JsonObject:
    if not request.is_json:
        _invalid()
    try:
        return _object(read_object(request.body), "auth")
    except NotJsonError:
        _invalid()


def _object(parent: JsonObject, name: str) -> JsonObject:
    value = parent.get(name)
    return value if isinstance(value, dict) else _invalid()


def _text(parent: JsonObject, name: str) -> str:
    value = parent.get(name)
    return value if isinstance(value, str) and value else _invalid()


def _check_password(auth: JsonObject, account: Account) -> None:
    identity = _object(auth, "identity")
    if identity.get("methods") != ["password"]:
        _invalid()
    user = _object(_object(identity, "password"), "user")
    given = (_text(user, "name"), _text(_object(user, "domain"), "name"), _text(user, "password"))
    wanted = (account.user, account.domain_name, account.password)
    matches = [hmac.compare_digest(a.encode(), b.encode()) for a, b in zip(given, wanted, strict=True)]
    if not all(matches):
        raise IamError(401, "The username or password is wrong.")


def _scope(scope: JsonObject, account: Account) -> tuple[str, dict[str, Any]]:
    """Project or domain, by id or name; when both are given the project wins. ★ An unknown one is 404."""
    if "project" in scope:
        _check_named(_object(scope, "project"), account.project_id, account.project_name, "project")
        return account.project_id, _project(account)
    _check_named(_object(scope, "domain"), account.domain_id, account.domain_name, "domain")
    return "", _domain(account)


def _check_named(wanted: JsonObject, own_id: str, own_name: str, kind: str) -> None:
    by_id = "id" in wanted
    if _text(wanted, "id" if by_id else "name") != (own_id if by_id else own_name):
        raise IamError(404, f"The {kind} could not be found.")


def _domain(account: Account) -> dict[str, Any]:
    return {"domain": {"id": account.domain_id, "name": account.domain_name}}


def _project(account: Account) -> dict[str, Any]:
    return {"project": {"id": account.project_id, "name": account.project_name, **_domain(account)}}


def _describe(claims: Claims, scope: dict[str, Any], account: Account) -> dict[str, Any]:
    return {
        "expires_at": claims.expires_at,
        "issued_at": token_time(claims.issued_ms),
        "methods": ["password"],
        "roles": [{"id": "0", "name": "te_admin"}],
        "user": {"id": account.user_id, "name": account.user, "password_expires_at": "", **_domain(account)},
        **scope,
    }
