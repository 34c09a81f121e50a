"""One try to send one body: what was sent, how far it got, what came back."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from orders.models.order import Order, Revision


class Outcome(models.TextChoices):
    NOT_SENT = "not_sent", _("not sent")
    SENDING = "sending", _("being sent")
    BOUNCED = "bounced", _("turned away before the service")
    PLACED = "placed", _("placed")
    REFUSED = "refused", _("refused")
    LOST = "lost", _("outcome unknown")


POSSIBLY_EXECUTED = (Outcome.SENDING, Outcome.PLACED, Outcome.LOST)


class Attempt(models.Model):
    """Written by the claim, right before the first byte; or afterwards, when nothing was sent."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="attempts")
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="attempts")
    number = models.PositiveSmallIntegerField()
    outcome = models.CharField(max_length=12, choices=Outcome.choices)
    endpoint = models.CharField(max_length=300)
    body_sha256 = models.CharField(max_length=64)

    started_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    phase = models.CharField(max_length=16, blank=True)
    peer = models.CharField(max_length=64, blank=True)
    bytes_sent = models.PositiveIntegerField(default=0)
    bytes_received = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=200, blank=True)

    http_status = models.PositiveSmallIntegerField(null=True)
    request_id = models.CharField(max_length=128, blank=True)
    code = models.CharField(max_length=64, blank=True)
    message = models.TextField(blank=True)
    answer = models.TextField(blank=True)
    """The answer's body as received, for the record; at most 16 KiB of it."""

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["order", "number"], name="attempt_number_once"),
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(outcome__in=[str(each) for each in POSSIBLY_EXECUTED]),
                name="one_possibly_executed_attempt",
            ),
            models.CheckConstraint(
                condition=Q(outcome=Outcome.NOT_SENT, claimed_at__isnull=True)
                | (~Q(outcome=Outcome.NOT_SENT) & Q(claimed_at__isnull=False)),
                name="claimed_means_maybe_sent",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.order.reference} attempt {self.number}"

    @property
    def duration_ms(self) -> int | None:
        if self.finished_at is None:
            return None
        return round((self.finished_at - self.started_at).total_seconds() * 1000)
