"""The demo's people and orders, made once and only in demo mode."""

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from orders.management.commands.seed_demo import PEOPLE
from orders.models import Order
from orders.states import Status
from portal.models import User

pytestmark = pytest.mark.django_db


def test_outside_demo_mode_nobody_is_made(settings: Settings) -> None:
    settings.DEMO = False
    with pytest.raises(CommandError):
        call_command("seed_demo")
    assert not User.objects.exists()


def test_the_demo_has_people_of_every_role_and_orders_in_many_statuses(settings: Settings) -> None:
    settings.DEMO = True
    call_command("seed_demo")
    call_command("seed_demo")
    assert User.objects.count() == len(PEOPLE)
    assert User.objects.approvers().count() == 3
    statuses = set(Order.objects.values_list("status", flat=True))
    assert statuses >= {
        Status.DRAFT,
        Status.PENDING_APPROVAL,
        Status.CHANGES_REQUESTED,
        Status.APPROVED,
        Status.REJECTED,
    }
