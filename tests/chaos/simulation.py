"""The whole life of orders, simulated: real verbs on a real database, a cloud that may act late, and a clock of ours.

Hypothesis looks for a sequence of steps after which the invariant does not hold, and shortens it.
"""

from __future__ import annotations

import contextlib
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import time_machine
from django.contrib.auth.models import Group
from django.db.models import Max
from django.utils import timezone
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from orders import purchasing, reconciling, states
from orders.actions import approving, ordering, resolving, stopping, submitting, sweeping
from orders.cloud import account
from orders.errors import OrderError
from orders.models import Event, Order, Revision, Stop
from orders.states import Status
from portal.models import APPROVERS, User
from tests import making
from tests.chaos import deliveries, mutants, world
from tests.chaos.deliveries import Delivery
from tests.chaos.judging import judge
from tests.chaos.model_cloud import ModelCloud, connect

START = datetime(2027, 1, 1, tzinfo=UTC)
APART = timedelta(days=10)
"""Between two examples, which share one database."""
DONE_BY = timedelta(minutes=2)
"""The hard time limit: no worker outlives it."""
REQUESTERS, PEOPLE = ("lin", "ana"), ("mei", "omar", "sofia")
Fault: TypeAlias = tuple[str, dict[str, Any]]
FAULTS: tuple[Fault, ...] = (
    ("none", {}),
    ("out-of-sale", {}),
    ("429", {}),
    ("401", {}),
    ("executed-then-reset", {}),
    ("executed-then-silent", {}),
    ("executed-then-504", {}),
    ("executed-then-truncated", {}),
    ("200-without-id", {}),
    ("invalid-json", {}),
    ("reset-before-execution", {}),
    ("500", {}),
    ("late-execution", {"seconds": 300.0}),
    ("late-execution", {"seconds": 600.0}),
    ("late-visibility", {"seconds": 2400.0, "then": "executed-then-reset"}),
    ("payment-fails", {"then": "executed-then-reset"}),
    ("unreachable", {}),
)
PAUSES = (timedelta(seconds=40), timedelta(minutes=4), timedelta(minutes=20), timedelta(minutes=70))
CONTENTS: tuple[Callable[[], ordering.Content], ...] = (
    lambda: making.certificate(domain_numbers=5),
    lambda: making.certificate(domain_numbers=6),
    lambda: making.certificate(cert_type="EV_SSL_CERT", domain_numbers=5),
    lambda: making.ca(is_auto_pay=1),
    lambda: making.ca(is_auto_pay=1, period_num=3),
    lambda: making.ca(is_auto_pay=0),
    lambda: making.ca(is_auto_pay=0, promotion_info="spring"),
)

ACTS = (
    "approve",
    "approve_unseen",
    "attach",
    "declare_absent",
    "edit",
    "grant",
    "reject",
    "resume",
    "retry",
    "revoke",
    "stop",
    "stop_all",
    "withdraw",
)
MOST = 4
"""Orders in one example."""

which = st.integers(0, MOST - 1)
contents = st.integers(0, len(CONTENTS) - 1)
pauses = st.sampled_from(PAUSES)
faults = st.sampled_from(FAULTS)
people = st.sampled_from(PEOPLE)

EXAMPLES = Counter[str]()
"""What all examples of this process came to: how many they were, and what the cloud and its killers did."""


class Portal(RuleBasedStateMachine):
    cloud: ModelCloud
    starts = START

    def __init__(self) -> None:
        super().__init__()
        self.orders: list[int] = []
        self.running: list[Delivery] = []
        self.votes: dict[int, set[tuple[str, str]]] = defaultdict(set)
        self.asked: dict[int, list[bool]] = defaultdict(list)
        self.judged: object = None
        self.clock = time_machine.travel(self.starts + EXAMPLES["runs"] * APART, tick=False)
        EXAMPLES["runs"] += 1
        self.now = self.clock.start()
        self.cloud.reset()
        self._restore()
        submitting.claim = self._claim

    def _restore(self) -> None:
        """Everybody has their rights and nothing is stopped or in flight, whatever happened before."""
        Order.objects.filter(status__in=states.IN_FLIGHT).update(status=Status.ABSENT, deadline_at=None)
        group = Group.objects.get(name=APPROVERS)
        group.user_set.set(User.objects.filter(username__in=PEOPLE))
        Stop.objects.filter(lifted_at=None).update(lifted_at=timezone.now())
        last = Event.objects.order_by("-pk").values_list("pk", flat=True).first()
        self.first_event = (last or 0) + 1

    def teardown(self) -> None:
        try:
            for delivery in self.running:
                delivery.finish()
            self._check_histories()
        finally:
            EXAMPLES["purchases"] += len(self.cloud.ledger())
            submitting.claim = CLAIM
            self.clock.stop()

    # ------------------------------------------------------------ people

    @initialize(content=contents)
    def begin(self, content: int) -> None:
        self.request_approved(content)

    @precondition(lambda self: len(self.orders) < MOST)
    @rule(content=contents)
    def request_approved(self, content: int) -> None:
        """Coarse: most orders have no trouble before they are bought."""
        self._do(lambda: self.orders.append(making.order(world.person("lin"), CONTENTS[content]()).pk))
        self._approve_all(len(self.orders) - 1)

    @precondition(lambda self: len(self.orders) < MOST)
    @rule(content=contents, by=st.sampled_from(REQUESTERS))
    def request(self, content: int, by: str) -> None:
        self._do(lambda: self.orders.append(making.order(world.person(by), CONTENTS[content]()).pk))

    @rule(act=st.sampled_from(ACTS), index=which, by=people)
    def somebody_acts(self, act: str, index: int, by: str) -> None:
        self._do(lambda: getattr(self, f"_{act}")(self._order(index), world.person(by)))

    def _approve(self, order: Order, by: User) -> None:
        self._vote(order, by, order.content)

    def _approve_unseen(self, order: Order, by: User) -> None:
        """From a page that was opened long ago."""
        seen = order.revisions.order_by("number").first()
        assert seen is not None
        self._vote(order, by, seen)

    def _reject(self, order: Order, by: User) -> None:
        seen = order.content
        approving.reject(order=order, by=by, digest=seen.digest, seen_revision=seen.number, comment="No")

    def _edit(self, order: Order, by: User) -> None:
        field = "period_num" if order.product == "ca" else "domain_numbers"
        values = {**order.content.values, field: order.content.values[field] + 10}
        content = ordering.Content(values=values, purpose="Changed", domain_names=order.content.domain_names)
        seen = order.content.number
        ordering.edit(order=order, content=content, by=order.requester, seen_revision=seen, request=True)

    def _withdraw(self, order: Order, by: User) -> None:
        ordering.withdraw(order=order, by=order.requester, reason="Not needed")

    def _retry(self, order: Order, by: User) -> None:
        ordering.retry(order=order, by=order.requester)

    def _grant(self, order: Order, by: User) -> None:
        by.groups.add(Group.objects.get(name=APPROVERS))

    def _revoke(self, order: Order, by: User) -> None:
        by.groups.remove(Group.objects.get(name=APPROVERS))

    def _stop(self, order: Order, by: User) -> None:
        stopping.stop(by=by, product=order.product, reason="Wait")

    def _stop_all(self, order: Order, by: User) -> None:
        stopping.stop(by=by, product="", reason="Wait")

    def _resume(self, order: Order, by: User) -> None:
        for stop in stopping.standing():
            stopping.resume(by=by, stop=stop, reason="Go on")

    def _attach(self, order: Order, by: User) -> None:
        """They know their own order when they see it: nobody names another one's."""
        for row in self.cloud.ledger():
            if row["body"] == order.content.body_text:
                named = row["order_id"]
                reconciling.attach(order=order, by=by, cloud_order_id=named, reason="Seen in the console")

    def _declare_absent(self, order: Order, by: User) -> None:
        """They look at what the portal shows, and know their own order when they see it."""
        last = order.lookups.order_by("-number").first()
        ours = {row["order_id"] for row in self.cloud.ledger() if row["body"] == order.content.body_text}
        if last is not None and last.candidate_ids & ours:
            self._attach(order, by)
            return
        resolving.declare_absent(order=order, by=by, reason="Nowhere")

    # ------------------------------------------------------------ workers

    @rule(index=which, fault=faults)
    def deliver(self, index: int, fault: Fault) -> None:
        """Coarse: a whole delivery with this fault, nothing in between."""
        self._start(index, fault, lambda delivery: delivery.finish())

    @rule(index=which, fault=faults, steps=st.integers(0, 3))
    def start_delivery(self, index: int, fault: Fault, steps: int) -> None:
        """A delivery that is held up on its way; others overtake it."""
        self._start(index, fault, lambda delivery: [delivery.step() for _ in range(steps)])

    @rule(index=which, fault=faults, steps=st.integers(0, 3))
    def crash(self, index: int, fault: Fault, steps: int) -> None:
        self.start_delivery(index, fault, steps)
        if self.running:
            self._kill(self.running[-1])
            self._drop_finished()

    @rule(at=which, by=st.integers(1, 4))
    def go_on(self, at: int, by: int) -> None:
        for _ in range(by if self.running else 0):
            self.running[at % len(self.running)].step()
        self._drop_finished()

    @rule(index=which, fault=faults)
    def change_of_mind(self, index: int, fault: Fault) -> None:
        """Coarse: while a worker is on its way, the approvals are lost, the order is edited and approved anew."""
        order = self._order(index)
        if order.status != Status.APPROVED:
            return
        self.start_delivery(index, fault, 0)
        for name in PEOPLE:
            self._revoke(order, world.person(name))
        self.deliver(index, FAULTS[0])
        for name in PEOPLE:
            self._grant(order, world.person(name))
        self._do(lambda: self._edit(self._order(index), order.requester))
        self._approve_all(index)

    @rule(index=which, by=people, steps=st.integers(0, 1), act=st.sampled_from(("stop_all", "withdraw", "revoke")))
    def change_at_the_last_moment(self, index: int, by: str, steps: int, act: str) -> None:
        """Coarse: something changes while the connection is being opened."""
        self.start_delivery(index, FAULTS[0], steps)
        self.somebody_acts(act, index, by)
        if self.running:
            self.running[-1].finish()
            self._drop_finished()
        self.business_as_usual()

    @rule()
    def business_as_usual(self) -> None:
        """Coarse: everybody has their rights again, and whatever stopped buying is lifted."""
        order = self._order(0)
        for name in PEOPLE:
            self._grant(order, world.person(name))
        self._do(lambda: self._resume(order, world.person(PEOPLE[0])))

    @rule(index=which, first=faults, second=faults)
    def deliver_twice(self, index: int, first: Fault, second: Fault) -> None:
        """Coarse: the message comes a second time, at once and when the pause of the first try is over."""
        self.business_as_usual()
        self.deliver(index, first)
        self.deliver(index, second)
        self.beat(PAUSES[1], dark=False)
        self.deliver(index, second)

    # ------------------------------------------------------------ time

    @rule(by=pauses)
    def wait(self, by: timedelta) -> None:
        if by >= DONE_BY:
            for delivery in self.running:
                self._kill(delivery)
            self._drop_finished()
        self.now.shift(by)

    @rule(by=pauses, dark=st.booleans())
    def beat(self, by: timedelta, dark: bool) -> None:
        """Time passes, and the sweeper comes by; while it is dark, no look-up gets an answer."""
        self.wait(by)
        self.cloud.dark = dark
        sweeping.guard()
        ours = Order.objects.filter(pk__in=self.orders).order_by("pk")
        for order in ours.overdue(timezone.now()):
            sweeping.end(order=order)
        for order in ours.to_look_up(timezone.now()):
            self._look_up(order.pk)
        self.cloud.dark = False

    @rule(index=which)
    def look_up(self, index: int) -> None:
        self._look_up(self._order(index).pk)

    @rule(dark=st.booleans())
    def wait_for_people(self, dark: bool) -> None:
        """Coarse: outcomes stay unknown for hours, and two people say what they think."""
        if not any(each.status in states.IN_FLIGHT for each in self._all()):
            return
        for _ in range(5):
            self.beat(PAUSES[2], dark)
        for index, name in itertools.product(range(len(self.orders)), PEOPLE):
            self.somebody_acts("declare_absent", index, name)

    @rule(index=which)
    def settle_by_people(self, index: int) -> None:
        """Coarse: it broke before the cloud executed it; for hours it is looked for, and two people say so."""
        self.deliver(index, ("reset-before-execution", {}))
        self.wait_for_people(dark=False)

    @rule(index=which)
    def somebody_else_buys(self, index: int) -> None:
        """In the console, at this moment, what an order of ours asks for."""
        content = self._order(index).content
        self.cloud.buy_for_another(content.api, bytes(content.body))

    # ------------------------------------------------------------ what must hold

    @invariant()
    def the_cloud_has_nothing_that_the_portal_denies(self) -> None:
        self._raise_errors()
        orders, ledger = self._all(), self.cloud.ledger()
        seen = [(each.pk, each.version) for each in orders], len(ledger)
        if seen != self.judged:
            _fail_on(judge(orders, ledger, histories=False))
            self.judged = seen

    @invariant()
    def absence_rests_on_answers(self) -> None:
        for order in self._all():
            if order.absence_proposed_at is not None:
                assert sum(self.asked[order.pk]) >= resolving.NEGATIVES, f"{order}: nobody was really asked"

    def _check_histories(self) -> None:
        _fail_on(judge(self._all(), self.cloud.ledger()))
        stopped: set[tuple[str, str]] = set()
        for event in Event.objects.filter(pk__gte=self.first_event).select_related("order").order_by("pk"):
            if event.kind in ("buying.stopped", "buying.resumed"):
                change = stopped.add if event.kind == "buying.stopped" else stopped.discard
                change((event.data["product"], event.data["cause"]))
            elif event.kind == "order.submission_started":
                assert event.order is not None
                holding = {product for product, _ in stopped}
                assert not holding & {"", event.order.product}, f"{event.order} was submitted while buying was stopped"

    def _claim(self, **given: Any) -> Any:
        """The claim, and beside it what the simulation itself knows about rights and votes."""
        attempt = CLAIM(**given)
        order = self._fresh(attempt.order_id)
        holders = set(User.objects.approvers().values_list("username", flat=True))
        digest = given["sha256"]
        assert order.content.digest == digest, f"{order}: not the approved bytes are sent"
        approving_now = {name for name, seen in self.votes[order.pk] if seen == digest} & holders
        assert len(approving_now) >= order.quorum, f"{order}: sent with the approval of {sorted(approving_now)} only"
        return attempt

    # ------------------------------------------------------------ hands

    def _do(self, act: Callable[[], object]) -> None:
        """People are refused all the time: that is not an error."""
        with contextlib.suppress(OrderError):
            act()

    def _vote(self, order: Order, by: User, seen: Revision) -> None:
        approving.approve(order=order, by=by, digest=seen.digest, seen_revision=seen.number)
        self.votes[order.pk].add((by.username, seen.digest))

    def _approve_all(self, index: int) -> None:
        for name in PEOPLE:
            if self._order(index).status == Status.PENDING_APPROVAL:
                self._do(lambda name=name: self._approve(self._order(index), world.person(name)))  # type: ignore[misc]

    def _start(self, index: int, fault: Fault, go: Callable[[Delivery], object]) -> None:
        order = self._order(index)
        if len(self.running) > 2:
            self.running[0].finish()
            self._drop_finished()
        kind, parameters = fault
        self.cloud.disarm()
        self.cloud.unreachable = kind == "unreachable"
        if kind not in ("none", "unreachable"):
            self.cloud.arm(kind, **parameters)
        delivery = Delivery(order.pk)
        go(delivery)
        self.cloud.unreachable = False
        self.running.append(delivery)
        self._drop_finished()

    def _kill(self, delivery: Delivery) -> None:
        EXAMPLES["kills"] += 1
        delivery.kill()

    def _drop_finished(self) -> None:
        self._raise_errors()
        self.running = [delivery for delivery in self.running if delivery.at]

    def _raise_errors(self) -> None:
        for delivery in self.running:
            if delivery.error is not None:
                raise delivery.error

    def _look_up(self, order_id: int) -> None:
        before = self._fresh(order_id)
        if before.status == Status.UNCONFIRMED:
            self.asked[order_id].append(not self.cloud.dark)
            reconciling.look_up(order_id)

    def _order(self, index: int) -> Order:
        return self._fresh(self.orders[index % len(self.orders)])

    def _fresh(self, order_id: int) -> Order:
        return Order.objects.select_related("revision", "attempt", "requester").get(pk=order_id)

    def _all(self) -> list[Order]:
        return list(Order.objects.filter(pk__in=self.orders).select_related("revision").order_by("pk"))


def _fail_on(wrong: list[str]) -> None:
    if wrong:
        raise AssertionError("; ".join(wrong))


CLAIM = submitting.claim


def prepare(mutant: str = "") -> None:
    """Once per process: the model instead of the network, and the planted bug if there is one."""
    global CLAIM
    if not User.objects.filter(username="ana").exists():
        making.person("ana")
    last = Event.objects.aggregate(at=Max("at"))["at"]
    Portal.starts = max(START, last + APART) if last else START  # no look back on what an earlier run did
    cloud = Portal.cloud = ModelCloud(deliveries.hold)
    connect(cloud, purchasing=purchasing, account=account)
    mutants.plant(mutant)
    CLAIM = submitting.claim
    deliveries.mute_the_dead()


def run(number: int, examples: int, steps: int) -> dict[str, int]:
    """What it came to. Raises what Hypothesis found, shortened."""
    prepare()
    known = Event.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    _play(number, examples, steps, Phase.generate, Phase.shrink)
    events = Event.objects.filter(pk__gt=known)
    return dict(EXAMPLES) | {
        "orders": events.filter(kind="order.drafted").count(),
        "submissions": events.filter(kind="order.submission_started").count(),
        "unknown": events.filter(kind="order.outcome_lost").count(),
        "found": events.filter(kind="order.placed").exclude(data__found_by="answer").count(),
        "absent": events.filter(kind="order.declared_absent").count(),
    }


def search(mutant: str, number: int, examples: int, steps: int) -> int:
    """With this bug planted: the example that shows it, or 0. Nothing here knows which bug it is."""
    prepare(mutant)
    try:
        _play(number, examples, steps, Phase.generate)
    except Flaky:
        return 0  # it did not show twice: that proves nothing
    except Exception:  # noqa: BLE001 - however it shows, it is wrong
        return EXAMPLES["runs"]
    return 0


def _play(number: int, examples: int, steps: int, *phases: Phase) -> None:
    run_state_machine_as_test(
        seed(number)(Portal),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=phases,
            suppress_health_check=list(HealthCheck),
            print_blob=False,
        ),
    )
