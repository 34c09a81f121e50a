"""From a request to what is sent: find the API, let an armed fault interfere, authenticate, serve."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass

from sandbox import billing, iam, pca, scm_buy, scm_lists
from sandbox.auth import authenticate
from sandbox.cloud import Call, Cloud, Service
from sandbox.fault_kinds import KINDS, Ending
from sandbox.faults import Board, Fault
from sandbox.messages import ApiError, Reply, Request
from sandbox.purchase import Timing

PAUSE = "refuse-before-connect"


@dataclass(frozen=True, slots=True)
class Route:
    method: str
    path: re.Pattern[str]
    service: str
    serve: Service | None  # None: the one call that needs no authentication
    purchase: bool = False


def _route(method: str, path: str, service: str, serve: Service | None, *, purchase: bool = False) -> Route:
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
    return Route(method, re.compile(pattern), service, serve, purchase)


ROUTES = (
    _route("POST", "/v3/auth/tokens", "iam", None),
    _route("GET", "/v3/auth/tokens", "iam", iam.show_token),
    _route("GET", "/v3/auth/domains", "iam", iam.list_domains),
    _route("GET", "/v3/projects", "iam", iam.list_projects),
    _route("POST", "/v2/{project_id}/scm/cert/purchase", "scm", scm_buy.buy_v2, purchase=True),
    _route("POST", "/v3/scm/certificates/buy", "scm", scm_buy.buy_v3, purchase=True),
    _route("GET", "/v3/scm/certificates", "scm", scm_lists.list_certificates),
    _route("GET", "/v3/scm/certificates/{certificate_id}", "scm", scm_lists.show_certificate),
    _route("POST", "/v3/scm/{resource_instances}/action", "scm", scm_lists.search_by_tag),
    _route("POST", "/v1/private-certificate-authorities/order", "pca", pca.order, purchase=True),
    _route("GET", "/v1/private-certificate-authorities", "pca", pca.list_authorities),
    _route("GET", "/v1/private-certificate-authorities/quotas", "pca", pca.show_quota),
    _route("GET", "/v1/private-certificate-authorities/{ca_id}", "pca", pca.show_authority),
    _route("GET", "/v2/orders/customer-orders", "bss", billing.list_orders),
    _route("GET", "/v2/orders/customer-orders/details/{order_id}", "bss", billing.show_order),
    _route("PUT", "/v2/orders/customer-orders/cancel", "bss", billing.cancel_order),
    _route("POST", "/v2/orders/suscriptions/resources/query", "bss", billing.list_resources),
    _route("POST", "/v3/orders/customer-orders/pay", "bss", billing.pay_order),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply and the way it ends; `hold` is the length of a silence, or the time between two bytes."""

    reply: Reply
    ending: Ending = Ending.WHOLE
    hold: float = 0.0


class Answering:
    def __init__(self, cloud: Cloud, board: Board, stopping: threading.Event) -> None:
        self._cloud = cloud
        self._board = board
        self._stopping = stopping

    def answer(self, request: Request) -> Answer:
        for route in ROUTES:
            match = route.path.fullmatch(request.path)
            if match and route.method == request.method:
                return self._with_fault(route, request, match.groupdict())
        missing = ApiError(404, "APIGW.0101", "The API does not exist or has not been published in the environment")
        return Answer(missing.reply(request.request_id))

    def _with_fault(self, route: Route, request: Request, path: dict[str, str]) -> Answer:
        def serve(timing: Timing) -> Reply:
            return self._serve(route, request, path, timing)

        fault = self._board.take(route.service, request, purchase=route.purchase)
        if fault is None:
            return Answer(serve(Timing()))
        return self._spoil(fault, route.service, request, serve)

    def _spoil(self, fault: Fault, service: str, request: Request, serve: Callable[[Timing], Reply]) -> Answer:
        kind = KINDS[fault.kind]
        seconds = fault.seconds if fault.seconds is not None else kind.seconds or 0.0
        last = KINDS[fault.then] if fault.then else kind
        reply = None
        if kind.executes if fault.executed is None else fault.executed:
            reply = serve(_timing(fault, seconds))
            if reply.refused:
                self._board.give_back(fault)
                return Answer(reply)
        if fault.kind == "latency":
            self._stopping.wait(seconds)
        hold = (
            (fault.then_seconds if fault.then_seconds is not None else last.seconds or 0.0) if fault.then else seconds
        )
        return Answer(last.rewrite(reply, fault, service, request), last.ending, hold)

    def _serve(self, route: Route, request: Request, path: dict[str, str], timing: Timing) -> Reply:
        try:
            if route.serve is None:
                return iam.create_token(self._cloud, request)
            caller = authenticate(request, self._cloud.account, self._cloud.tokens)
            return route.serve(Call(self._cloud, request, caller, path, timing))
        except ApiError as refusal:
            return refusal.reply(request.request_id)


def _timing(fault: Fault, seconds: float) -> Timing:
    return Timing(
        execute_after=seconds if fault.kind == "late-execution" else 0.0,
        visible_after=seconds if fault.kind == "late-visibility" else 0.0,
        payment_fails=fault.kind == "payment-fails",
    )
