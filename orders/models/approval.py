"""One person's decision on one digest."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from orders.models.order import Order, Revision


class Decision(models.TextChoices):
    APPROVE = "approve", _("approved")
    REJECT = "reject", _("rejected")
    REQUEST_CHANGES = "request_changes", _("asked for changes")


class Approval(models.Model):
    """Never changed. It counts as long as its revision is the current one and its author keeps the right."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="approvals")
    revision = models.ForeignKey(Revision, on_delete=models.PROTECT, related_name="approvals")
    digest = models.CharField(max_length=64)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decision = models.CharField(max_length=16, choices=Decision.choices)
    comment = models.TextField(blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["revision", "by"], name="one_vote_per_person"),
            models.CheckConstraint(
                condition=Q(decision=Decision.APPROVE) | ~Q(comment=""), name="no_refusal_without_reason"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.by} {self.decision} {self.revision}"
