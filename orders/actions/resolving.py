"""An order whose outcome is unknown: what the look-ups say, and what two people decide. Nothing is ever sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from orders import epoch, permissions
from orders.actions import stopping
from orders.actions.moves import given_reason, locked, move, storable_data, verb
from orders.errors import Changed
from orders.models import Attempt, Finding, Item, Lookup, Order, Outcome, Resolution, Stop
from orders.states import Status
from portal.models import User

PAUSES = tuple(timedelta(minutes=each) for each in (2, 5, 15, 60, 6 * 60, 24 * 60))
"""Between one look-up and the next; the first one comes 30 seconds after the outcome was lost."""
QUIET = timedelta(minutes=60)
"""How long nothing must have been found before absence may be proposed. Nobody documents how late the cloud may act."""
UNSURE = timedelta(hours=24)
"""The same where something was found that may be it: time for people to look into it, but no waiting for ever."""
NEGATIVES = 3
PEOPLE = 2
SOMEBODYS = frozenset({Lookup.Objection.OTHER_BUYER, Lookup.Objection.CONTESTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An order in the cloud that may be ours."""

    order_id: str
    item_ids: tuple[str, ...]
    found_by: str
    objections: Sequence[Lookup.Objection] = ()
    """Why it is not taken for ours without people."""
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def exact(self) -> bool:
        """Everything that must be compared agrees."""
        return not self.objections

    def stored(self) -> dict[str, Any]:
        """As a look-up keeps it."""
        return asdict(self) | {"item_ids": list(self.item_ids), "objections": [str(each) for each in self.objections]}


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
    free = [_as_of_now(each) for each in candidates if not is_owned(each.order_id, each.item_ids)]
    exact = [each for each in free if each.exact]
    result = _result(asked, free, exact)
    Lookup.objects.create(
        order=order,
        number=seen + 1,
        at=timezone.now(),
        result=result,
        sources=[asdict(each) for each in asked],
        candidates=[each.stored() for each in free],
    )
    data = {"lookup": seen + 1, "result": result, "candidates": [each.order_id for each in free]}
    move(order, "looked_up", by=None, data=data, look_up_at=timezone.now() + PAUSES[min(seen, len(PAUSES) - 1)])
    if result == Lookup.Result.FOUND:
        _place(order, exact[0], by=None, found_by=exact[0].found_by)
    else:
        _weigh_absence(order)


def _as_of_now(candidate: Candidate) -> Candidate:
    """In an old copy of the database what nothing owns may well be somebody's: an objection to everything."""
    restored = (Lookup.Objection.RESTORED,) if _is_restored() else ()
    return replace(
        candidate,
        objections=(*candidate.objections, *restored),
        evidence=storable_data(dict(candidate.evidence)),
    )


def _is_restored() -> bool:
    return epoch.is_behind() or stopping.standing().filter(cause=Stop.Cause.RESTORED).exists()


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


def _weigh_absence(order: Order) -> None:
    """Propose absence when it was looked for long enough; take that back when something new turns up."""
    last = list(order.lookups.order_by("-number")[:NEGATIVES])
    if order.absence_proposed_at is not None:
        new = last[0].candidate_ids - last[1].candidate_ids
        if new:
            move(order, "absence_withdrawn", by=None, data={"new": sorted(new)}, absence_proposed_at=None)
    elif _says_no(last, since=order.status_since) and not _is_restored():
        data = {"negatives": len(last), "candidates": sorted(last[0].candidate_ids)}
        move(order, "absence_proposed", by=None, data=data, absence_proposed_at=timezone.now())


def _says_no(last: Sequence[Lookup], *, since: datetime) -> bool:
    """Every source answered every time, and nothing came up but the same things, none of them the only one to agree."""
    unsure = any(each.candidates for each in last)
    return (
        len(last) == NEGATIVES
        and since + (UNSURE if unsure else QUIET) <= timezone.now()
        and all(each.is_full and each.result != Lookup.Result.FAILED for each in last)
        and all(each.candidate_ids == last[0].candidate_ids for each in last)
    )


@verb("attach")
def check_may_attach(*, order: Order, by: User) -> Order:
    """Before the cloud is asked on somebody's behalf: the order as it is now."""
    order = locked(order)
    permissions.check_can_resolve(by, order)
    return order


@verb("attach")
def attach(*, order: Order, by: User, reason: str, candidate: Candidate) -> Order:
    """An approver says which order in the cloud it is; `candidate` is what the cloud said about it just now."""
    order = locked(order)
    permissions.check_can_resolve(by, order)
    reason = given_reason(reason)
    if is_owned(candidate.order_id, candidate.item_ids):
        raise Changed
    candidate = _as_of_now(candidate)
    evidence = dict(candidate.evidence) | {"objections": [str(each) for each in candidate.objections]}
    _give(order, by, Resolution.Answer.ATTACH, reason, candidate.order_id, evidence)
    if len(_agreeing(order, Resolution.Answer.ATTACH, candidate.order_id)) >= PEOPLE:
        _place(order, candidate, by=by, found_by="people")
    return order


@verb("declare_absent")
def declare_absent(*, order: Order, by: User, reason: str) -> Order:
    """An approver says that the cloud does not have it. The second one to say so ends the order."""
    order = locked(order)
    permissions.check_can_declare_absent(by, order)
    reason = given_reason(reason)
    _give(order, by, Resolution.Answer.ABSENT, reason)
    agreeing = _agreeing(order, Resolution.Answer.ABSENT)
    if len(agreeing) >= PEOPLE and not _is_attached_by_anybody(order):
        data = {"people": [each.by.username for each in agreeing]}
        move(order, "declared_absent", by=by, reason=reason, data=data, look_up_at=None)
        _keep_findings(order)
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


def standing_answers(order: Order) -> list[Resolution]:
    """The last answer of each person who may still give one. Absent counts for the proposal that it answered."""
    last = {each.by_id: each for each in order.resolutions.select_related("by").order_by("pk")}
    return [
        each
        for each in last.values()
        if permissions.denial(permissions.check_can_resolve, each.by, order) is None and not _is_outdated(each, order)
    ]


def _is_outdated(answer: Resolution, order: Order) -> bool:
    proposed = order.absence_proposed_at
    return answer.answer == Resolution.Answer.ABSENT and (proposed is None or answer.at < proposed)


def _agreeing(order: Order, answer: Resolution.Answer, cloud_order_id: str = "") -> list[Resolution]:
    """One answer of each person: the standing ones that say just this."""
    return [each for each in standing_answers(order) if (each.answer, each.cloud_order_id) == (answer, cloud_order_id)]


def _is_attached_by_anybody(order: Order) -> bool:
    """The cloud confirmed that order when it was named: it cannot be outvoted, only taken back."""
    return any(each.answer == Resolution.Answer.ATTACH for each in standing_answers(order))


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
    _keep_findings(order)


def _keep_findings(order: Order) -> None:
    """What else looked like it, and belongs to nobody, becomes a finding: somebody may have to cancel it."""
    named = {each.cloud_order_id: each.evidence for each in order.resolutions.exclude(cloud_order_id="")}
    for candidate in [each for lookup in order.lookups.order_by("number") for each in lookup.candidates]:
        if _is_somebodys(candidate):
            named.pop(candidate["order_id"], None)
        else:
            named[candidate["order_id"]] = candidate["evidence"]
    for order_id, evidence in named.items():
        if not is_owned(order_id):
            Finding.objects.get_or_create(
                cloud_order_id=order_id, defaults={"order": order, "at": timezone.now(), "evidence": evidence}
            )


def _is_somebodys(candidate: dict[str, Any]) -> bool:
    """It is, or may be, another's: no finding of ours."""
    objections = set(candidate.get("objections", []))
    anything = {Lookup.Objection.BUYER_UNKNOWN, Lookup.Objection.CONTENT_UNSEEN} <= objections
    return not SOMEBODYS.isdisjoint(objections) or (anything and not candidate["item_ids"])
