"""Inside a nursery: people, orders that no two of which buy the same, time that moves, and the daily rounds."""

from __future__ import annotations

import contextlib
import json
import urllib.request
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Max
from django.utils import timezone

from orders import reconciling
from orders.account import current_account
from orders.actions import moves, stopping, submitting, sweeping
from orders.cloud.errors import CloudError
from orders.models import Order, Stop
from orders.states import Status
from portal.models import APPROVERS, User
from tests import making

HARD = timedelta(minutes=4)
"""Longer than a submission may last: the sweeper takes it for dead."""
PRODUCTS = ("certificate", "ca", "unpaid-ca", "tagged")
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def prepare() -> None:
    """Once, before the first job: people, no broker, short pauses."""
    moves._announce = lambda *_: None
    submitting.FIRST_PAUSE = submitting.LONGEST_PAUSE = timedelta(milliseconds=20)
    current_account()
    making.person("lin", team="Payments")
    for name in ("mei", "omar", "sofia"):
        making.person(name, APPROVERS)
    _no_breaker()


def _no_breaker() -> None:
    """These runs lose more outcomes in a minute than a portal in a year: the breaker rests (the simulation has it)."""
    stop = stopping._stop(None, "", Stop.Cause.BREAKER, "before the run")
    with later(timedelta(days=1)):
        stopping.lift(stop, by=None, reason="for the run")


@contextlib.contextmanager
def later(by: timedelta) -> Iterator[None]:
    """What the portal takes for now. Signatures keep the true time, as the cloud does."""
    true = timezone.now
    timezone.now = lambda: true() + by
    try:
        yield
    finally:
        timezone.now = true


# ---------------------------------------------------------------- the cloud's own account of things


def ledger() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = _control("GET", "ledger")
    return found


def fault(kind: str, **parameters: Any) -> None:
    _control("POST", "faults", {"kind": kind, **parameters})


def disarm() -> None:
    _control("DELETE", "faults")


def empty_cloud() -> None:
    _control("POST", "reset", {})


def _control(method: str, path: str, body: object = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{settings.SANDBOX_URL}/_sandbox/{path}", data, method=method)
    request.add_header("Content-Type", "application/json")
    with DIRECT.open(request, timeout=10) as response:
        return json.load(response)


# ---------------------------------------------------------------- orders


def person(name: str) -> User:
    user: User = User.objects.get(username=name)
    return user


def next_number() -> int:
    return (Order.objects.aggregate(last=Max("pk"))["last"] or 0) + 1


def approved_order(product: str, number: int | None = None) -> int:
    """A new approved order whose body no other order has: whatever the ledger holds can be told apart by it."""
    number = next_number() if number is None else number
    with _api("v3" if product == "tagged" else "v2"):
        order = making.order(person("lin"), _content(product, number))
        making.approve(order, *[person(name) for name in ("mei", "omar")[: order.quorum]])
    return order.pk


def _content(product: str, number: int) -> making.Content:
    if product in ("ca", "unpaid-ca"):
        rest, periods = divmod(number, 36)
        terms = {"period_num": periods + 1, "subscription_num": 1 + rest % 10, "promotion_info": f"chaos-{number}"}
        return making.ca(is_auto_pay=int(product == "ca"), **terms)
    rest, domains = divmod(number, 99)
    rest, years = divmod(rest, 2)
    rest, quantity = divmod(rest, 5)
    brand, kind = MULTI[rest % len(MULTI)]
    values = {
        "cert_brand": brand,
        "cert_type": kind,
        "domain_numbers": domains + 2,
        "effective_time": years + 1,
        "order_number": quantity + 1,
    }
    return making.certificate(**values, **({"is_auto_pay": True} if product == "tagged" else {}))


MULTI = (
    ("GLOBALSIGN", "OV_SSL_CERT"),
    ("GEOTRUST", "OV_SSL_CERT"),
    ("CFCA", "OV_SSL_CERT"),
    ("VTRUS", "OV_SSL_CERT"),
    ("GLOBALSIGN", "EV_SSL_CERT"),
    ("GEOTRUST", "EV_SSL_CERT"),
)


@contextlib.contextmanager
def _api(version: str) -> Iterator[None]:
    before = settings.CLOUD
    settings.CLOUD = before.model_copy(update={"scm_api": version})
    try:
        yield
    finally:
        settings.CLOUD = before


# ---------------------------------------------------------------- what beat does


def sweep(*, ahead: timedelta = HARD) -> None:
    """End every submission as if its time were over, whether or not its worker still lives."""
    with later(ahead):
        sweeping.guard()
        for order in Order.objects.filter(status=Status.SUBMITTING):
            sweeping.end(order=order)


def look_up(order_id: int) -> None:
    with contextlib.suppress(CloudError):
        reconciling.look_up(order_id)


def look_up_all() -> None:
    for order_id in Order.objects.filter(status=Status.UNCONFIRMED).values_list("pk", flat=True):
        look_up(order_id)
