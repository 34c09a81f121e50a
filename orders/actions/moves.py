"""What every verb is made of: lock an order, move it along one edge, record the event, tell the worker."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from celery import current_app
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _
from kombu.exceptions import OperationalError as BrokerUnavailable

from orders import states
from orders.catalogue.fields import INVISIBLE
from orders.errors import Changed, Denied, Invalid
from orders.models import Event, Order
from orders.states import Status
from portal.middleware import current_request_id
from portal.models import User

log = logging.getLogger(__name__)

REASON_MAX = 2000
KEPT = "\n\r\t\u200c\u200d"

P = ParamSpec("P")
R = TypeVar("R")


def verb(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """One transaction around a verb; a denied attempt is rolled back and becomes an event of its own."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                with transaction.atomic():
                    return function(*args, **kwargs)
            except Denied as denied:
                _record_denial(name, denied, kwargs)
                raise

        return wrapper

    return decorate


def _record_denial(name: str, denied: Denied, kwargs: dict[str, Any]) -> None:
    with translation.override("en"):
        record(f"denied.{name}", by=kwargs.get("by"), order=kwargs.get("order"), reason=denied.sentence)


def locked(order: Order) -> Order:
    """The order as it is now, locked where the database has row locks.

    Two queries: PostgreSQL waits for the lock and then re-reads the locked row only, so a row joined to it in the
    same query could still be the one from before.
    """
    Order.objects.select_for_update().get(pk=order.pk)
    return Order.objects.select_related("revision", "requester", "attempt").get(pk=order.pk)


def move(
    order: Order,
    event: str,
    *,
    by: User | None,
    reason: str = "",
    data: dict[str, Any] | None = None,
    **changes: Any,
) -> Event:
    """Move `order` along the edge `event` by compare-and-swap, and record it. Raises Changed, changing nothing."""
    before = Status(order.status)
    after = states.target(event, before)
    if after is None:
        raise Changed
    if after is not before:
        changes = _entering(after) | changes
    changes["version"] = order.version + 1
    if not Order.objects.filter(pk=order.pk, version=order.version, status=before).update(**changes):
        raise Changed
    for name, value in changes.items():
        setattr(order, name, value)
    return record(f"order.{event}", by=by, order=order, before=before, after=after, reason=reason, data=data)


def _entering(status: Status) -> dict[str, Any]:
    now = timezone.now()
    lasts = states.STAGES[status].lasts
    return {"status": status, "status_since": now, "deadline_at": None if lasts is None else now + lasts}


def record(
    kind: str,
    *,
    by: User | None,
    order: Order | None = None,
    before: str = "",
    after: str = "",
    reason: str = "",
    data: dict[str, Any] | None = None,
) -> Event:
    """Append one event. `by=None` is the portal itself."""
    return Event.objects.create(
        at=timezone.now(),
        kind=kind,
        by=by,
        by_name=by.username if by else "",
        order=order,
        revision_number=order.revision.number if order and order.revision else None,
        status_before=before,
        status_after=after,
        reason=reason,
        data=data or {},
        request_id=current_request_id.get(),
    )


def plain(text: str) -> str:
    """Without what shows nothing or turns text around; line breaks, and what joins letters, stay."""
    return "".join(each for each in text if each in KEPT or unicodedata.category(each) not in INVISIBLE)


def storable(text: str) -> str:
    """The cloud's words without what no database stores: NUL and lone surrogates."""
    return text.replace("\x00", "�").encode(errors="replace").decode()


def storable_data(value: Any) -> Any:
    """The same for everything that JSON can hold."""
    match value:
        case str():
            return storable(value)
        case dict():
            return {storable(str(name)): storable_data(each) for name, each in value.items()}
        case list() | tuple():
            return [storable_data(each) for each in value]
    return value


def visible(text: str) -> bool:
    """Something is left for people to read."""
    return any(not each.isspace() and unicodedata.category(each) not in INVISIBLE for each in text)


def given_reason(text: str, *, field: str = "reason", required: bool = True) -> str:
    """A reason as it goes into the history. Raises Invalid, beside the field it was typed into."""
    text = plain(text).strip()
    if required and not visible(text):
        raise Invalid({field: [_("Say why: the reason stays in the history.")]})
    if len(text) > REASON_MAX:
        raise Invalid({field: [_("Enter at most %(max)d characters.") % {"max": REASON_MAX}]})
    return text


def announce(order: Order, *, expires: int = 600) -> None:
    """Tell a worker, once this transaction is committed. Only a hint: the sweeper repeats what is lost.

    `expires`, in seconds: a message that nobody took by then is dropped.
    """
    order_id = order.pk
    transaction.on_commit(lambda: _announce(order_id, expires), robust=True)


def _announce(order_id: int, expires: int) -> None:
    try:
        current_app.send_task(
            "orders.submit_order", kwargs={"order_id": order_id}, queue="submit", expires=expires, retry=False
        )
    except BrokerUnavailable as error:
        log.warning("order %s: the broker was not told (%s); the sweeper will", order_id, error)
