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

    class Objection(models.TextChoices):
        """Why something that may be the order is not taken for it without people."""

        BUYER_UNKNOWN = "buyer_unknown", _("it is not known who bought it")
        OTHER_BUYER = "other_buyer", _("another cloud user bought it")
        TERMS_UNTOLD = "terms_untold", _("billing does not tell its period or quantity")
        LATE = "late", _("it was made later than an hour after the attempt")
        CONTENT_UNSEEN = "content_unseen", _("the cloud does not show all that was ordered")
        OTHER_CONTENT = "other_content", _("it holds something else than was ordered")
        NO_TAG = "no_tag", _("it does not carry the portal's tag")
        CONTESTED = "contested", _("another order of the portal may have made it just as well")
        FINDING = "finding", _("it was found before, for another order or after a restore")
        RESTORED = "restored", _("the database is older than its marker")

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lookups")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    result = models.CharField(max_length=12, choices=Result.choices)
    sources = models.JSONField(default=list)
    """What each source answered: `{"source", "ok", "error", "seen"}`."""
    candidates = models.JSONField(default=list)
    """What may be the order: `{"order_id", "item_ids", "objections", "found_by", "evidence"}`."""

    class Meta:
        ordering = ["number"]
        constraints = [models.UniqueConstraint(fields=["order", "number"], name="lookup_number_once")]

    def __str__(self) -> str:
        return f"{self.order.reference} look-up {self.number}"

    @property
    def is_full(self) -> bool:
        """Every source answered. Only such a look-up may count as a no."""
        return bool(self.sources) and all(each["ok"] for each in self.sources)

    @property
    def candidate_ids(self) -> set[str]:
        return {each["order_id"] for each in self.candidates}

    @property
    def shown_candidates(self) -> list[dict[str, Any]]:
        """The candidates with their objections in words."""
        return [
            each | {"objections": [Lookup.Objection(name).label for name in each.get("objections", [])]}
            for each in self.candidates
        ]

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

    @property
    def objections(self) -> list[str]:
        """What spoke against the named order when it was checked, in words."""
        return [str(Lookup.Objection(name).label) for name in self.evidence.get("objections", [])]


class Findings(models.QuerySet["Finding"]):
    def unowned(self) -> "Findings":
        """Those that no order has become the owner of since."""
        return self.exclude(cloud_order_id__in=Order.objects.exclude(cloud_order_id=None).values("cloud_order_id"))


class Finding(models.Model):
    """An order in the cloud that nothing here owns: like one of ours, but not taken for it, or seen after a restore."""

    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="findings")
    at = models.DateTimeField()
    cloud_order_id = models.CharField(max_length=64, unique=True)
    evidence = models.JSONField(default=dict)

    objects = Findings.as_manager()

    def __str__(self) -> str:
        return self.cloud_order_id
