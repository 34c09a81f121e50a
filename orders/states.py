"""The life of an order as data: statuses, events, and what follows from them.

Two tables. `STAGES` says of each status whose turn it is, how long it may last and what happens then. `EVENTS` is
keyed by event and says which status it leads from and to. The legal moves, the words of the history, the buttons, the
deadlines and the diagram in `docs/states.md` are all read from here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Status(TextChoices):
    DRAFT = "draft", _("Draft")
    PENDING_APPROVAL = "pending_approval", _("Waiting for approval")
    CHANGES_REQUESTED = "changes_requested", _("Changes requested")
    APPROVED = "approved", _("Approved")
    SUBMITTING = "submitting", _("Being bought")
    UNCONFIRMED = "unconfirmed", _("Unconfirmed")
    FAILED = "failed", _("Refused by the cloud")
    PLACED = "placed", _("Placed")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    EXPIRED = "expired", _("Expired")
    ABSENT = "absent", _("Declared absent")


class Turn(TextChoices):
    """Who has to move next."""

    REQUESTER = "requester", _("requester")
    APPROVERS = "approvers", _("approvers")
    WORKER = "worker", _("the portal")
    RECONCILER = "reconciler", _("the portal, then two approvers")
    NOBODY = "nobody", _("nobody")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    turn: Turn
    lasts: timedelta | None = None
    """How long the status may last; None only for final ones."""
    then: str | None = None
    """The event that ends it at the deadline. None: people are told, nothing moves by itself."""
    meaning: str | Promise

    @property
    def is_final(self) -> bool:
        return self.turn is Turn.NOBODY


STAGES: Mapping[Status, Stage] = {
    Status.DRAFT: Stage(
        turn=Turn.REQUESTER,
        lasts=timedelta(days=90),
        then="discarded",
        meaning=_("Nobody has been asked yet."),
    ),
    Status.PENDING_APPROVAL: Stage(
        turn=Turn.APPROVERS,
        lasts=timedelta(days=7),
        then="expired",
        meaning=_("The security team decides. Nothing is bought before that."),
    ),
    Status.CHANGES_REQUESTED: Stage(
        turn=Turn.REQUESTER,
        lasts=timedelta(days=14),
        then="expired",
        meaning=_("An approver asked for changes. Edit the order to request it again."),
    ),
    Status.APPROVED: Stage(
        turn=Turn.WORKER,
        lasts=timedelta(days=7),
        then="expired",
        meaning=_("Approved. The portal buys it as soon as it can."),
    ),
    Status.SUBMITTING: Stage(
        turn=Turn.WORKER,
        lasts=timedelta(minutes=3),
        then="outcome_lost",
        meaning=_("The order is on its way to the cloud at this moment."),
    ),
    Status.UNCONFIRMED: Stage(
        turn=Turn.RECONCILER,
        lasts=timedelta(hours=24),
        meaning=_(
            "The portal never sends it again. It looks for it in the cloud; if it is not found, two approvers decide."
        ),
    ),
    Status.FAILED: Stage(
        turn=Turn.REQUESTER,
        lasts=timedelta(days=30),
        then="withdrawn",
        meaning=_("The cloud refused the order. Nothing was bought."),
    ),
    Status.PLACED: Stage(turn=Turn.NOBODY, meaning=_("The cloud confirmed the order.")),
    Status.REJECTED: Stage(turn=Turn.NOBODY, meaning=_("An approver rejected the order. Nothing was bought.")),
    Status.WITHDRAWN: Stage(turn=Turn.NOBODY, meaning=_("Withdrawn before anything was bought.")),
    Status.EXPIRED: Stage(turn=Turn.NOBODY, meaning=_("Nobody acted in time. Nothing was bought.")),
    Status.ABSENT: Stage(
        turn=Turn.NOBODY,
        meaning=_("Two people found that the cloud does not have this order. Nothing was bought."),
    ),
}

OPEN = frozenset(status for status, stage in STAGES.items() if not stage.is_final)
FINAL = frozenset(Status) - OPEN

IN_FLIGHT = frozenset({Status.SUBMITTING, Status.UNCONFIRMED})
"""Money may be moving: at most one order with the same content may be here."""

MAY_HAVE_BOUGHT = IN_FLIGHT | {Status.PLACED}
"""If the cloud has an order, its status is one of these."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an order, named in the past."""

    name: str
    label: str | Promise
    moves: Mapping[Status, Status] = field(default_factory=dict)
    """From status → to status. Empty: the event creates the order."""


def _stay(*statuses: Status) -> dict[Status, Status]:
    return {status: status for status in statuses}


def _to(target: Status, *sources: Status) -> dict[Status, Status]:
    return dict.fromkeys(sources, target)


_S = Status

EVENTS: Mapping[str, Event] = {
    event.name: event
    for event in (
        Event("drafted", _("Drafted")),
        Event("edited", _("Edited"), _stay(_S.DRAFT, _S.PENDING_APPROVAL, _S.CHANGES_REQUESTED)),
        Event("discarded", _("Discarded"), _to(_S.WITHDRAWN, _S.DRAFT)),
        Event("requested", _("Requested"), _to(_S.PENDING_APPROVAL, _S.DRAFT, _S.CHANGES_REQUESTED)),
        Event("approval_given", _("Approval given"), _stay(_S.PENDING_APPROVAL)),
        Event("approved", _("Approved"), _to(_S.APPROVED, _S.PENDING_APPROVAL)),
        Event("rejected", _("Rejected"), _to(_S.REJECTED, _S.PENDING_APPROVAL)),
        Event("changes_requested", _("Changes requested"), _to(_S.CHANGES_REQUESTED, _S.PENDING_APPROVAL)),
        Event(
            "withdrawn",
            _("Withdrawn"),
            _to(_S.WITHDRAWN, _S.PENDING_APPROVAL, _S.CHANGES_REQUESTED, _S.APPROVED, _S.FAILED),
        ),
        Event("expired", _("Expired"), _to(_S.EXPIRED, _S.PENDING_APPROVAL, _S.CHANGES_REQUESTED, _S.APPROVED)),
        Event("approval_voided", _("Approval voided"), _to(_S.PENDING_APPROVAL, _S.APPROVED)),
        Event("deferred", _("Not sent, will be tried again"), _stay(_S.APPROVED)),
        Event("submission_started", _("Submission started"), _to(_S.SUBMITTING, _S.APPROVED)),
        Event(
            "bounced",
            _("Turned away before the service, will be tried again"),
            _to(_S.APPROVED, _S.SUBMITTING),
        ),
        Event("placed", _("Placed"), _to(_S.PLACED, _S.SUBMITTING, _S.UNCONFIRMED)),
        Event("refused", _("Refused by the cloud"), _to(_S.FAILED, _S.SUBMITTING, _S.UNCONFIRMED)),
        Event("outcome_lost", _("Outcome lost"), _to(_S.UNCONFIRMED, _S.SUBMITTING)),
        Event("looked_up", _("Looked up in the cloud"), _stay(_S.UNCONFIRMED)),
        Event("absence_proposed", _("Not found, absence proposed"), _stay(_S.UNCONFIRMED)),
        Event("absence_withdrawn", _("Something new was found, absence no longer proposed"), _stay(_S.UNCONFIRMED)),
        Event("resolution_given", _("Resolution given"), _stay(_S.UNCONFIRMED)),
        Event("declared_absent", _("Declared absent"), _to(_S.ABSENT, _S.UNCONFIRMED)),
        Event("retried", _("Requested again after a refusal"), _to(_S.PENDING_APPROVAL, _S.FAILED)),
    )
}


def target(event: str, source: Status) -> Status | None:
    """The status that `event` leads to from `source`, or None where the move is not legal."""
    return EVENTS[event].moves.get(source)


def exits(status: Status) -> list[str]:
    """The events that leave `status`."""
    return [name for name, event in EVENTS.items() if event.moves.get(status, status) is not status]


def diagram() -> str:
    """The state diagram in Mermaid's language, for `docs/states.md`."""
    lines = ["stateDiagram-v2", f"    [*] --> {Status.DRAFT.name}: drafted"]
    for name, event in EVENTS.items():
        lines += [f"    {source.name} --> {to.name}: {name}" for source, to in event.moves.items()]
    lines += [f"    {status.name} --> [*]" for status in Status if STAGES[status].is_final]
    return "\n".join(lines) + "\n"
