"""Start-up refuses to be unsafe: every rule below must hold before web, worker or beat may run.

The rules about databases read the settings back from the database itself: options at the wrong level have no effect
and give no error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import pairwise
from tempfile import TemporaryFile
from typing import Any
from urllib.parse import urlsplit

from celery import current_app
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register  # noqa: A004 – Django's own name
from django.db import DatabaseError, InterfaceError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from orders import epoch, states
from orders.cloud.calls import check_origin, is_loopback
from orders.cloud.errors import BadEndpoint
from orders.cloud.transport import tls_context
from orders.states import Status

Rule = Callable[[], Iterator[str]]


@register(Tags.compatibility)
def check_safety(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> list[CheckMessage]:  # noqa: ARG001
    rules: dict[str, Rule] = {
        "orders.E001": times_in_order,
        "orders.E002": submission_is_sent_once,
        "orders.E003": endpoints_are_sound,
        "orders.E004": sandbox_and_real_never_mix,
        "orders.E005": demo_stays_at_home,
        "orders.E007": marker_is_kept,
    }
    errors: list[CheckMessage] = [Error(text, id=number) for number, rule in rules.items() for text in rule()]
    return errors + [Warning(text, id="orders.W001") for text in buyer_is_known()]


@register(Tags.database)
def check_durability(
    app_configs: Sequence[AppConfig] | None,  # noqa: ARG001
    databases: Sequence[str] | None = None,
    **kwargs: Any,  # noqa: ARG001
) -> list[CheckMessage]:
    found = [text for alias in databases or [] for text in database_is_durable(connections[alias])]
    return [Error(text, id="orders.E006") for text in found]


def times_in_order() -> Iterator[str]:
    """Each limit must leave room for the one before it, or a claim could outlive its guard."""
    cloud = settings.CLOUD
    times = {
        "CLOUD_CONNECT_TIMEOUT": cloud.cloud_connect_timeout,
        "CLOUD_DEADLINE": cloud.cloud_deadline,
        "SUBMIT_SOFT_LIMIT": cloud.submit_soft_limit,
        "SUBMIT_HARD_LIMIT": cloud.submit_hard_limit,
        "the time an order may stay SUBMITTING": _submitting_lasts().total_seconds(),
        "BROKER_VISIBILITY_TIMEOUT": cloud.broker_visibility_timeout,
    }
    names = list(times)
    for earlier, later in pairwise(names):
        if not 0 < times[earlier] < times[later]:
            yield f"{earlier} ({times[earlier]:g} s) must be shorter than {later} ({times[later]:g} s)."


def submission_is_sent_once() -> Iterator[str]:
    """Celery itself must never run a submission a second time or inside the request."""
    if current_app.conf.task_always_eager:
        yield "CELERY_TASK_ALWAYS_EAGER would buy inside the web request; it must be off."
    from orders.tasks import submit_order as task  # needs the models, which are not loaded yet when checks register

    if task.acks_late or task.reject_on_worker_lost:
        yield f"{task.name} must be acknowledged early: a lost worker may have bought already."
    if task.max_retries != 0 or getattr(task, "autoretry_for", None):
        yield f"{task.name} must not be retried by Celery."


def endpoints_are_sound() -> Iterator[str]:
    """One endpoint per service, HTTPS unless it is this machine."""
    for service, origin in settings.CLOUD.endpoints.items():
        try:
            check_origin(origin)
            parts = urlsplit(origin)
        except (BadEndpoint, ValueError) as error:
            yield f"The endpoint of {service} cannot be used: {error}"
            continue
        if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
            yield f"The endpoint of {service} must use https."
    try:
        tls_context(settings.CLOUD.cloud_ca_bundle)
    except OSError as error:  # ssl.SSLError is one
        yield f"CLOUD_CA_BUNDLE ({settings.CLOUD.cloud_ca_bundle}) cannot be used: {type(error).__name__}."


def sandbox_and_real_never_mix() -> Iterator[str]:
    """Either every endpoint and credential is the sandbox's, or none is."""
    local = {name: _is_local(origin) for name, origin in settings.CLOUD.endpoints.items()}
    if settings.SANDBOX_URL and not all(local.values()):
        yield "SANDBOX_URL is set, but some endpoints are the real cloud's."
    elif any(local.values()) and not all(local.values()):
        yield "Some endpoints are this machine's and some are the real cloud's."
    elif any(local.values()) and not settings.SANDBOX_URL:
        yield "The endpoints are this machine's: set SANDBOX_URL, so that every page says that nothing real is bought."
    cloud = settings.CLOUD
    for name, ours, theirs in (
        ("CLOUD_SDK_AK", cloud.cloud_sdk_ak, cloud.sandbox_ak),
        ("CLOUD_IAM_USER", cloud.cloud_iam_user, cloud.sandbox_user),
    ):
        if settings.SANDBOX_URL and ours and ours != theirs:
            yield f"SANDBOX_URL is set, but {name} is not the sandbox's own: real credentials never go there."


def _is_local(origin: str) -> bool:
    try:
        return is_loopback(urlsplit(origin).hostname or "")
    except ValueError:  # E003 tells
        return False


def demo_stays_at_home() -> Iterator[str]:
    """One-click sign-in must never be reachable from elsewhere."""
    if settings.DEMO and not all(is_loopback(host.strip("[]")) for host in settings.ALLOWED_HOSTS):
        yield "DEMO=1 works on this machine only: ALLOWED_HOSTS must name loopback addresses."
    if settings.DEMO and not settings.SANDBOX_URL:
        yield "DEMO=1 needs the sandbox: set SANDBOX_URL and the endpoints."


def marker_is_kept() -> Iterator[str]:
    """Without the marker a restored backup would buy again what it does not know (`orders.epoch`)."""
    folder = epoch.path().parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
        epoch.read()
    except ValueError:
        return  # damaged: nothing is bought until an operator has compared, and the pages say so
    except OSError as error:
        yield f"The marker EPOCH_FILE ({epoch.path()}) cannot be kept: {type(error).__name__}."


def buyer_is_known() -> Iterator[str]:
    """Billing names the buyer: without a name to compare, people have to settle every lost purchase."""
    if settings.CLOUD.cloud_sdk_ak and not settings.CLOUD.cloud_iam_user:
        yield "CLOUD_IAM_USER is not set: a purchase whose answer was lost is never found again without people."


def database_is_durable(connection: BaseDatabaseWrapper) -> Iterator[str]:
    try:
        yield from _postgres(connection) if connection.vendor == "postgresql" else _sqlite(connection)
    except (DatabaseError, InterfaceError) as error:
        yield f"The database's settings could not be read: {type(error).__name__}."


def _sqlite(connection: BaseDatabaseWrapper) -> Iterator[str]:
    wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "recursive_triggers": 1}
    for name, value in wanted.items():
        found = _read(connection, f"PRAGMA {name}")
        if found != value:
            yield f"SQLite's {name} is {found}, but must be {value}: claims and history have to last."
    if settings.DATABASES["default"].get("OPTIONS", {}).get("transaction_mode") != "IMMEDIATE":
        yield "SQLite's transaction_mode must be IMMEDIATE."


def _postgres(connection: BaseDatabaseWrapper) -> Iterator[str]:
    wanted = {"synchronous_commit": {"on", "remote_write", "remote_apply"}, "fsync": {"on"}, "full_page_writes": {"on"}}
    for name, values in wanted.items():
        found = _read(connection, f"SHOW {name}")
        if found not in values:
            yield f"PostgreSQL's {name} is {found}: a claim has to survive a power loss."


def _read(connection: BaseDatabaseWrapper, sql: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        row = cursor.fetchone()
    return row[0] if row else None


def _submitting_lasts() -> timedelta:
    lasts = states.STAGES[Status.SUBMITTING].lasts
    assert lasts is not None
    return lasts
