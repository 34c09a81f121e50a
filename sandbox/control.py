"""/_sandbox/: the ledger as witness, the switches for faults, a page with buttons. Loopback only."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sandbox import page, pca, scm_buy
from sandbox.answering import PAUSE
from sandbox.arming import read_fault
from sandbox.auth import Caller
from sandbox.bodies import NotJsonError, read_object
from sandbox.cloud import Call, Cloud
from sandbox.fault_kinds import KINDS
from sandbox.faults import Board, Fault
from sandbox.messages import ApiError, Reply, Request, as_json

LOCAL = {"127.0.0.1", "localhost"}
PREFIX = "/_sandbox/"
SELLERS = {"scm.v2": scm_buy.buy_v2, "scm.v3": scm_buy.buy_v3, "pca.v1": pca.order}


class Control:
    """`pause(seconds)` stops the server from listening; `tls` tells whether it speaks TLS."""

    def __init__(self, cloud: Cloud, board: Board, pause: Callable[[float], None], *, tls: bool) -> None:
        self._cloud = cloud
        self._board = board
        self._pause = pause
        self._tls = tls

    def respond(self, request: Request) -> Reply:
        _refuse_strangers(request)
        actions: dict[tuple[str, str], Callable[[Request], Reply]] = {
            ("GET", ""): self._page,
            ("GET", "ledger"): self._ledger,
            ("GET", "faults"): self._armed,
            ("POST", "faults"): self._arm,
            ("DELETE", "faults"): self._disarm,
            ("POST", "reset"): self._reset,
            ("POST", "purchases"): self._buy_for_another,
        }
        action = actions.get((request.method, request.path.removeprefix(PREFIX)))
        if action is None:
            raise ApiError(404, "SANDBOX.404", "GET ledger, GET/POST/DELETE faults, POST reset, POST purchases")
        return action(request)

    def _page(self, _request: Request) -> Reply:
        html = page.render(self._cloud, self._board.armed(), tls=self._tls)
        policy = "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
        return Reply(200, html.encode(), "text/html; charset=utf-8", (("Content-Security-Policy", policy),))

    def _ledger(self, _request: Request) -> Reply:
        return as_json([purchase.witness() for purchase in self._cloud.ledger.executed()])

    def _armed(self, _request: Request) -> Reply:
        return as_json({"armed": [fault.describe() for fault in self._board.armed()]})

    def _arm(self, request: Request) -> Reply:
        given = _read(request)
        if given.get("kind") == "none":
            return self._disarm(request)
        try:
            fault = read_fault(given, tls=self._tls)
        except ValueError as error:
            raise ApiError(400, "SANDBOX.400", str(error)) from error
        self._apply(fault)
        return self._done(request)

    def _apply(self, fault: Fault) -> None:
        if fault.kind == PAUSE:
            self._pause(fault.seconds if fault.seconds is not None else KINDS[PAUSE].seconds or 0.0)
        else:
            self._board.arm(fault)

    def _disarm(self, request: Request) -> Reply:
        self._board.disarm()
        return self._done(request)

    def _reset(self, request: Request) -> Reply:
        """Orders, certificates, CAs and armed faults go; tokens stay good, as a new day would leave them."""
        self._cloud.ledger.reset()
        self._board.disarm()
        return self._done(request)

    def _buy_for_another(self, request: Request) -> Reply:
        """`{"service": "scm.v2", "user_name": "colleague", "body": {…}}`: somebody buys in the console.

        Every rule of the service holds; only the operator is another. For look-backs that find strangers' orders.
        """
        given = _read(request)
        serve = SELLERS.get(str(given.get("service")))
        if serve is None or not isinstance(given.get("body"), dict):
            raise ApiError(400, "SANDBOX.400", f"service must be one of {', '.join(SELLERS)}, body an object")
        account = self._cloud.account
        caller = Caller(str(given.get("user_name") or "colleague"), account.domain_id, account.project_id)
        body = json.dumps(given["body"], ensure_ascii=False).encode()
        bought = replace(request, body=body)
        return serve(Call(self._cloud, bought, caller, {"project_id": account.project_id}))

    def _done(self, request: Request) -> Reply:
        """A form goes back to the page; a program gets what is armed now."""
        if _is_form(request):
            return Reply(303, headers=(("Location", PREFIX),))
        return self._armed(request)


def _is_form(request: Request) -> bool:
    return request.header("content-type").startswith("application/x-www-form-urlencoded")


def _read(request: Request) -> dict[str, Any]:
    if _is_form(request):
        return dict(parse_qsl(request.body.decode("utf-8", "replace")))
    try:
        return read_object(request.body)
    except NotJsonError as error:
        raise ApiError(400, "SANDBOX.400", f"not JSON: {error}") from error


def _refuse_strangers(request: Request) -> None:
    """A page from elsewhere, open in the same browser, may neither read this one nor press its buttons."""
    host = urlsplit(f"//{request.header('host')}").hostname
    origin = request.header("origin")
    if host not in LOCAL or (origin and urlsplit(origin).netloc != request.header("host")):
        raise ApiError(403, "SANDBOX.403", "only from this machine, at 127.0.0.1 or localhost")
