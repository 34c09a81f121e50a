"""Demo people and a handful of orders in different statuses, made through the real verbs."""

import uuid
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError

from orders import catalogue
from orders.actions import approving, ordering
from orders.actions.ordering import Content
from orders.models import Order
from portal.models import APPROVERS, AUDITORS, User

PASSWORD = "countersign-demo"  # noqa: S105 – printed at start, demo only


@dataclass(frozen=True, slots=True)
class Person:
    username: str
    first_name: str
    last_name: str
    team: str = ""
    group: str = ""
    is_admin: bool = False


PEOPLE = (
    Person("lin", "Lin", "Wei", team="Payments"),
    Person("ana", "Ana", "Duarte", team="Web platform"),
    Person("mei", "Mei", "Tanaka", team="Security", group=APPROVERS),
    Person("omar", "Omar", "Haddad", team="Security", group=APPROVERS),
    Person("sofia", "Sofia", "Rossi", team="Security", group=APPROVERS),
    Person("noor", "Noor", "Akhtar", team="Audit", group=AUDITORS),
    Person("admin", "Ada", "Min", team="Platform operations", is_admin=True),
)

CERTIFICATE = {
    "cert_brand": "GLOBALSIGN",
    "cert_type": "OV_SSL_CERT",
    "domain_type": "SINGLE_DOMAIN",
    "effective_time": 1,
    "domain_numbers": 1,
    "order_number": 1,
    "agree_privacy_protection": True,
}
CA = {
    "period_type": 3,
    "period_num": 1,
    "subscription_num": 1,
    "is_auto_renew": 0,
    "is_auto_pay": 0,
    "enterprise_project_id": "0",
}


class Command(BaseCommand):
    help = "Make demo people and orders, once, in demo mode only."

    def handle(self, **options: Any) -> None:  # noqa: ARG002
        if not settings.DEMO:
            raise CommandError("Demo people are made in demo mode only (DEMO=1).")
        if User.objects.exists():
            return
        self.people = {person.username: _make(person) for person in PEOPLE}
        self._make_orders()

    def _make_orders(self) -> None:
        lin, ana, mei, omar = (self.people[name] for name in ("lin", "ana", "mei", "omar"))
        bought = _order(lin, "Checkout: customer-facing API", ["api.pay.example.com"])
        _approve(bought, mei)
        bought_ca = _order(ana, "Issuing CA for the service mesh", values=CA)
        _approve(bought_ca, mei)
        _approve(bought_ca, omar)
        rejected = _order(ana, "Try-out", ["try.example.org"], {"effective_time": 2})
        approving.reject(order=rejected, by=omar, **_seen(rejected), comment="Use the wildcard that we have.")
        returned = _order(lin, "Partner portal", ["partners.example.com"], {"cert_brand": "GEOTRUST"})
        approving.request_changes(
            order=returned,
            by=mei,
            **_seen(returned),
            comment="Which partners? Please name the contract.",
        )
        _order(
            ana,
            "Marketing sites, renewal",
            ["*.shop.example.com"],
            {"domain_type": "WILDCARD", "cert_brand": "SYMANTEC"},
        )
        half = _order(lin, "Bank-facing gateway", ["bank.pay.example.com"], {"cert_type": "EV_SSL_CERT"})
        _approve(half, mei)
        _order(ana, "Status page", ["status.example.com"], {"cert_brand": "CFCA"}, request=False)


def _make(person: Person) -> User:
    user = User.objects.create_user(
        person.username,
        password=PASSWORD,
        first_name=person.first_name,
        last_name=person.last_name,
        team=person.team,
        is_staff=person.is_admin,
        is_superuser=person.is_admin,
    )
    if person.group:
        user.groups.add(Group.objects.get(name=person.group))
    return user


def _order(
    by: User,
    purpose: str,
    names: list[str] | None = None,
    changes: dict[str, Any] | None = None,
    *,
    values: dict[str, Any] = CERTIFICATE,
    request: bool = True,
) -> Order:
    product = catalogue.Product.CA if values is CA else catalogue.Product.CERTIFICATE
    return ordering.create(
        offer=catalogue.current_offer(product),
        content=Content(values=values | (changes or {}), purpose=purpose, team=by.team, domain_names=names or []),
        by=by,
        token=uuid.uuid4(),
        request=request,
    )


def _approve(order: Order, by: User) -> None:
    approving.approve(order=order, by=by, **_seen(order))


def _seen(order: Order) -> dict[str, Any]:
    return {"digest": order.content.digest, "seen_revision": order.content.number}
