"""One line of the history: a past fact, with who and why. Only ever added to; the database refuses the rest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime

from django.conf import settings
from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from orders import states
from orders.models.order import Order

SCHEMA = 1

OTHER_KINDS: Mapping[str, str | Promise] = {
    "buying.stopped": gettext_lazy("Buying stopped"),
    "buying.resumed": gettext_lazy("Buying resumed"),
    "database.restored": gettext_lazy("Restored database accepted"),
}
VERBS: Mapping[str, str | Promise] = {
    "create": gettext_lazy("request an order"),
    "edit": gettext_lazy("edit"),
    "request": gettext_lazy("ask for approval"),
    "discard": gettext_lazy("discard"),
    "withdraw": gettext_lazy("withdraw"),
    "retry": gettext_lazy("request again"),
    "approve": gettext_lazy("approve"),
    "reject": gettext_lazy("reject"),
    "request_changes": gettext_lazy("ask for changes"),
    "attach": gettext_lazy("name the cloud's order"),
    "declare_absent": gettext_lazy("declare absent"),
    "stop_buying": gettext_lazy("stop buying"),
    "resume_buying": gettext_lazy("resume buying"),
}
"""The verbs that may be denied, by the name in `denied.*`."""


def kinds() -> list[tuple[str, str | Promise]]:
    """Every kind of event with its label, for a filter."""
    moves = [(f"order.{name}", event.label) for name, event in states.EVENTS.items()]
    denials = [(f"denied.{name}", _("Refused: %(verb)s") % {"verb": verb}) for name, verb in VERBS.items()]
    return [*moves, *OTHER_KINDS.items(), *denials]


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
            return _("Refused: %(verb)s") % {"verb": VERBS.get(name, name)}
        return str(OTHER_KINDS.get(self.kind, self.kind))

    @property
    def shown_reason(self) -> str:
        """A person's own words; the portal's sentences in the reader's language."""
        own = self.by_id is not None and not self.kind.startswith("denied.")
        return self.reason if own or not self.reason else _(self.reason)

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
