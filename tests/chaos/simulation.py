"""The whole life of orders, simulated: real verbs on a real database, a cloud that may act late, and a clock of ours.

Hypothesis looks for a sequence of steps after which the invariant does not hold, and shortens it.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine
from django.contrib.auth.models import Group
from django.utils import timezone
from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from orders import purchasing, reconciling
from orders.actions import approving, moves, ordering, resolving, stopping, submitting, sweeping
from orders.cloud.calls import Call
from orders.errors import OrderError
from orders.models import Event, Order, Stop
from orders.states import Status
from portal.models import APPROVERS, User
from tests import making
from tests.chaos import deliveries, mutants, world
from tests.chaos.deliveries import Delivery
from tests.chaos.judging import judge
from tests.chaos.model_cloud import ModelCloud, connect

START = datetime(2027, 1, 1, tzinfo=UTC)
APART = timedelta(days=2)
"""Between two examples, which share one database."""
DONE_BY = timedelta(minutes=2)
"""The hard time limit: no worker outlives it."""
REQUESTERS, PEOPLE = ("lin", "ana"), ("mei", "omar", "sofia")
FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
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
CONTENTS: tuple[Callable[[], making.Content], ...] = (
    lambda: making.certificate(domain_numbers=5),
    lambda: making.certificate(domain_numbers=6),
    lambda: making.certificate(cert_type="EV_SSL_CERT", domain_numbers=5),
    lambda: making.ca(is_auto_pay=1),
    lambda: making.ca(is_auto_pay=1, period_num=3),
)

which = st.integers(0, 3)
faults = st.sampled_from(FAULTS)
people = st.sampled_from(PEOPLE)

_examples = itertools.count()


class Portal(RuleBasedStateMachine):
    cloud: ModelCloud

    def __init__(self) -> None:
        super().__init__()
        self.orders: list[int] = []
        self.running: list[Delivery] = []
        self.votes: dict[int, set[tuple[str, str]]] = defaultdict(set)
        self.asked: dict[int, list[bool]] = defaultdict(list)
        self.clock = time_machine.travel(START + next(_examples) * APART, tick=False)
        self.now = self.clock.start()
        self.cloud.reset()
        self._restore()
        submitting.claim = self._claim

    def _restore(self) -> None:
        """Everybody has their rights and nothing is stopped, whatever happened before."""
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
            submitting.claim = CLAIM
            self.clock.stop()

    # ------------------------------------------------------------ people

    @initialize(content=st.integers(0, len(CONTENTS) - 1))
    def begin(self, content: int) -> None:
        self.request_approved(content)

    @rule(content=st.integers(0, len(CONTENTS) - 1), by=st.sampled_from(REQUESTERS))
    def request(self, content: int, by: str) -> None:
        if len(self.orders) < 5:
            self._do(lambda: self.orders.append(making.order(world.person(by), CONTENTS[content]()).pk))

    @rule(content=st.integers(0, len(CONTENTS) - 1))
    def request_approved(self, content: int) -> None:
        """Coarse: most orders have no trouble before they are bought."""
        if len(self.orders) < 5:
            self.request(content, "lin")
            self._approve_all(len(self.orders) - 1)

    @rule(index=which, by=people, first_revision=st.booleans())
    def approve(self, index: int, by: str, first_revision: bool) -> None:
        """With `first_revision`, from a page that was opened long ago."""
        order = self._order(index)
        if order is not None:
            seen = order.revisions.order_by("number").first() if first_revision else order.content
            assert seen is not None
            self._do(lambda: self._vote(order, by, seen.digest))

    @rule(index=which)
    def edit(self, index: int) -> None:
        order = self._order(index)
        if order is not None:
            field = "period_num" if order.product == "ca" else "domain_numbers"
            values = {**order.content.values, field: order.content.values[field] + 10}
            content = ordering.Content(values=values, purpose="Changed", domain_names=order.content.domain_names)
            seen = order.content.number
            self._do(
                lambda: ordering.edit(
                    order=order, content=content, by=order.requester, seen_revision=seen, request=True
                )
            )

    @rule(index=which)
    def withdraw(self, index: int) -> None:
        order = self._order(index)
        if order is not None:
            self._do(lambda: ordering.withdraw(order=order, by=order.requester, reason="Not needed"))

    @rule(index=which)
    def retry(self, index: int) -> None:
        order = self._order(index)
        if order is not None:
            self._do(lambda: ordering.retry(order=order, by=order.requester))

    @rule(name=people, holds=st.booleans())
    def change_right(self, name: str, holds: bool) -> None:
        groups = world.person(name).groups
        (groups.add if holds else groups.remove)(Group.objects.get(name=APPROVERS))

    @rule(by=people, product=st.sampled_from(["", "certificate"]))
    def stop_buying(self, by: str, product: str) -> None:
        self._do(lambda: stopping.stop(by=world.person(by), product=product, reason="Wait"))

    @rule(by=people)
    def resume_buying(self, by: str) -> None:
        for stop in stopping.standing():
            self._do(lambda stop=stop: stopping.resume(by=world.person(by), stop=stop, reason="Go on"))  # type: ignore[misc]

    @rule(index=which, by=people, taken=which)
    def attach(self, index: int, by: str, taken: int) -> None:
        order, ledger = self._order(index), self.cloud.ledger()
        if order is not None and taken < len(ledger) and ledger[taken]["body"] == order.content.body_text:
            named = ledger[taken]["order_id"]
            self._do(
                lambda: reconciling.attach(
                    order=order, by=world.person(by), cloud_order_id=named, reason="Seen in the console"
                )
            )

    @rule(index=which)
    def declare_absent(self, index: int) -> None:
        order = self._order(index)
        for name in PEOPLE[:2]:
            if order is not None:
                self._do(
                    lambda name=name: resolving.declare_absent(  # type: ignore[misc]
                        order=order, by=world.person(name), reason="Nowhere"
                    )
                )

    # ------------------------------------------------------------ workers

    @rule(index=which, fault=faults)
    def deliver(self, index: int, fault: tuple[str, dict[str, Any]]) -> None:
        """Coarse: a whole delivery with this fault, nothing in between."""
        self._start(index, fault, lambda delivery: delivery.finish())

    @rule(index=which, fault=faults, steps=st.integers(0, 3))
    def start_delivery(self, index: int, fault: tuple[str, dict[str, Any]], steps: int) -> None:
        """A delivery that is held up on its way; others overtake it."""
        self._start(index, fault, lambda delivery: [delivery.step() for _ in range(steps)])

    @rule(index=which, fault=faults, steps=st.integers(0, 3))
    def crash(self, index: int, fault: tuple[str, dict[str, Any]], steps: int) -> None:
        self.start_delivery(index, fault, steps)
        self.kill(-1)

    @rule(at=which)
    def go_on(self, at: int) -> None:
        if at < len(self.running):
            self.running[at].step()
            self._drop_finished()

    @rule(at=which)
    def kill(self, at: int) -> None:
        if -len(self.running) <= at < len(self.running):
            self.running[at].kill()
            self._drop_finished()

    @rule(index=which)
    def change_of_mind(self, index: int) -> None:
        """Coarse: approvers lose their right, the order goes back, is edited and approved anew."""
        order = self._order(index)
        if order is None or order.status != Status.APPROVED:
            return
        for name in PEOPLE:
            self.change_right(name, holds=False)
        self._start(index, FAULTS[0], lambda delivery: delivery.finish())
        for name in PEOPLE:
            self.change_right(name, holds=True)
        self.edit(index)
        self._approve_all(index)

    # ------------------------------------------------------------ time

    @rule(by=st.sampled_from(PAUSES))
    def wait(self, by: timedelta) -> None:
        if by >= DONE_BY:
            for delivery in self.running:
                delivery.kill()
            self._drop_finished()
        self.now.shift(by)

    @rule()
    def sweep(self) -> None:
        sweeping.guard()
        ours = Order.objects.filter(pk__in=self.orders)
        for order in ours.overdue(timezone.now()):
            sweeping.end(order=order)
        for order in ours.to_look_up(timezone.now()):
            self._look_up(order.pk)

    @rule(index=which)
    def look_up(self, index: int) -> None:
        order = self._order(index)
        if order is not None:
            self._look_up(order.pk)

    @rule(dark=st.booleans())
    def darken(self, dark: bool) -> None:
        self.cloud.dark = dark

    @rule(index=which, dark=st.booleans())
    def wait_for_people(self, index: int, dark: bool) -> None:
        """Coarse: an outcome stays unknown for hours, and two people have to say what they think."""
        order = self._order(index)
        if order is None or order.status not in (Status.SUBMITTING, Status.UNCONFIRMED):
            return
        self.wait(PAUSES[1])
        self.sweep()
        self.cloud.dark = dark
        for _ in range(4):
            self.wait(PAUSES[2])
            self._look_up(order.pk)
        self.declare_absent(index)
        self.cloud.dark = False

    # ------------------------------------------------------------ what must hold

    @invariant()
    def the_cloud_has_nothing_that_the_portal_denies(self) -> None:
        self._raise_errors()
        assert judge(self._all(), self.cloud.ledger(), histories=False) == []

    @invariant()
    def absence_rests_on_answers(self) -> None:
        for order in self._all():
            if order.absence_proposed_at is not None:
                assert sum(self.asked[order.pk]) >= resolving.NEGATIVES, f"{order}: nobody was really asked"

    def _check_histories(self) -> None:
        assert judge(self._all(), self.cloud.ledger()) == []
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
        try:
            act()
        except OrderError:
            pass

    def _vote(self, order: Order, by: str, digest: str) -> None:
        approving.approve(order=order, by=world.person(by), digest=digest)
        self.votes[order.pk].add((by, digest))

    def _approve_all(self, index: int) -> None:
        for name in PEOPLE:
            order = self._order(index)
            if order is not None and order.status == Status.PENDING_APPROVAL:
                self._do(lambda order=order, name=name: self._vote(order, name, order.content.digest))  # type: ignore[misc]

    def _start(self, index: int, fault: tuple[str, dict[str, Any]], go: Callable[[Delivery], object]) -> None:
        order = self._order(index)
        if order is None or len(self.running) > 2:
            return
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

    def _order(self, index: int) -> Order | None:
        return self._fresh(self.orders[index]) if index < len(self.orders) else None

    def _fresh(self, order_id: int) -> Order:
        return Order.objects.select_related("revision", "attempt", "requester").get(pk=order_id)

    def _all(self) -> list[Order]:
        return list(Order.objects.filter(pk__in=self.orders).select_related("revision"))


CLAIM = submitting.claim


def run(number: int, examples: int, steps: int, mutant: str = "") -> None:
    """Raises what Hypothesis found, shortened."""
    global CLAIM  # noqa: PLW0603 - a planted bug may sit in it
    mutants.plant(mutant)
    CLAIM = submitting.claim
    moves._announce = lambda *_: None
    if not User.objects.filter(username="ana").exists():
        making.person("ana")
    cloud = Portal.cloud = ModelCloud(deliveries.hold)
    connect(cloud, purchasing)
    deliveries.mute_the_dead()
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        seed(number)(Portal),
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate] if mutant else [Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.normal,
            print_blob=False,
        ),
    )
