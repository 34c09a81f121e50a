"""Who is calling: a token of ours in X-Auth-Token, or a verified AK/SK signature (contract D, G.1, C.4)."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from sandbox import signature
from sandbox.account import Account
from sandbox.messages import ApiError, Request
from sandbox.moments import now_ms, parse_signing_time, wall_ms
from sandbox.tokens import Tokens

WINDOW_MS = 15 * 60 * 1000
MUST_BE_SIGNED = {"host", "x-sdk-date"}  # ★ else the signature would hold for any host and any time


@dataclass(frozen=True, slots=True)
class Caller:
    """`project_id` is empty for a token with domain scope."""

    user_name: str
    domain_id: str
    project_id: str


def _denied(reason: str) -> ApiError:
    return ApiError(401, "APIGW.0301", f"Incorrect IAM authentication information: {reason}")


def authenticate(request: Request, account: Account, tokens: Tokens) -> Caller:
    """★ A token wins when both are sent; no document says what the gateway does."""
    token = request.header("x-auth-token")
    if token:
        return _by_token(token, tokens)
    if request.header("authorization"):
        return _by_signature(request, account)
    raise _denied("x-auth-token not found")


def _by_token(token: str, tokens: Tokens) -> Caller:
    claims = tokens.read(token)
    if claims is None:
        raise _denied("decrypt token fail")
    if claims.expires_ms <= now_ms():
        raise _denied(f"token expires, expires_at: {claims.expires_at}")
    return Caller(claims.user_name, claims.domain_id, claims.project_id)


def _by_signature(request: Request, account: Account) -> Caller:
    """★ The lock after five bad signatures (contract C.4) is left out: one typo would stop a whole demo."""
    found = signature.parse(request.header("authorization"))
    if found is None:
        raise _denied("verify aksk signature fail, the Authorization header is malformed")
    if found.ak != account.ak:
        raise _denied("Get secretKey failed,ak:***,err:ak not exist")
    _check_signed_headers(request, found.signed_headers)
    _check_clock(request)
    expected = signature.sign(request, found.signed_headers, account.sk)
    if not hmac.compare_digest(expected, found.signature):
        raise _denied("verify aksk signature fail, signature mismatch")
    _check_ids(request, account)
    return Caller(account.user, account.domain_id, account.project_id)


def _check_signed_headers(request: Request, names: tuple[str, ...]) -> None:
    if not set(names) >= MUST_BE_SIGNED:
        raise _denied("verify aksk signature fail, host and x-sdk-date must be signed")
    missing = [name for name in names if name not in request.headers]
    if missing:
        raise _denied(f"verify aksk signature fail, signed header {missing[0]} not found")


def _check_clock(request: Request) -> None:
    stamp = request.header("x-sdk-date")
    try:
        signed_at = parse_signing_time(stamp)
    except ValueError:
        raise _denied("verify aksk signature fail, X-Sdk-Date is malformed") from None
    now = wall_ms()
    if abs(now - signed_at) > WINDOW_MS:
        raise _denied(f"signature expired, signature time:{stamp},server time:{now // 1000}")


def _check_ids(request: Request, account: Account) -> None:
    """★ An id header that names another account is refused; the documents do not say how."""
    if request.header("x-project-id") not in ("", account.project_id):
        raise ApiError(403, "APIGW.0310", "The project is unavailable")
    if request.header("x-domain-id") not in ("", account.domain_id):
        raise _denied("X-Domain-Id does not belong to the access key")
