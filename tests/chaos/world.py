"""Inside a nursery: people, orders that no two of which buy the same, time that moves, and the daily rounds."""

from __future__ import annotations

import contextlib
import copy as copying
import functools
import json
import urllib.request
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Model
from django.db.models.base import ModelState
from django.utils import timezone

from orders import catalogue, epoch, matching, reconciling, states
from orders.account import current_account
from orders.actions import moves, ordering, stopping, submitting, sweeping
from orders.cloud.errors import CloudError
from orders.models import Approval, Event, Order, Revision, Stop
from orders.states import Status
from portal.models import APPROVERS, User
from tests import making

M = TypeVar("M", bound=Model)

HARD = timedelta(minutes=4)
"""Longer than a submission may last: the sweeper takes it for dead."""
ANNOUNCE = moves._announce
PRODUCTS = ("certificate", "ca", "unpaid-ca", "tagged")
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def prepare() -> None:
    """Once, before the first job: people, no broker, short pauses."""
    moves._announce = lambda *_: None  # `ANNOUNCE` is the real one
    submitting.FIRST_PAUSE = submitting.LONGEST_PAUSE = timedelta(milliseconds=20)
    reconciling.PER_SECOND = float("inf")
    current_account()
    making.person("lin", team="Payments")
    for name in ("mei", "omar", "sofia"):
        making.person(name, APPROVERS)
    _no_breaker()
    for product in PRODUCTS:
        _template(product)


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


def requested_order(product: str) -> int:
    """A new pending order whose body no other order has, through the real verbs."""
    with _api("v3" if product == "tagged" else "v2"):
        return making.order(person("lin"), content(product, next_number())).pk


def approved_order(product: str, number: int | None = None) -> int:
    """A new approved order whose body no other order has: whatever the ledger holds can be told apart by it.

    A copy, row by row, of one that came there through the real verbs: that is five times as fast.
    """
    wanted = content(product, next_number() if number is None else number)
    order, revision, approvals, events = _template(product)
    with transaction.atomic():
        copy = _copied(order, revision=None, form_token=uuid.uuid4())
        copy.fingerprint = catalogue.fingerprint(revision.offer, wanted.values)
        copy.save()
        body = catalogue.render(revision.offer, wanted.values, reference=copy.reference)
        own = {"order": copy, "values": wanted.values, "body": body, "digest": catalogue.digest(body)}
        copy.revision = _copied(revision, **own)
        copy.revision.save()
        copy.save(update_fields=["revision"])
        theirs = {"order": copy, "revision": copy.revision, "digest": own["digest"]}
        Approval.objects.bulk_create([_copied(each, **theirs) for each in approvals])
        Event.objects.bulk_create(
            [_copied(each, order=copy, data=each.data | {"digest": own["digest"]}) for each in events]
        )
    return copy.pk


@functools.cache
def _template(product: str) -> tuple[Order, Revision, list[Approval], list[Event]]:
    order = making.fresh(Order.objects.get(pk=requested_order(product)))
    making.approve(order, *[person(name) for name in ("mei", "omar")[: order.quorum]])
    order = making.fresh(order)
    found = order, order.content, list(order.approvals.all()), list(order.events.order_by("pk"))
    ordering.withdraw(order=order, by=order.requester, reason="Only a pattern")
    return found


def _copied(row: M, **changes: Any) -> M:
    copy = copying.copy(row)
    copy._state = ModelState()
    copy.pk = None
    for name, value in changes.items():
        setattr(copy, name, value)
    return copy


def content(product: str, number: int) -> ordering.Content:
    """Certificates in ones and twos: the cloud's list shows only the newest hundred and fifty of them."""
    if product in ("ca", "unpaid-ca"):
        rest, period = divmod(number, len(MONTHS))
        terms = {"period_num": MONTHS[period], "subscription_num": 1 + rest % 10, "promotion_info": f"chaos-{number}"}
        return making.ca(is_auto_pay=int(product == "ca"), **terms)
    rest, domains = divmod(number, 99)
    rest, years = divmod(rest, 2)
    rest, quantity = divmod(rest, 2)
    values = {
        "cert_brand": BRANDS[rest % len(BRANDS)],
        "domain_numbers": domains + 2,
        "effective_time": years + 1,
        "order_number": quantity + 1,
    }
    return making.certificate(**values, **({"is_auto_pay": True} if product == "tagged" else {}))


MONTHS = [each for each in range(1, 37) if each % 12]
"""Not whole years: an unpaid CA could not be told from a certificate that is unconfirmed."""
BRANDS = ("GLOBALSIGN", "GEOTRUST", "CFCA", "VTRUS")


@contextlib.contextmanager
def _api(version: str) -> Iterator[None]:
    before = settings.CLOUD
    settings.CLOUD = before.model_copy(update={"scm_api": version})
    try:
        yield
    finally:
        settings.CLOUD = before


def put_away(orders: list[int]) -> None:
    """What was judged and is still in flight makes way for later orders with the same content, as if long absent."""
    left = Order.objects.filter(pk__in=orders, status__in=states.IN_FLIGHT)
    left.update(status=Status.ABSENT, deadline_at=None, status_since=timezone.now() - 2 * matching.STILL_POSSIBLE)


def nothing_is_stopped() -> None:
    for stop in stopping.standing():
        stopping.lift(stop, by=None, reason="The next round begins.")


def forget() -> None:
    """What a planted bug has left behind: a marker of something that never was, and the stop for it."""
    epoch.path().unlink(missing_ok=True)
    nothing_is_stopped()


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
