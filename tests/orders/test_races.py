"""Two at once, thirty times over, on real connections: whoever is first, the other finds the new state."""

import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest
from django.db import connections

from orders.actions import approving, ordering, submitting, sweeping
from orders.cloud.verdicts import Placed
from orders.errors import Changed, ClaimRefused, Denied, OrderError
from orders.models import Approval, Attempt, Decision, Order
from orders.states import Status
from portal.models import User
from tests import making

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = 30
Call = Callable[[], object]


def at_once(*calls: Call) -> list[object]:
    """Start all calls at the same moment, each on its own connection. What they returned or refused with."""
    results: list[object] = [None] * len(calls)
    barrier = threading.Barrier(len(calls))

    def run(index: int) -> None:
        try:
            barrier.wait(timeout=10)
            results[index] = calls[index]()
        except Exception as error:  # noqa: BLE001 – looked at below, in the test's own thread
            results[index] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    unexpected = [each for each in results if isinstance(each, Exception) and not isinstance(each, OrderError)]
    if unexpected:
        raise unexpected[0]
    return results


def refusals(results: list[object]) -> list[OrderError]:
    return [each for each in results if isinstance(each, OrderError)]


def events(order: Order) -> list[str]:
    """What happened to it, after checking that each event begins where the last one ended."""
    found = list(order.events.exclude(kind__startswith="denied.").order_by("pk"))
    assert [each.status_before for each in found[1:]] == [each.status_after for each in found[:-1]]
    assert found[-1].status_after == making.fresh(order).status
    return [each.kind.removeprefix("order.") for each in found]


def orders(by: User, **values: object) -> Iterator[Order]:
    """A pending order for each round, none the twin of another."""
    for number in range(ROUNDS):
        yield making.order(by, making.certificate(domain_numbers=2 + number, **values))


def test_two_approvers_where_one_is_enough(lin: User, mei: User, omar: User) -> None:
    for order in orders(lin):
        results = at_once(*(partial(making.approve, order, by) for by in (mei, omar)))
        assert len(refusals(results)) == 1
        assert events(order) == ["drafted", "requested", "approval_given", "approved"]
        assert order.approvals.count() == 1


def test_two_approvers_where_two_are_needed(lin: User, mei: User, omar: User) -> None:
    for order in orders(lin, cert_type="EV_SSL_CERT"):
        results = at_once(*(partial(making.approve, order, by) for by in (mei, omar)))
        assert refusals(results) == []
        assert events(order) == ["drafted", "requested", "approval_given", "approval_given", "approved"]
        assert set(order.approvals.values_list("by__username", flat=True)) == {"mei", "omar"}


def test_one_approver_who_clicks_twice(lin: User, mei: User, omar: User) -> None:
    for order in orders(lin, cert_type="EV_SSL_CERT"):
        results = at_once(*[partial(making.approve, order, mei)] * 2)
        assert refusals(results) == []
        assert events(order) == ["drafted", "requested", "approval_given"]
        assert making.fresh(order).status == Status.PENDING_APPROVAL


@pytest.mark.parametrize("cert_type", ["OV_SSL_CERT", "EV_SSL_CERT"])
def test_an_approval_and_an_edit(lin: User, mei: User, omar: User, cert_type: str) -> None:
    for order in orders(lin, cert_type=cert_type):
        content = making.certificate(cert_type=cert_type, domain_numbers=99)
        results = at_once(
            partial(making.approve, order, mei),
            partial(ordering.edit, order=order, by=lin, content=content, seen_revision=1, request=False),
        )
        now = making.fresh(order)
        if now.status == Status.APPROVED:
            assert (now.content.number, type(results[1])) == (1, Denied)
        else:
            assert (now.status, now.content.number) == (Status.PENDING_APPROVAL, 2)
            assert isinstance(results[0], Changed) or events(order)[-2:] == ["approval_given", "edited"]
        assert all(vote.digest == vote.revision.digest for vote in order.approvals.all())
        assert events(order)


def test_an_approval_and_a_withdrawal(lin: User, mei: User) -> None:
    for order in orders(lin):
        approved, withdrawn = at_once(
            partial(making.approve, order, mei),
            partial(ordering.withdraw, order=order, by=lin, reason="No."),
        )
        assert not isinstance(withdrawn, Exception)
        between = [] if isinstance(approved, Exception) else ["approval_given", "approved"]
        assert events(order) == ["drafted", "requested", *between, "withdrawn"]
        assert order.approvals.count() == len(between) // 2


def test_an_approval_and_a_rejection(lin: User, mei: User, omar: User) -> None:
    for order in orders(lin):
        digest = order.content.digest
        results = at_once(
            partial(making.approve, order, mei),
            partial(approving.reject, order=order, by=omar, digest=digest, seen_revision=1, comment="No."),
        )
        assert len(refusals(results)) == 1
        vote = order.approvals.get()
        assert (
            events(order)[2:]
            == {
                Decision.APPROVE: ["approval_given", "approved"],
                Decision.REJECT: ["rejected"],
            }[Decision(vote.decision)]
        )


def test_a_withdrawal_and_a_claim(lin: User, mei: User) -> None:
    for order in orders(lin):
        making.approve(order, mei)
        withdrawn, claimed = at_once(
            partial(ordering.withdraw, order=order, by=lin, reason="No."),
            partial(making.claimed, order),
        )
        if isinstance(withdrawn, Exception):
            assert isinstance(withdrawn, Denied)
            assert (events(order)[-1], order.attempts.count()) == ("submission_started", 1)
        else:
            assert isinstance(claimed, ClaimRefused)
            assert (events(order)[-1], order.attempts.count()) == ("withdrawn", 0)


def test_two_claims(lin: User, mei: User) -> None:
    for order in orders(lin):
        making.approve(order, mei)
        results = at_once(*[partial(making.claimed, order)] * 2)
        assert [type(each) for each in refusals(results)] == [ClaimRefused]
        assert order.attempts.count() == 1
        assert events(order).count("submission_started") == 1


def test_two_claims_for_the_same_content(lin: User, ana: User, mei: User) -> None:
    for order in orders(lin):
        content = making.certificate(**order.content.values)
        twins = [making.approve(order, mei), making.approve(making.order(ana, content), mei)]
        results = at_once(*(partial(making.claimed, twin) for twin in twins))
        assert [each.reason for each in refusals(results)] == ["waiting"]  # type: ignore[attr-defined]
        assert sorted(making.fresh(twin).status for twin in twins) == [Status.APPROVED, Status.SUBMITTING]
        assert Attempt.objects.filter(order__in=twins).count() == 1


def test_a_claim_and_an_approver_who_loses_the_right(lin: User, mei: User, omar: User) -> None:
    for order in orders(lin):
        making.approve(order, mei)
        claimed, _gone = at_once(partial(making.claimed, order), partial(making.without_right, mei))
        submitting.void_approval(order=order)
        expected = Status.PENDING_APPROVAL if isinstance(claimed, ClaimRefused) else Status.SUBMITTING
        assert making.fresh(order).status == expected
        mei.groups.add(making.group("approvers"))


@pytest.mark.parametrize("request_at_once", [False, True])
def test_two_clicks_on_the_same_form(lin: User, mei: User, *, request_at_once: bool) -> None:
    for _round in range(ROUNDS):
        token = uuid.uuid4()
        first, second = at_once(*[partial(making.order, lin, request=request_at_once, token=token)] * 2)
        assert isinstance(first, Order)
        assert first == second
        assert Order.objects.filter(form_token=token).count() == 1
        assert events(first) == ["drafted", "requested"][: 1 + request_at_once]


def test_the_sweeper_and_an_approval(lin: User, mei: User) -> None:
    for order in orders(lin):
        overdue = order.status_since - timedelta(seconds=1)
        Order.objects.filter(pk=order.pk).update(deadline_at=overdue)
        approved, _swept = at_once(
            partial(making.approve, order, mei),
            partial(sweeping.end, order=order),
        )
        if isinstance(approved, Exception):
            assert (events(order)[-1], order.approvals.count()) == ("expired", 0)
        else:
            assert (events(order)[-1], order.approvals.count()) == ("approved", 1)


def test_two_sweepers(lin: User, mei: User) -> None:
    for order in orders(lin):
        Order.objects.filter(pk=order.pk).update(deadline_at=order.status_since)
        assert at_once(*[partial(sweeping.end, order=order)] * 2) == [None, None]
        assert events(order) == ["drafted", "requested", "expired"]


def test_the_sweeper_and_a_late_answer(lin: User, mei: User) -> None:
    for number, order in enumerate(orders(lin)):
        attempt = making.claimed(making.approve(order, mei))
        Order.objects.filter(pk=order.pk).update(deadline_at=order.status_since)
        bought = Placed(order_id=f"CS{number}", item_ids=(f"scs{number}",))
        at_once(
            partial(sweeping.end, order=order),
            partial(submitting.conclude, attempt=attempt, exchange=making.exchange(), verdict=bought),
        )
        making.lift_stops()
        now = making.fresh(order)
        assert (now.status, now.cloud_order_id, now.items.count()) == (Status.PLACED, f"CS{number}", 1)
        assert [kind for kind in events(order)[4:] if kind != "outcome_lost"] == ["submission_started", "placed"]


def test_votes_are_never_doubled(lin: User, mei: User, omar: User, sofia: User) -> None:
    for order in orders(lin, cert_type="EV_SSL_CERT"):
        people = (mei, omar, sofia)
        results = at_once(*(partial(making.approve, order, by) for by in people))
        assert len(refusals(results)) == 1
        assert events(order).count("approved") == 1
        assert Approval.objects.filter(order=order).count() == 2
