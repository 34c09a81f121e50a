"""What each page costs with 1,000 orders: database queries, and server time in process."""

import json
import os
import statistics
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
ORDERS, ROUNDS = 1000, 15
Row = tuple[str, str, str]


def measure_apart(var: Path) -> list[Row]:
    """In a process of its own, because the settings are read once."""
    var.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {
        "VAR_DIR": str(var),
        "BROKER_URL": "memory://",
        "SECRET_KEY": "only-for-the-bench",
        "DJANGO_SETTINGS_MODULE": "portal.settings",
        "LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-m", "bench.pages"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return [tuple(row) for row in json.loads(done.stdout.splitlines()[-1])]


def measure() -> list[Row]:
    from django.conf import settings
    from django.test import Client

    settings.ALLOWED_HOSTS = ["testserver"]
    people = _people()
    order = _orders(people)
    rows = []
    for name, who, path in (
        ("dashboard", "mei", "/"),
        ("dashboard of an engineer", "lin", "/"),
        ("order list", "mei", "/orders/"),
        ("order list, filtered", "mei", "/orders/?status=placed"),
        ("order page", "mei", order.get_absolute_url()),
        ("approvals queue", "mei", "/approvals/"),
        ("history", "noor", "/history/"),
        ("certificate form", "lin", "/orders/new/certificate/"),
    ):
        client = Client()
        client.force_login(people[who])
        rows.append(_cost(name, client, path))
    return rows


def _cost(name: str, client: Any, path: str) -> Row:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200, path
    count = len(queries)
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        client.get(path)
        times.append((time.perf_counter() - started) * 1000)
    value = f"{count} queries, {statistics.median(times):.1f} ms [{min(times):.1f} to {max(times):.1f}]"
    return f"{name}, {ORDERS} orders", value, "25 queries, 60 ms"


def _people() -> dict[str, Any]:
    from django.contrib.auth.models import Group

    from portal.models import User

    people = {name: User.objects.create_user(name) for name in ("lin", "ana", "mei", "omar", "noor")}
    for name, group in (("mei", "approvers"), ("omar", "approvers"), ("noor", "auditors")):
        people[name].groups.add(Group.objects.get(name=group))
    return people


def _orders(people: dict[str, Any]) -> Any:
    """Through the real verbs, in the mix of a year: most placed, some open, a few refused."""
    from orders import catalogue
    from orders.actions import approving, ordering, submitting
    from orders.actions.ordering import Content
    from orders.cloud.exchange import Exchange
    from orders.cloud.verdicts import Placed
    from orders.management.commands.seed_demo import CERTIFICATE

    offer = catalogue.OFFERS["scm.v2"]
    for number in range(ORDERS):
        by = people["lin" if number % 2 else "ana"]
        content = Content(values=CERTIFICATE, purpose=f"Bench {number}", domain_names=["www.example.com"])
        order = ordering.create(offer=offer, content=content, by=by, token=uuid.uuid4(), request=number % 10 != 0)
        if number % 10 < 2:
            continue
        order = approving.approve(order=order, by=people["mei"], digest=order.content.digest, seen_revision=1)
        call_url = "POST https://scm.example.com/v2/p/scm/cert/purchase"
        attempt = submitting.claim(
            order=order, sha256=order.content.digest, endpoint=call_url, started_at=order.created_at
        )
        exchange = Exchange(endpoint=call_url, body_sha256=order.content.digest, started_at=order.created_at)
        verdict = Placed(order_id=f"CS{number:015}", item_ids=(f"scs{number:013}",))
        submitting.conclude(attempt=attempt, exchange=exchange, verdict=verdict)
    return order


if __name__ == "__main__":
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    print(json.dumps(measure()))
