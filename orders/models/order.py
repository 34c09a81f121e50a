"""What an engineer asks for, and the immutable versions of its content."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from orders import catalogue, states
from orders.catalogue import Product
from orders.states import Status

if TYPE_CHECKING:
    from portal.models import User

FIRST_NUMBER = 1000
"""ORD-1001 is the first order: a reference should not look like a row number."""


ANNOUNCED_AGAIN = timedelta(seconds=60)
"""More often would fill the broker while the workers are busy."""


class Orders(models.QuerySet["Order"]):
    def visible_to(self, user: User) -> Orders:
        return self if user.sees_everything else self.filter(requester=user)

    def awaiting_approval(self) -> Orders:
        return self.filter(status=Status.PENDING_APPROVAL)

    def awaiting_vote_of(self, user: User) -> Orders:
        """Pending orders that `user` may still decide: not their own, not edited by them, not voted on yet."""
        if not user.is_approver:
            return self.none()
        return (
            self.awaiting_approval()
            .exclude(requester=user)
            .exclude(revisions__editor=user)
            .exclude(revision__approvals__by=user)
        )

    def awaiting_resolution_of(self, user: User) -> Orders:
        """Unconfirmed orders that `user` should settle: absence is proposed or somebody has answered, they have not.

        Who answered before absence was proposed is asked again. Requesters and editors are never asked.
        """
        if not user.is_approver:
            return self.none()
        unconfirmed = self.model.objects.filter(status=Status.UNCONFIRMED)
        answered = unconfirmed.filter(
            Q(absence_proposed_at=None) | Q(resolutions__at__gte=F("absence_proposed_at")), resolutions__by=user
        )
        return (
            self.filter(status=Status.UNCONFIRMED)
            .filter(~Q(absence_proposed_at=None) | Q(pk__in=unconfirmed.filter(resolutions__isnull=False)))
            .exclude(pk__in=answered)
            .exclude(requester=user)
            .exclude(revisions__editor=user)
        )

    def due(self, now: datetime) -> Orders:
        """Approved orders that a worker may try to buy now."""
        return self.filter(status=Status.APPROVED).filter(Q(not_before=None) | Q(not_before__lte=now))

    def to_announce(self, now: datetime) -> Orders:
        """Those of them that no worker was told about for a while: the message may have been lost."""
        return self.due(now).filter(Q(announced_at=None) | Q(announced_at__lte=now - ANNOUNCED_AGAIN))

    def overdue(self, now: datetime) -> Orders:
        """Orders that time itself must end. Unconfirmed ones are not among them: people end those."""
        ending = [status for status, stage in states.STAGES.items() if stage.then is not None]
        return self.filter(status__in=ending, deadline_at__lte=now)

    def to_look_up(self, now: datetime) -> Orders:
        """Unconfirmed orders that the cloud should be asked about now."""
        return self.filter(status=Status.UNCONFIRMED).filter(Q(look_up_at=None) | Q(look_up_at__lte=now))

    def with_row(self) -> Orders:
        """Everything that a row of a list shows, in one query."""
        return self.select_related("requester", "revision", "attempt").prefetch_related("items")

    def newest_first(self) -> Orders:
        return self.order_by("-pk")


class Order(models.Model):
    product = models.CharField(_("product"), max_length=16, choices=Product.choices)
    status = models.CharField(_("status"), max_length=24, choices=Status.choices, default=Status.DRAFT)
    status_since = models.DateTimeField()
    deadline_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=0)
    """Grows with every move: what a compare-and-swap compares."""

    requester = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="orders")
    created_at = models.DateTimeField()
    origin = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="successors")
    form_token = models.UUIDField(default=uuid.uuid4)
    """Made with the empty form: a double click carries the same one and creates one order."""

    revision = models.OneToOneField("Revision", null=True, on_delete=models.PROTECT, related_name="+")
    fingerprint = models.CharField(max_length=64)
    quorum = models.PositiveSmallIntegerField(default=1)
    quorum_reasons = models.JSONField(default=list)
    policy_version = models.PositiveSmallIntegerField(default=0)

    not_before = models.DateTimeField(null=True)
    """After a failure that provably sent nothing: when to try again."""
    tries = models.PositiveSmallIntegerField(default=0)
    announced_at = models.DateTimeField(null=True)
    """When the sweeper last told a worker about it."""
    attempt = models.OneToOneField("Attempt", null=True, on_delete=models.PROTECT, related_name="+")
    look_up_at = models.DateTimeField(null=True)
    """While unconfirmed: when to ask the cloud next."""
    absence_proposed_at = models.DateTimeField(null=True)
    """Since when the look-ups suggest that the cloud does not have it. People decide."""
    cloud_order_id = models.CharField(max_length=64, null=True)  # noqa: DJ001 – unique where known

    objects = Orders.as_manager()

    class Meta:
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = [
            models.UniqueConstraint(fields=["requester", "form_token"], name="one_order_per_form"),
            models.UniqueConstraint(
                fields=["fingerprint"],
                condition=Q(status__in=sorted(states.IN_FLIGHT)),
                name="one_in_flight_per_fingerprint",
            ),
            models.UniqueConstraint(
                fields=["cloud_order_id"],
                condition=Q(cloud_order_id__isnull=False),
                name="one_owner_per_cloud_order",
            ),
            models.CheckConstraint(
                condition=Q(status=Status.PLACED, cloud_order_id__isnull=False)
                | (~Q(status=Status.PLACED) & Q(cloud_order_id__isnull=True)),
                name="placed_means_order_id",
            ),
            models.CheckConstraint(
                condition=Q(status__in=sorted(states.FINAL), deadline_at__isnull=True)
                | Q(status__in=sorted(states.OPEN), deadline_at__isnull=False),
                name="open_means_deadline",
            ),
            models.CheckConstraint(condition=Q(status__in=Status.values), name="known_status"),
            models.CheckConstraint(condition=Q(quorum__gte=1), name="quorum_at_least_one"),
        ]
        indexes = [
            models.Index(fields=["status", "-id"], name="order_by_status"),
            models.Index(fields=["requester", "-id"], name="order_by_requester"),
            models.Index(fields=["fingerprint"], name="order_by_fingerprint"),
            models.Index(fields=["deadline_at"], condition=Q(deadline_at__isnull=False), name="open_order_by_deadline"),
        ]

    def __str__(self) -> str:
        return self.reference

    def get_absolute_url(self) -> str:
        return reverse("order", kwargs={"number": self.number})

    @property
    def number(self) -> int:
        return FIRST_NUMBER + self.pk

    @property
    def reference(self) -> str:
        return f"ORD-{self.number}"

    @property
    def stage(self) -> states.Stage:
        return states.STAGES[Status(self.status)]

    @property
    def content(self) -> Revision:
        """The current revision. Every order has one from the moment it is created."""
        if self.revision is None:
            raise ValueError("the order has no revision yet")
        return self.revision


class Revision(models.Model):
    """One version of an order's content. Never changed: an edit makes the next one."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="revisions")
    number = models.PositiveSmallIntegerField()
    editor = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()

    api = models.CharField(max_length=16)
    values = models.JSONField()
    purpose = models.TextField(_("purpose"))
    team = models.CharField(_("team"), max_length=100, blank=True)
    domain_names = models.JSONField(default=list)

    body = models.BinaryField()
    digest = models.CharField(max_length=64)
    """SHA-256 of `body`, in hexadecimal: what approvers approve."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["order", "number"], name="revision_number_once")]

    def __str__(self) -> str:
        return f"{self.order.reference} r{self.number}"

    @property
    def offer(self) -> catalogue.Offer:
        return catalogue.OFFERS[self.api]

    @cached_property
    def body_text(self) -> str:
        return bytes(self.body).decode()

    @property
    def reference(self) -> str:
        """What the body carries for the cloud to keep, where its API has room for that."""
        return catalogue.reference_in(bytes(self.body))

    @property
    def quantity(self) -> int:
        return catalogue.quantity(self.offer, self.values)

    def facts(self) -> list[tuple[catalogue.Text, Any]]:
        """Label and shown value of every field of the API, in the catalogue's order."""
        return [(each.label, shown(each, self.values.get(each.name))) for each in self.offer.fields]

    def changes_since(self, earlier: Revision) -> list[tuple[str, str, str]]:
        """Label, value before and value now of everything that differs."""
        before, now = earlier._told(), self._told()
        return [
            (label, before.get(label, ""), now.get(label, ""))
            for label in dict.fromkeys([*before, *now])
            if before.get(label) != now.get(label)
        ]

    def _told(self) -> dict[str, str]:
        own = {_("Purpose"): self.purpose, _("Team"): self.team, _("Domain names"): ", ".join(self.shown_names)}
        return {str(label): str(value) for label, value in [*own.items(), *self.facts()]}

    @property
    def shown_names(self) -> list[str]:
        """The domain names as people read them."""
        return [catalogue.readable_name(each) for each in self.domain_names]

    @property
    def domain_names_shown(self) -> list[tuple[str, str]]:
        """Each name as it is stored, and as people read it."""
        return list(zip(self.domain_names, self.shown_names, strict=True))


def shown(each: catalogue.Field, value: Any) -> Any:
    if each.kind in ("flag", "switch", "consent"):
        return _("yes") if value else _("no")
    return dict(each.choices).get(value, value)
