"""Pairs of processes released at the same moment, round after round, on orders of their own.

Each pair has one legal set of outcomes; what happened is judged by the history, the votes and the database's own rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection, connections
from django.utils import timezone

from orders.actions import approving, ordering, resolving, stopping, submitting, sweeping
from orders.actions.resolving import Asked, Candidate
from orders.cloud.verdicts import Placed
from orders.errors import OrderError
from orders.models import Decision, Order, Outcome, Stop
from orders.states import Status
from portal.models import APPROVERS, User
from tests import making
from tests.chaos import world
from tests.chaos.forking import Hand
from tests.chaos.judging import judge

Act = Callable[[int], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """`prepare` makes an order, `left` and `right` meet over it, `wrong` says what may not have come of it.

    A `variant` of another pair meets a quarter as often.
    """

    prepare: Callable[[], int]
    left: Act
    right: Act
    wrong: Callable[[Order, list[str]], list[str]]
    variant: bool = False


def run(pair: str, rounds: int) -> dict[str, Any]:
    """How often each pair of outcomes came about, and everything that is wrong."""
    race, outcomes, wrong = PAIRS[pair], Counter[str](), []
    connections.close_all()
    hands = [Hand(_runner(act), pair) for act in (race.left, race.right)]
    try:
        for _ in range(rounds // 4 if race.variant else rounds):
            order_id = race.prepare()
            told = _meet(hands, order_id)
            outcomes[" / ".join(told)] += 1
            order = fresh(order_id)
            wrong += race.wrong(order, told) + judge([order], _ledger_of(order)) + _unexpected(told)
            world.nothing_is_stopped()
            world.put_away([order_id])
    finally:
        for hand in hands:
            hand.dismiss()
    return {"outcomes": dict(outcomes), "wrong": wrong[:20]}


def _meet(hands: list[Hand], order_id: int) -> list[str]:
    """Both have the order in sight before either may act."""
    for hand in hands:
        hand.tell(["ready", order_id])
    for hand in hands:
        hand.hear().returned()
    for hand in hands:
        hand.tell(["go", order_id])
    return [hand.hear().returned() for hand in hands]


def _runner(act: Act) -> Callable[[list[Any]], str]:
    def do(told: list[Any]) -> str:
        word, order_id = told
        if word == "ready":
            connection.ensure_connection()
            return "ready"
        try:
            return str(act(order_id) or "done")
        except OrderError as error:
            return type(error).__name__

    return do


def _unexpected(told: list[str]) -> list[str]:
    return [f"unexpected outcome {each}" for each in told if each not in ("done", "Denied", "Changed", "ClaimRefused")]


def _ledger_of(order: Order) -> list[dict[str, Any]]:
    """No cloud takes part: what was concluded as placed is what it would have."""
    if order.status != Status.PLACED:
        return []
    items = list(order.items.values_list("cloud_id", flat=True))
    return [{"body": order.content.body_text, "order_id": order.cloud_order_id, "item_ids": items}]


def fresh(order_id: int) -> Order:
    return Order.objects.select_related("revision", "attempt", "requester").get(pk=order_id)


# ---------------------------------------------------------------- what they meet over


def pending() -> int:
    return world.requested_order("certificate")


def pending_for_two() -> int:
    return world.requested_order("ca")


def approved() -> int:
    everybody_may()
    return world.approved_order("certificate")


def sending() -> int:
    order_id = approved()
    claim(order_id)
    return order_id


def overdue() -> int:
    order_id = sending()
    Order.objects.filter(pk=order_id).update(deadline_at=timezone.now())
    return order_id


def unconfirmed() -> int:
    order_id = overdue()
    sweeping.end(order=fresh(order_id))
    return order_id


def absence_proposed() -> int:
    order_id = unconfirmed()
    Order.objects.filter(pk=order_id).update(absence_proposed_at=timezone.now())
    return order_id


def everybody_may() -> None:
    Group.objects.get(name=APPROVERS).user_set.set(User.objects.filter(username__in=("mei", "omar", "sofia")))


# ---------------------------------------------------------------- what they do


def approve(name: str) -> Act:
    """What is approved is the version that the page showed, which is the first one."""

    def act(order_id: int) -> None:
        order = fresh(order_id)
        seen = order.revisions.get(number=1)
        approving.approve(order=order, by=world.person(name), digest=seen.digest, seen_revision=seen.number)

    return act


def edit(order_id: int) -> None:
    order = fresh(order_id)
    values = {**order.content.values, "effective_time": 3 - order.content.values["effective_time"]}
    content = ordering.Content(values=values, purpose="Changed", domain_names=order.content.domain_names)
    ordering.edit(order=order, content=content, by=order.requester, seen_revision=order.content.number, request=True)


def withdraw(order_id: int) -> None:
    order = fresh(order_id)
    ordering.withdraw(order=order, by=order.requester, reason="Not needed")


def claim(order_id: int) -> None:
    order = fresh(order_id)
    digest = order.content.digest
    submitting.claim(order=order, sha256=digest, endpoint=making.ENDPOINT, started_at=datetime.now(UTC))


def revoke(order_id: int) -> None:
    group = Group.objects.get(name=APPROVERS)
    world.person("mei").groups.remove(group)


def stop(order_id: int) -> None:
    stopping.stop(by=world.person("sofia"), product="", reason="Wait")


def conclude(order_id: int) -> None:
    attempt = fresh(order_id).attempt
    assert attempt is not None
    verdict = Placed(order_id=f"CS{order_id}", item_ids=(f"scs{order_id}",))
    submitting.conclude(attempt=attempt, exchange=making.exchange(), verdict=verdict)


def end(order_id: int) -> None:
    sweeping.end(order=fresh(order_id))


def find(order_id: int) -> None:
    _look(order_id, [Candidate(order_id=f"CS{order_id}", item_ids=(f"scs{order_id}",), found_by="billing")])


def find_nothing(order_id: int) -> None:
    _look(order_id, [])


def _look(order_id: int, candidates: list[Candidate]) -> None:
    """The first look-up of this order, as both began it."""
    asked = [Asked(source="billing", ok=True, seen=len(candidates))]
    resolving.record_lookup(order=fresh(order_id), seen=0, asked=asked, candidates=candidates)


def declare_absent(name: str) -> Act:
    def act(order_id: int) -> None:
        resolving.declare_absent(order=fresh(order_id), by=world.person(name), reason="Nowhere")

    return act


def attach(name: str) -> Act:
    def act(order_id: int) -> None:
        named = Candidate(order_id=f"CS{order_id}", item_ids=(f"scs{order_id}",), found_by="people")
        resolving.attach(order=fresh(order_id), by=world.person(name), reason="Seen there", candidate=named)

    return act


# ---------------------------------------------------------------- what may not come of it


def nothing_more(order: Order, told: list[str]) -> list[str]:
    return []


def one_wins(order: Order, told: list[str]) -> list[str]:
    return [] if told.count("done") == 1 else [f"{order}: {told}"]


def both_count(order: Order, told: list[str]) -> list[str]:
    """Two votes of two: both are recorded, and the second one approves."""
    votes = order.approvals.filter(decision=Decision.APPROVE).count()
    return [] if (order.status, votes) == (Status.APPROVED, 2) else [f"{order} is {order.status} with {votes} votes"]


def counted_once(order: Order, told: list[str]) -> list[str]:
    """The same person clicks twice: that is one vote of the two needed."""
    votes, told_of = order.approvals.count(), order.events.filter(kind="order.approval_given").count()
    if (order.status, votes, told_of) != (Status.PENDING_APPROVAL, 1, 1):
        return [f"{order} is {order.status} with {votes} votes, {told_of} in the history"]
    return []


def approved_as_seen(order: Order, told: list[str]) -> list[str]:
    """Whoever approves has seen what is approved."""
    if order.status == Status.APPROVED and order.content.number != 1:
        return [f"{order}: approved in a version that nobody looked at"]
    return []


def one_claim(order: Order, told: list[str]) -> list[str]:
    claims = order.attempts.exclude(outcome=Outcome.NOT_SENT).count()
    events = order.events.filter(kind="order.submission_started").count()
    started = int(order.status == Status.SUBMITTING)
    return [] if claims == events == started <= 1 else [f"{order}: {claims} attempts, {events} starts: {told}"]


def one_wins_and_claims_once(order: Order, told: list[str]) -> list[str]:
    return one_wins(order, told) + one_claim(order, told)


def claimed_before_the_stop(order: Order, told: list[str]) -> list[str]:
    wrong = one_claim(order, told)
    start = order.events.filter(kind="order.submission_started").first()
    stopped = Stop.objects.filter(cause=Stop.Cause.PERSON).order_by("-pk").first()
    if start is not None and stopped is not None and start.at > stopped.stopped_at and _commits_in_order():
        wrong.append(f"{order} was claimed after buying was stopped")
    return wrong


def _commits_in_order() -> bool:
    """PostgreSQL's transactions overlap: a claim that has looked may commit after a stop that has begun."""
    return connection.vendor == "sqlite"


def known(order: Order, told: list[str]) -> list[str]:
    """The answer is kept, whoever was faster."""
    return [] if order.status == Status.PLACED else [f"{order} is {order.status} although the answer was there"]


def lost_once(order: Order, told: list[str]) -> list[str]:
    lost = order.events.filter(kind="order.outcome_lost").count()
    return [] if (order.status, lost) == (Status.UNCONFIRMED, 1) else [f"{order} is {order.status}, lost {lost} times"]


def placed_once(order: Order, told: list[str]) -> list[str]:
    wrong = known(order, told)
    if order.lookups.count() != 1 or order.items.count() != 1:
        wrong.append(f"{order}: {order.lookups.count()} look-ups, {order.items.count()} items")
    return wrong


def seen_once(order: Order, told: list[str]) -> list[str]:
    return [] if order.lookups.count() == 1 else [f"{order}: {order.lookups.count()} look-ups"]


def settled_by_two(order: Order, told: list[str]) -> list[str]:
    people = order.resolutions.values("by").distinct().count()
    settled = order.status in (Status.ABSENT, Status.PLACED)
    if settled != (people == 2 and told == ["done", "done"]):
        return [f"{order} is {order.status}, {people} people answered: {told}"]
    return []


def undecided(order: Order, told: list[str]) -> list[str]:
    """One says absent, the other says it is there: nothing is settled."""
    return [] if order.status == Status.UNCONFIRMED else [f"{order} is {order.status} although people disagree"]


PAIRS: dict[str, Pair] = {
    "approve, approve (two needed)": Pair(
        prepare=pending_for_two, left=approve("mei"), right=approve("omar"), wrong=both_count
    ),
    "approve, approve (one needed)": Pair(
        prepare=pending, left=approve("mei"), right=approve("omar"), wrong=one_wins, variant=True
    ),
    "approve, approve (one person)": Pair(
        prepare=pending_for_two, left=approve("mei"), right=approve("mei"), wrong=counted_once, variant=True
    ),
    "approve, edit": Pair(prepare=pending, left=approve("mei"), right=edit, wrong=approved_as_seen),
    "withdraw, claim": Pair(prepare=approved, left=withdraw, right=claim, wrong=one_wins_and_claims_once),
    "revoke, claim": Pair(prepare=approved, left=revoke, right=claim, wrong=one_claim),
    "claim, claim": Pair(prepare=approved, left=claim, right=claim, wrong=one_wins_and_claims_once),
    "stop, claim": Pair(prepare=approved, left=stop, right=claim, wrong=claimed_before_the_stop),
    "sweep, record": Pair(prepare=overdue, left=end, right=conclude, wrong=known),
    "sweep, sweep": Pair(prepare=overdue, left=end, right=end, wrong=lost_once),
    "find, find": Pair(prepare=unconfirmed, left=find, right=find, wrong=placed_once),
    "find nothing, find nothing": Pair(
        prepare=unconfirmed, left=find_nothing, right=find_nothing, wrong=seen_once, variant=True
    ),
    "record, find": Pair(prepare=unconfirmed, left=conclude, right=find, wrong=known, variant=True),
    "absent, absent": Pair(
        prepare=absence_proposed, left=declare_absent("mei"), right=declare_absent("omar"), wrong=settled_by_two
    ),
    "attach, attach": Pair(
        prepare=unconfirmed, left=attach("mei"), right=attach("omar"), wrong=settled_by_two, variant=True
    ),
    "attach, absent": Pair(
        prepare=absence_proposed, left=attach("mei"), right=declare_absent("omar"), wrong=undecided, variant=True
    ),
}
