"""One line of the history: a past fact, with who and why. Only ever added to; the database refuses the rest."""

from __future__ import annotations

import json
from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils.translation import gettext as _

from orders import states
from orders.models.order import Order

SCHEMA = 1


class Events(models.QuerySet["Event"]):
    def newest_first(self) -> Events:
        return self.order_by("-pk")

    def between(self, since: datetime | None, until: datetime | None) -> Events:
        events = self if since is None else self.filter(at__gte=since)
        return events if until is None else events.filter(at__lt=until)


class Event(models.Model):
    schema = models.PositiveSmallIntegerField(default=SCHEMA)
    at = models.DateTimeField()
    kind = models.CharField(max_length=64)
    """Dotted: `order.approved`, `denied.approve`, `buying.stopped`."""

    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    """None is the portal itself."""
    by_name = models.CharField(max_length=200)
    """The sign-in name at that time: people are renamed, the history is not."""

    order = models.ForeignKey(Order, null=True, on_delete=models.PROTECT, related_name="events")
    revision_number = models.PositiveSmallIntegerField(null=True)
    status_before = models.CharField(max_length=24, blank=True)
    status_after = models.CharField(max_length=24, blank=True)
    reason = models.TextField(blank=True)
    data = models.JSONField(default=dict)
    """Facts in plain JSON values: no floats, times as RFC 3339 in UTC."""
    request_id = models.CharField(max_length=64, blank=True)

    objects = Events.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["order", "-id"], name="event_by_order"),
            models.Index(fields=["by", "-id"], name="event_by_person"),
            models.Index(fields=["kind", "-id"], name="event_by_kind"),
            models.Index(fields=["at"], name="event_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"

    @property
    def label(self) -> str:
        """The kind in words."""
        subject, _dot, name = self.kind.partition(".")
        if subject == "order" and name in states.EVENTS:
            return str(states.EVENTS[name].label)
        if subject == "denied":
            return _("Refused: %(verb)s") % {"verb": name.replace("_", " ")}
        return self.kind

    @property
    def facts(self) -> list[tuple[str, str]]:
        """`data` as names and shown values. (A template cannot ask a dictionary with a key `items` for its items.)"""
        return [
            (name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
            for name, value in self.data.items()
        ]

    @property
    def before_label(self) -> str:
        return _status_label(self.status_before)

    @property
    def after_label(self) -> str:
        return _status_label(self.status_after)


def _status_label(value: str) -> str:
    return str(states.Status(value).label) if value in states.Status.values else value
