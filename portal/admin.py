"""People and their roles."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.utils.translation import gettext_lazy as _

from portal.models import User


@admin.register(User)
class PersonAdmin(UserAdmin):  # type: ignore[type-arg]  # not generic at run time
    fieldsets = (*(UserAdmin.fieldsets or ()), (_("Team"), {"fields": ("team",)}))
