"""A read-only look behind the pages. Every change goes through a verb, so nothing can be changed here."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from orders.models import Approval, Attempt, Event, Finding, Item, Lookup, Order, Resolution, Revision, Stop


class ReadOnly(admin.ModelAdmin):  # type: ignore[type-arg]  # not generic at run time
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        return False


for model in (Approval, Attempt, Event, Finding, Item, Lookup, Order, Resolution, Revision, Stop):
    admin.site.register(model, ReadOnly)
