"""How many people must approve, and whose approval counts. The rules are data, with a version."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from orders.catalogue import Product, Text
from orders.models import Approval, Decision, Order, Revision
from portal.models import User

if TYPE_CHECKING:
    from collections.abc import Sequence

VERSION = 1


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    people: int
    applies: Callable[[Revision], bool]
    because: Text


RULES: Sequence[Rule] = (
    Rule("default", 1, lambda revision: True, _("every order needs one approval.")),  # noqa: ARG005
    Rule(
        "extended-validation",
        2,
        lambda revision: str(revision.values.get("cert_type", "")).startswith("EV_"),
        _("extended validation certificates need two approvals."),
    ),
    Rule("ca", 2, lambda revision: revision.offer.product == Product.CA, _("private CAs need two approvals.")),
    Rule("large", 2, lambda revision: revision.quantity > 10, _("more than 10 at once need two approvals.")),
)
REASONS = {rule.name: rule.because for rule in RULES}


@dataclass(frozen=True, slots=True)
class Quorum:
    people: int
    rules: list[str]
    """The names of the rules that ask for this many."""


def quorum_for(revision: Revision) -> Quorum:
    applying = [rule for rule in RULES if rule.applies(revision)]
    people = max(rule.people for rule in applying)
    return Quorum(people, [rule.name for rule in applying if rule.people == people])


def eligible_approvers(order: Order) -> QuerySet[User]:
    """Everybody who may approve `order` now: holds the right, did not request it and never edited it."""
    editors = order.revisions.values("editor")
    return User.objects.approvers().exclude(pk=order.requester_id).exclude(pk__in=editors).distinct()


def standing_approvals(order: Order) -> QuerySet[Approval]:
    """The approvals that count now: for the current revision and digest, by people who still hold the right."""
    return order.approvals.filter(
        revision=order.revision_id,
        digest=order.content.digest,
        decision=Decision.APPROVE,
        by__in=eligible_approvers(order).values("pk"),
    )


def named(order: Order) -> list[dict[str, str | int]]:
    """The standing approvals as the history keeps them: who, and which decision."""
    found = standing_approvals(order).select_related("by").order_by("pk")
    return [{"approval": each.pk, "by": each.by.username} for each in found]


def has_quorum(order: Order) -> bool:
    return standing_approvals(order).count() >= order.quorum
