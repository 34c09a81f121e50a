"""Looking back: what the cloud was asked about an unconfirmed order, what people made of it, what was left over."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from orders.models.order import Order

SOURCES: Mapping[str, str | Promise] = {
    "tag": _("certificates with the portal's tag"),
    "billing": _("orders in billing"),
    "certificates": _("orders in billing and the certificate list"),
}


class Lookup(models.Model):
    """One round of questions to every source the cloud offers. Only ever added to."""

    class Result(models.TextChoices):
        FOUND = "found", _("found")
        SEVERAL = "several", _("several candidates")
        UNCERTAIN = "uncertain", _("something is there, but not enough to tell")
        NOTHING = "nothing", _("nothing found")
        FAILED = "failed", _("the cloud could not be asked")

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lookups")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    result = models.CharField(max_length=12, choices=Result.choices)
    sources = models.JSONField(default=list)
    """What each source answered: `{"source", "ok", "error", "seen"}`."""
    candidates = models.JSONField(default=list)
    """What may be the order: `{"order_id", "item_ids", "exact", "found_by", "evidence"}`."""

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["order", "number"], name="lookup_number_once")]

    def __str__(self) -> str:
        return f"{self.order.reference} look-up {self.number}"

    @property
    def answers(self) -> list[dict[str, Any]]:
        """The sources with their names in words."""
        return [each | {"label": SOURCES.get(each["source"], each["source"])} for each in self.sources]


class Resolution(models.Model):
    """One approver's answer to an unconfirmed order. Two equal ones by different people settle it."""

    class Answer(models.TextChoices):
        ATTACH = "attach", _("it is this order")
        ABSENT = "absent", _("the cloud does not have it")

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="resolutions")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    answer = models.CharField(max_length=8, choices=Answer.choices)
    cloud_order_id = models.CharField(max_length=64, blank=True)
    reason = models.TextField()
    evidence = models.JSONField(default=dict)
    """What the cloud said about `cloud_order_id` when it was checked."""

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(answer="attach") & ~models.Q(cloud_order_id="")
                | models.Q(answer="absent", cloud_order_id=""),
                name="attach_names_an_order",
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="no_resolution_without_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.by}: {self.order.reference} {self.answer} {self.cloud_order_id}".strip()


class Finding(models.Model):
    """An order in the cloud that nothing here owns: like one of ours, but not taken for it, or seen after a restore."""

    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="findings")
    at = models.DateTimeField()
    cloud_order_id = models.CharField(max_length=64, unique=True)
    evidence = models.JSONField(default=dict)

    def __str__(self) -> str:
        return self.cloud_order_id
