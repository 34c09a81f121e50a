"""One way to load an order: a stranger gets 404."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from functools import wraps
from typing import Any, TypeAlias, cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone

from orders.models import Order
from orders.models.order import FIRST_NUMBER
from portal.models import User

View: TypeAlias = Callable[..., HttpResponse]


def person(request: HttpRequest) -> User:
    """The signed-in user; the middleware lets nobody else through."""
    return cast(User, request.user)


def wants_part(request: HttpRequest) -> bool:
    """htmx asks: answer with the page's live part alone."""
    return bool(getattr(request, "htmx", False))


def visible_order(request: HttpRequest, number: int) -> Order:
    orders = Order.objects.visible_to(person(request)).select_related("requester", "revision", "attempt", "origin")
    return get_object_or_404(orders, pk=number - FIRST_NUMBER)


def read_on(page: str | Callable[..., Order]) -> Callable[[View], View]:
    """A button's address has nothing to read, and is read all the same: Enter behind a refusal, a bookmark, signing
    in. That leads to the page with the button: `page` by name, or of the order it loads. The verb never sees it."""

    def of_button(verb: View) -> View:
        @wraps(verb)
        def view(request: HttpRequest, **names: Any) -> HttpResponse:
            if request.method in ("GET", "HEAD"):
                return redirect(page if isinstance(page, str) else page(request, **names))
            return verb(request, **names)

        return view

    return of_button


def order_number(typed: str) -> int | None:
    """The primary key behind `ORD-1042`, `ord-1042` or `1042`; None where it is no reference."""
    digits = typed.strip().upper().removeprefix("ORD-")
    return int(digits) - FIRST_NUMBER if digits.isascii() and digits.isdecimal() and len(digits) < 16 else None


def page_of(rows: Any, size: int) -> tuple[list[Any], int | None]:
    """The first `size` rows, and the key after which the next page starts."""
    found = list(rows[: size + 1])
    return found[:size], (found[size - 1].pk if len(found) > size else None)


def day(typed: str, *, end: bool = False) -> datetime | None:
    """Midnight of a typed ISO date in the portal's time zone; None where it is no date."""
    try:
        given = date.fromisoformat(typed) + timedelta(days=1 if end else 0)
    except (ValueError, OverflowError):
        return None
    return timezone.make_aware(datetime.combine(given, time.min))
