"""The kill switch: while a row says so, nothing is bought."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _


class Stop(models.Model):
    """One row per stop; lifted rows stay. `product` empty: everything is stopped."""

    class Cause(models.TextChoices):
        PERSON = "person", _("stopped by a person")
        BREAKER = "breaker", _("too many unconfirmed orders")
        RESTORED = "restored", _("the database is older than its marker")
        MARKER = "marker", _("the marker outside the database cannot be used")

    product = models.CharField(max_length=16, blank=True)
    cause = models.CharField(max_length=16, choices=Cause.choices)
    reason = models.TextField()
    stopped_at = models.DateTimeField()
    stopped_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["product", "cause"],
                condition=Q(lifted_at__isnull=True),
                name="one_stop_per_product_and_cause",
            ),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True, lifted_by__isnull=True) | Q(lifted_at__isnull=False),
                name="lifted_by_means_lifted_at",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product or 'everything'}: {self.reason}"

    @property
    def shown_reason(self) -> str:
        """A person's own words, or the portal's in the reader's language."""
        return self.reason if self.stopped_by_id else gettext(self.reason)
