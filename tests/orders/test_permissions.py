"""Who may do what, for every person and every status; a denial is the sentence the person reads."""

from collections.abc import Iterable

import pytest

from orders import permissions
from orders.errors import Denied
from orders.models import Order
from orders.permissions import Check
from orders.states import Status
from portal.models import APPROVERS, AUDITORS, User
from tests import making

pytestmark = pytest.mark.django_db

S = Status
TEAM = ("mei", "omar", "root")
ALLOWED: dict[Check, set[tuple[str, Status]]] = {
    permissions.check_can_edit: {("lin", S.DRAFT), ("lin", S.PENDING_APPROVAL), ("lin", S.CHANGES_REQUESTED)},
    permissions.check_can_submit_request: {("lin", S.DRAFT), ("lin", S.CHANGES_REQUESTED)},
    permissions.check_can_discard: {("lin", S.DRAFT)},
    permissions.check_can_withdraw: {("lin", S.PENDING_APPROVAL), ("lin", S.CHANGES_REQUESTED)}
    | {(name, status) for name in ("lin", *TEAM) for status in (S.APPROVED, S.FAILED)},
    permissions.check_can_retry: {(name, S.FAILED) for name in ("lin", *TEAM)},
    permissions.check_can_decide: {(name, S.PENDING_APPROVAL) for name in TEAM},
    permissions.check_can_resolve: {(name, S.UNCONFIRMED) for name in TEAM},
}


@pytest.fixture
def people(lin: User, ana: User, mei: User, omar: User, noor: User, admin: User) -> Iterable[User]:
    gone = making.person("gone", APPROVERS, is_active=False)
    both = making.person("both", APPROVERS, AUDITORS)
    root = making.person("root", APPROVERS, is_superuser=True, is_staff=True)
    return lin, ana, mei, omar, noor, admin, gone, both, root


@pytest.fixture
def order(lin: User, mei: User) -> Order:
    return making.order(lin)


@pytest.mark.parametrize("check", ALLOWED, ids=lambda check: check.__name__)
def test_the_right_people_may_at_the_right_time_and_nobody_else(
    check: Check, order: Order, people: Iterable[User]
) -> None:
    allowed = set()
    for status in Status:
        order = making.put(order, status)
        allowed |= {(user.username, status) for user in people if permissions.denial(check, user, order) is None}
    assert allowed == ALLOWED[check]


@pytest.mark.parametrize("check", ALLOWED, ids=lambda check: check.__name__)
def test_every_denial_is_a_sentence(check: Check, order: Order, people: Iterable[User]) -> None:
    for status in Status:
        order = making.put(order, status)
        denials = {permissions.denial(check, user, order) for user in people} - {None}
        assert all(sentence and sentence[0].isupper() and sentence.endswith(".") for sentence in denials)


@pytest.mark.parametrize(
    ("name", "check", "status", "sentence"),
    [
        ("noor", permissions.check_can_edit, S.DRAFT, "Auditors read everything and change nothing."),
        ("ana", permissions.check_can_edit, S.DRAFT, "Only the requester can edit this order."),
        ("lin", permissions.check_can_edit, S.PLACED, "This is not possible while the order is “Placed”."),
        ("ana", permissions.check_can_decide, S.PENDING_APPROVAL, "Only the security team can decide on orders."),
        ("admin", permissions.check_can_decide, S.PENDING_APPROVAL, "Only the security team can decide on orders."),
        ("gone", permissions.check_can_decide, S.PENDING_APPROVAL, "Only the security team can decide on orders."),
        ("noor", permissions.check_can_decide, S.PENDING_APPROVAL, "Auditors read everything and change nothing."),
        ("mei", permissions.check_can_withdraw, S.PENDING_APPROVAL, "Only the requester can withdraw this order now."),
    ],
)
def test_the_sentence_names_the_reason(
    people: Iterable[User], order: Order, name: str, check: Check, status: Status, sentence: str
) -> None:
    user = next(user for user in people if user.username == name)
    assert permissions.denial(check, user, making.put(order, status)) == sentence


def test_nobody_decides_on_an_order_of_their_own(mei: User, omar: User) -> None:
    root = making.person("root", APPROVERS, is_superuser=True)
    for requester in (mei, root):
        own = making.order(requester)
        denial = permissions.denial(permissions.check_can_decide, requester, own)
        assert denial == "You requested this order, so somebody else has to decide on it."


def test_nobody_decides_on_an_order_they_edited(lin: User, mei: User, omar: User) -> None:
    order = making.answered(making.approve(making.order(lin), omar), making.NO)
    making.retried(order, by=mei)
    denial = permissions.denial(permissions.check_can_decide, mei, making.fresh(order))
    assert denial == "You edited this order, so somebody else has to decide on it."


def test_nobody_decides_twice_on_one_version(lin: User, mei: User, omar: User) -> None:
    order = making.approve(making.order(lin, making.ca()), mei)
    denial = permissions.denial(permissions.check_can_decide, mei, order)
    assert denial == "You have already decided on this version of the order."
    assert permissions.denial(permissions.check_can_decide, omar, order) is None


def test_the_queue_of_an_approver_is_what_they_may_decide(people: Iterable[User], order: Order, mei: User) -> None:
    making.approve(making.order(order.requester, making.ca()), mei)
    making.order(mei)
    for user in people:
        able = {
            each.pk
            for each in Order.objects.all()
            if permissions.denial(permissions.check_can_decide, user, each) is None
        }
        assert set(Order.objects.awaiting_vote_of(user).values_list("pk", flat=True)) == able


def test_the_history_is_for_those_who_see_everything(people: Iterable[User]) -> None:
    able = set()
    for user in people:
        try:
            permissions.check_can_see_history(user)
        except Denied:
            continue
        able.add(user.username)
    assert able == {"mei", "omar", "noor", "admin", "both", "root"}


def test_everybody_but_an_auditor_may_request(people: Iterable[User]) -> None:
    for user in people:
        if user.username in ("noor", "both"):
            with pytest.raises(Denied):
                permissions.check_can_request(user)
        else:
            permissions.check_can_request(user)
