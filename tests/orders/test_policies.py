"""How many people must approve, and whose approval counts at this moment."""

from typing import Any

import pytest

from orders import policies
from orders.actions import ordering
from orders.actions.ordering import Content
from orders.catalogue import OFFERS
from orders.models import Order, Revision
from portal.models import APPROVERS, AUDITORS, User
from tests import making


@pytest.mark.parametrize(
    ("api", "changes", "people", "rules"),
    [
        ("scm.v2", {}, 1, ["default"]),
        ("scm.v3", {}, 1, ["default"]),
        ("scm.v2", {"order_number": 10}, 1, ["default"]),
        ("scm.v2", {"order_number": 11}, 2, ["large"]),
        ("scm.v2", {"cert_type": "EV_SSL_CERT"}, 2, ["extended-validation"]),
        ("scm.v2", {"cert_type": "EV_SSL_CERT_PRO", "order_number": 11}, 2, ["extended-validation", "large"]),
        ("scm.v2", {"cert_type": "OV_SSL_CERT_PRO"}, 1, ["default"]),
        ("scm.v2", {"domain_numbers": 100}, 1, ["default"]),
        ("pca.v1", {}, 2, ["ca"]),
        ("pca.v1", {"subscription_num": 11}, 2, ["ca", "large"]),
    ],
)
def test_the_content_decides_how_many_people(api: str, changes: dict[str, Any], people: int, rules: list[str]) -> None:
    values = (making.CA if api == "pca.v1" else making.CERTIFICATE) | changes
    quorum = policies.quorum_for(Revision(api=api, values=values))
    assert (quorum.people, quorum.rules) == (people, rules)


def test_every_rule_has_a_reason_and_nothing_is_approved_by_nobody() -> None:
    assert all(str(rule.because) and rule.people >= 1 for rule in policies.RULES)
    assert len(policies.REASONS) == len(policies.RULES)
    for offer in OFFERS.values():
        assert policies.quorum_for(Revision(api=offer.api, values={offer.quantity_field: 1})).people >= 1


@pytest.fixture
def order(lin: User, mei: User, omar: User) -> Order:
    return making.order(lin, making.ca())


def eligible(order: Order) -> set[str]:
    return {user.username for user in policies.eligible_approvers(order)}


@pytest.mark.django_db
def test_approvers_are_eligible_and_nobody_else(order: Order, ana: User, noor: User, admin: User) -> None:
    making.person("gone", APPROVERS, is_active=False)
    making.person("both", APPROVERS, AUDITORS)
    assert eligible(order) == {"mei", "omar"}


@pytest.mark.django_db
def test_the_requester_is_not_eligible(mei: User, omar: User) -> None:
    assert eligible(making.order(mei)) == {"omar"}


@pytest.mark.django_db
def test_an_editor_of_any_revision_is_not_eligible(lin: User, mei: User, omar: User, sofia: User) -> None:
    order = making.answered(making.approve(making.order(lin), mei), making.NO)
    order = making.retried(order, by=omar)
    edit(order, making.certificate(order_number=2))
    assert eligible(making.fresh(order)) == {"mei", "sofia"}


def edit(order: Order, content: Content) -> Order:
    number = making.fresh(order).content.number
    return ordering.edit(order=order, by=order.requester, content=content, seen_revision=number, request=True)


@pytest.mark.django_db
def test_an_approval_stands_until_the_order_is_edited(order: Order, mei: User) -> None:
    making.approve(order, mei)
    assert policies.standing_approvals(making.fresh(order)).count() == 1
    edited = edit(order, making.ca(period_num=2))
    assert policies.standing_approvals(edited).count() == 0


@pytest.mark.django_db
def test_an_approval_of_the_same_body_in_an_older_revision_does_not_stand(order: Order, mei: User) -> None:
    making.approve(order, mei)
    edited = edit(order, Content(values=order.content.values, purpose="Something else entirely"))
    assert edited.content.digest == order.content.digest
    assert policies.standing_approvals(edited).count() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("loss", ["group", "inactive", "auditor"])
def test_an_approval_stands_only_while_its_author_may_approve(order: Order, mei: User, omar: User, loss: str) -> None:
    approved = making.approve(order, mei, omar)
    assert policies.has_quorum(approved)
    lose(mei, loss)
    assert [approval.by for approval in policies.standing_approvals(approved)] == [omar]
    assert not policies.has_quorum(approved)


def lose(user: User, how: str) -> None:
    if how == "group":
        user.groups.clear()
    elif how == "inactive":
        User.objects.filter(pk=user.pk).update(is_active=False)
    else:
        user.groups.add(making.group(AUDITORS))


@pytest.mark.django_db
def test_a_quorum_of_two_is_two_people(order: Order, mei: User, omar: User) -> None:
    assert not policies.has_quorum(making.approve(order, mei))
    assert policies.has_quorum(making.approve(order, omar))
