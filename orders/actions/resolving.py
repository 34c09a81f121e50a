"""An order whose outcome is unknown: what the look-ups say, and what two people decide. Nothing is ever sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from orders import permissions
from orders.actions.moves import given_reason, locked, move, verb
from orders.errors import Changed
from orders.models import Attempt, Finding, Item, Lookup, Order, Outcome, Resolution
from orders.states import Status
from portal.models import User

PAUSES = tuple(timedelta(minutes=each) for each in (2, 5, 15, 60, 6 * 60, 24 * 60))
"""Between one look-up and the next; the first one comes 30 seconds after the outcome was lost."""
QUIET = timedelta(minutes=60)
"""How long nothing must have been found before absence may be proposed. Nobody documents how late the cloud may act."""
NEGATIVES = 3
PEOPLE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An order in the cloud that may be ours. `exact`: everything that can be compared agrees."""

    order_id: str
    item_ids: tuple[str, ...]
    exact: bool
    found_by: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one source answered. A source that failed has said nothing, not no."""

    source: str
    ok: bool
    error: str = ""
    seen: int = 0


def is_owned(order_id: str, item_ids: Sequence[str] = ()) -> bool:
    """The cloud's order or one of its items already belongs to an order of ours."""
    return (
        Order.objects.filter(cloud_order_id=order_id).exists()
        or Item.objects.filter(cloud_id__in=list(item_ids)).exists()
    )


@transaction.atomic(durable=True)
def record_lookup(*, order: Order, seen: int, asked: Sequence[Asked], candidates: Sequence[Candidate]) -> None:
    """Store one look-up and draw its conclusion: place, propose absence, or ask again later.

    `seen` is the number of look-ups when this one began: of two at once, only the first is recorded.
    """
    order = locked(order)
    if order.status != Status.UNCONFIRMED or order.lookups.count() != seen:
        return
    free = [each for each in candidates if not is_owned(each.order_id, each.item_ids)]
    exact = [each for each in free if each.exact]
    result = _result(asked, free, exact)
    Lookup.objects.create(
        order=order,
        number=seen + 1,
        at=timezone.now(),
        result=result,
        sources=[asdict(each) for each in asked],
        candidates=[asdict(each) | {"item_ids": list(each.item_ids)} for each in free],
    )
    data = {"lookup": seen + 1, "result": result, "candidates": [each.order_id for each in free]}
    move(order, "looked_up", by=None, data=data, look_up_at=timezone.now() + PAUSES[min(seen, len(PAUSES) - 1)])
    if result == Lookup.Result.FOUND:
        _place(order, exact[0], by=None, found_by=exact[0].found_by)
    elif _should_propose_absence(order):
        negatives = order.lookups.filter(result=Lookup.Result.NOTHING).count()
        move(order, "absence_proposed", by=None, data={"negatives": negatives}, absence_proposed_at=timezone.now())
    elif order.absence_proposed_at is not None and free:
        Order.objects.filter(pk=order.pk).update(absence_proposed_at=None)


def _result(asked: Sequence[Asked], free: Sequence[Candidate], exact: Sequence[Candidate]) -> Lookup.Result:
    if len(exact) == 1:
        return Lookup.Result.FOUND
    if len(exact) > 1:
        return Lookup.Result.SEVERAL
    if free:
        return Lookup.Result.UNCERTAIN
    if not asked or not all(each.ok for each in asked):
        return Lookup.Result.FAILED
    return Lookup.Result.NOTHING


def _should_propose_absence(order: Order) -> bool:
    """Quiet long enough, and nothing but full negative answers in the last look-ups."""
    last = list(order.lookups.order_by("-number").values_list("result", flat=True)[:NEGATIVES])
    return (
        order.absence_proposed_at is None
        and order.status_since + QUIET <= timezone.now()
        and last == [Lookup.Result.NOTHING] * NEGATIVES
    )


@verb("attach")
def check_may_attach(*, order: Order, by: User) -> None:
    """Before the cloud is asked on somebody's behalf."""
    permissions.check_can_resolve(by, locked(order))


@verb("attach")
def attach(*, order: Order, by: User, cloud_order_id: str, reason: str, candidate: Candidate) -> Order:
    """An approver says which order in the cloud it is; `candidate` is what the cloud said about that id just now."""
    order = locked(order)
    permissions.check_can_resolve(by, order)
    reason = given_reason(reason)
    if is_owned(cloud_order_id, candidate.item_ids):
        raise Changed
    _give(order, by, Resolution.Answer.ATTACH, reason, cloud_order_id, dict(candidate.evidence))
    if _agreed(order, Resolution.Answer.ATTACH, cloud_order_id):
        _place(order, candidate, by=by, found_by="people")
    return order


@verb("declare_absent")
def declare_absent(*, order: Order, by: User, reason: str) -> Order:
    """An approver says that the cloud does not have it. The second one to say so ends the order."""
    order = locked(order)
    permissions.check_can_declare_absent(by, order)
    reason = given_reason(reason)
    _give(order, by, Resolution.Answer.ABSENT, reason)
    if _agreed(order, Resolution.Answer.ABSENT):
        people = [each.by.username for each in _standing(order)]
        move(order, "declared_absent", by=by, reason=reason, data={"people": people}, look_up_at=None)
    return order


def _give(
    order: Order,
    by: User,
    answer: Resolution.Answer,
    reason: str,
    cloud_order_id: str = "",
    evidence: dict[str, Any] | None = None,
) -> None:
    Resolution.objects.create(
        order=order,
        by=by,
        at=timezone.now(),
        answer=answer,
        cloud_order_id=cloud_order_id,
        reason=reason,
        evidence=evidence or {},
    )
    data = {"answer": answer, "order_id": cloud_order_id, "evidence": evidence or {}}
    move(order, "resolution_given", by=by, reason=reason, data=data)


def _standing(order: Order) -> list[Resolution]:
    """The last answer of each person who may still give one."""
    last = {each.by_id: each for each in order.resolutions.select_related("by").order_by("pk")}
    return [each for each in last.values() if permissions.denial(permissions.check_can_resolve, each.by, order) is None]


def _agreed(order: Order, answer: Resolution.Answer, cloud_order_id: str = "") -> bool:
    agreeing = {
        each.by_id for each in _standing(order) if (each.answer, each.cloud_order_id) == (answer, cloud_order_id)
    }
    return len(agreeing) >= PEOPLE


def _place(order: Order, found: Candidate, *, by: User | None, found_by: str) -> None:
    now = timezone.now()
    attempt = order.attempt
    assert attempt is not None
    Attempt.objects.filter(pk=attempt.pk).update(outcome=Outcome.PLACED)
    Item.objects.bulk_create(Item(order=order, cloud_id=each, created_at=now) for each in found.item_ids)
    data = {
        "order_id": found.order_id,
        "items": list(found.item_ids),
        "found_by": found_by,
        "evidence": dict(found.evidence),
    }
    move(order, "placed", by=by, data=data, cloud_order_id=found.order_id, look_up_at=None)
    _keep_the_rest(order, found)


def _keep_the_rest(order: Order, taken: Candidate) -> None:
    """What else looked like it becomes a finding: somebody may have to cancel it."""
    last = order.lookups.order_by("-number").first()
    for each in last.candidates if last else []:
        if each["order_id"] != taken.order_id and not is_owned(each["order_id"]):
            Finding.objects.get_or_create(
                cloud_order_id=each["order_id"],
                defaults={"order": order, "at": timezone.now(), "evidence": each["evidence"]},
            )
