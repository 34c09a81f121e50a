"""Dashboard, order list, approvals queue and history: all keyset-paged, filters in the address."""

from __future__ import annotations

import re
from dataclasses import replace

import idna
from django.db.models import Count, Q, TextField
from django.db.models.functions import Cast
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from orders import permissions, states
from orders.catalogue import Product
from orders.models import Event, Finding, Order
from orders.models.event import kinds
from orders.models.order import Orders
from orders.states import Status
from orders.views.loading import day, order_number, page_of, person, wants_part
from orders.views.rows import Row, rows, rows_to_settle
from portal.models import User

PAGE, SHORT, QUEUE = 20, 8, 20
TYPED_MAX = 100
PART_OF_A_NAME = re.compile(r"[a-z0-9*._-]+")


@require_safe
def dashboard(request: HttpRequest) -> HttpResponse:
    user = person(request)
    newest = Event.objects.newest_first().values_list("pk", flat=True).first() or 0
    if wants_part(request) and request.GET.get("v") == str(newest):
        return HttpResponse(status=204)
    waiting = _waiting_for(user)
    context = {
        "newest": newest,
        **waiting,
        "waits": any(waiting.values()),
        "mine": rows(Order.objects.filter(requester=user).with_row().newest_first()[:SHORT]),
        "counts": _counts(user),
        "troubles": _troubles(user, [row.order.pk for found in waiting.values() for row in found]),
        "findings": Finding.objects.unowned().order_by("-pk")[:SHORT] if user.sees_everything else [],
        "latest": _latest_of_others(user) if user.sees_everything else [],
    }
    return render(request, "orders/dashboard.html#live" if wants_part(request) else "orders/dashboard.html", context)


@require_safe
def order_list(request: HttpRequest) -> HttpResponse:
    user = person(request)
    orders = _filtered(Order.objects.visible_to(user), request)
    page, last = page_of(orders.with_row().newest_first(), PAGE)
    people = User.objects.filter(orders__isnull=False).distinct() if user.sees_everything else None
    context = {
        "rows": rows(page),
        "next": _next(request, last),
        "statuses": Status.choices,
        "products": Product.choices,
        "people": people,
        "chosen": request.GET,
        "filtered": any(request.GET.get(name) for name in ("status", "product", "requester", "q", "before")),
    }
    return render(request, "orders/list.html", context)


@require_safe
def approvals(request: HttpRequest) -> HttpResponse:
    user = person(request)
    pending = Order.objects.visible_to(user).awaiting_approval().with_row().order_by("deadline_at", "pk")
    mine = set(Order.objects.awaiting_vote_of(user).values_list("pk", flat=True))
    found = rows(pending[:QUEUE])
    context = {
        "to_settle": _to_settle(user, QUEUE),
        "to_decide": [row for row in found if row.order.pk in mine],
        "others": [
            replace(row, denied=permissions.denial(permissions.check_can_decide, user, row.order))
            for row in found
            if row.order.pk not in mine
        ],
        "more": pending.count() > QUEUE,
    }
    return render(request, "orders/approvals.html", context)


@require_safe
def history(request: HttpRequest) -> HttpResponse:
    user = person(request)
    denied = permissions.denial(permissions.check_can_see_history, user)
    if denied is not None:
        return render(request, "denied.html", {"sentence": denied}, status=403)
    get = request.GET
    events = Event.objects.between(day(get.get("since", "")), day(get.get("until", ""), end=True))
    if get.get("order"):
        events = events.filter(order=order_number(get["order"]) or 0)
    if get.get("person"):
        events = events.filter(by__isnull=True) if get["person"] == "-" else events.filter(by__username=get["person"])
    if get.get("kind"):
        events = events.filter(kind=get["kind"])
    if (get.get("before") or "").isdecimal():
        events = events.filter(pk__lt=int(get["before"]))
    page, last = page_of(events.select_related("order", "by").newest_first(), PAGE)
    context = {
        "events": page,
        "next": _next(request, last),
        "people": User.objects.order_by("username"),
        "kinds": kinds(),
        "chosen": get,
        "filtered": any(get.get(name) for name in ("order", "person", "kind", "since", "until", "before")),
    }
    return render(request, "orders/history.html", context)


def _waiting_for(user: User) -> dict[str, list[Row]]:
    """What `user` has to do, the most pressing first. Auditors change nothing, so nothing waits for them."""
    if user.is_auditor:
        return {}
    to_decide = Order.objects.awaiting_vote_of(user).with_row().order_by("deadline_at")
    to_do = Order.objects.filter(requester=user, status__in=_statuses_of(states.Turn.REQUESTER))
    return {
        "to_settle": _to_settle(user, SHORT),
        "to_decide": rows(to_decide[:SHORT]),
        "to_do": rows(to_do.with_row().newest_first()[:SHORT]),
    }


def _to_settle(user: User, most: int) -> list[Row]:
    """The oldest first: the longer an outcome is unknown, the more people rely on a guess."""
    waiting = Order.objects.awaiting_resolution_of(user).with_row().order_by("status_since", "pk")
    return rows_to_settle(waiting[:most])


def _troubles(user: User, shown: list[int]) -> list[Row]:
    """Refused and unconfirmed orders that do not stand among `shown` already."""
    troubles = Order.objects.visible_to(user).filter(status__in=[Status.FAILED, Status.UNCONFIRMED])
    return rows(troubles.exclude(pk__in=shown).with_row().order_by("-status_since")[:SHORT])


def _latest_of_others(user: User) -> list[Row]:
    """One's own stand above."""
    orders = Order.objects.visible_to(user).exclude(requester=user).exclude(status=Status.DRAFT)
    return rows(orders.with_row().newest_first()[:SHORT])


def _counts(user: User) -> list[tuple[Status, int]]:
    """How many orders are in each status; empty where there is no order at all."""
    grouped = Order.objects.visible_to(user).values_list("status").annotate(Count("pk")).order_by()
    found = dict(grouped)
    return [(status, found.get(status, 0)) for status in Status] if found else []


def _statuses_of(turn: states.Turn) -> list[Status]:
    return [status for status, stage in states.STAGES.items() if stage.turn is turn]


def _filtered(orders: Orders, request: HttpRequest) -> Orders:
    get = request.GET
    if get.get("status") in Status.values:
        orders = orders.filter(status=get["status"])
    if get.get("product") in Product.values:
        orders = orders.filter(product=get["product"])
    if get.get("requester"):
        orders = orders.filter(requester__username=get["requester"])
    typed = get.get("q", "").strip()[:TYPED_MAX]
    if typed:
        orders = _searched(orders, typed)
    if (get.get("before") or "").isdecimal():
        orders = orders.filter(pk__lt=int(get["before"]))
    return orders


def _searched(orders: Orders, typed: str) -> Orders:
    """By a part of the purpose or of a domain name, by reference, by the cloud's order id, or by certificate or CA id.

    Small letters find capital ones; on SQLite only those of ASCII, because its LIKE knows no others.
    """
    fits = (
        Q(pk=order_number(typed) or 0)
        | Q(cloud_order_id=typed)
        | Q(pk__in=Order.objects.filter(items__cloud_id=typed))
        | Q(revision__purpose__icontains=typed)
    )
    name = _as_stored(typed)
    if PART_OF_A_NAME.fullmatch(name):
        fits |= Q(names__contains=name)
    return orders.alias(names=Cast("revision__domain_names", TextField())).filter(fits)


def _as_stored(typed: str) -> str:
    """A part of a domain name as a revision keeps it. Letters beyond ASCII are found by whole labels only."""
    return ".".join(_a_label(label) for label in typed.lower().split("."))


def _a_label(label: str) -> str:
    try:
        return idna.encode(label, uts46=True).decode()
    except idna.IDNAError:
        return label


def _next(request: HttpRequest, last: int | None) -> str:
    if last is None:
        return ""
    query = request.GET.copy()
    query["before"] = str(last)
    return "?" + query.urlencode()
