"""People. A role is a group; everybody who can sign in may request, except auditors, who only read."""

from functools import cached_property
from typing import ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.utils.translation import gettext_lazy as _

APPROVERS = "approvers"
AUDITORS = "auditors"


class People(UserManager["User"]):
    def approvers(self) -> models.QuerySet["User"]:
        """Everybody who holds the right to approve at this moment."""
        return self.filter(is_active=True, groups__name=APPROVERS).exclude(groups__name=AUDITORS)


class User(AbstractUser):
    team = models.CharField(_("team"), max_length=100, blank=True)

    objects: ClassVar[People] = People()

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")

    def __str__(self) -> str:
        return self.get_full_name() or self.username

    @cached_property
    def roles(self) -> frozenset[str]:
        return frozenset(self.groups.values_list("name", flat=True))

    @property
    def is_auditor(self) -> bool:
        return AUDITORS in self.roles

    @property
    def is_approver(self) -> bool:
        return self.is_active and APPROVERS in self.roles and not self.is_auditor

    @property
    def sees_everything(self) -> bool:
        return self.is_approver or self.is_auditor or self.is_superuser
