"""Buttons: each posts here, makes one domain call, and answers with the page or with why not."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from orders import reconciling
from orders.actions import approving, ordering, resolving
from orders.errors import Changed, Denied, Invalid
from orders.models import Order
from orders.views.loading import person, read_on, visible_order
from orders.views.page import order_page

Do = Callable[[Order], object]


def _act(request: HttpRequest, number: int, do: Do) -> HttpResponse:
    order = visible_order(request, number)
    try:
        do(order)
    except Changed as changed:
        return order_page(request, visible_order(request, number), status=409, notice=changed.sentence)
    except Denied as denied:
        return order_page(request, visible_order(request, number), status=403, notice=denied.sentence)
    except Invalid as invalid:
        found = invalid.sentences()
        notice = "" if found.keys() & request.POST.keys() else invalid.sentence
        return order_page(request, visible_order(request, number), status=422, problems=found, notice=notice)
    return redirect(order)


@read_on(visible_order)
@require_POST
def request_approval(request: HttpRequest, number: int) -> HttpResponse:
    return _act(request, number, lambda order: ordering.request(order=order, by=person(request)))


@read_on(visible_order)
@require_POST
def discard(request: HttpRequest, number: int) -> HttpResponse:
    return _act(request, number, lambda order: ordering.discard(order=order, by=person(request)))


@read_on(visible_order)
@require_POST
def withdraw(request: HttpRequest, number: int) -> HttpResponse:
    reason = request.POST.get("reason", "")
    return _act(request, number, lambda order: ordering.withdraw(order=order, by=person(request), reason=reason))


@read_on(visible_order)
@require_POST
def retry(request: HttpRequest, number: int) -> HttpResponse:
    return _act(request, number, lambda order: ordering.retry(order=order, by=person(request)))


@read_on(visible_order)
@require_POST
def approve(request: HttpRequest, number: int) -> HttpResponse:
    return _decide(request, number, approving.approve)


@read_on(visible_order)
@require_POST
def reject(request: HttpRequest, number: int) -> HttpResponse:
    return _decide(request, number, approving.reject)


@read_on(visible_order)
@require_POST
def request_changes(request: HttpRequest, number: int) -> HttpResponse:
    return _decide(request, number, approving.request_changes)


def _decide(request: HttpRequest, number: int, verb: Callable[..., Order]) -> HttpResponse:
    post = request.POST
    seen = {"digest": post.get("digest", ""), "seen_revision": _number(post.get("revision", ""))}
    return _act(
        request, number, lambda order: verb(order=order, by=person(request), comment=post.get("comment", ""), **seen)
    )


def _number(typed: str) -> int:
    """0, which no revision has, where it is no number."""
    return int(typed) if typed.isdecimal() and len(typed) < 6 else 0


@read_on(visible_order)
@require_POST
def attach(request: HttpRequest, number: int) -> HttpResponse:
    cloud_order_id, reason = request.POST.get("cloud_order_id", ""), request.POST.get("reason", "")
    return _act(
        request,
        number,
        lambda order: reconciling.attach(order=order, by=person(request), cloud_order_id=cloud_order_id, reason=reason),
    )


@read_on(visible_order)
@require_POST
def declare_absent(request: HttpRequest, number: int) -> HttpResponse:
    reason = request.POST.get("reason", "")
    return _act(request, number, lambda order: resolving.declare_absent(order=order, by=person(request), reason=reason))
