"""Start-up refuses to be unsafe: each rule broken alone gives its own error."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.core.checks import run_checks
from django.db import InterfaceError, OperationalError, connection
from pytest_django import Settings

from orders import checks, tasks
from portal.config import config
from tests import making

SANDBOX = "http://127.0.0.1:9"


def errors() -> list[str]:
    return told("orders.E")


def told(prefix: str) -> list[str]:
    return [str(found.id) for found in run_checks() if str(found.id).startswith(prefix)]


@pytest.fixture
def cloud(settings: Settings) -> Any:
    def configure(**changes: Any) -> None:
        settings.CLOUD = config.model_copy(update=changes)
        settings.SANDBOX_URL = settings.CLOUD.sandbox_url

    return configure


def test_the_defaults_are_safe(cloud: Any) -> None:
    cloud()
    assert errors() == []


def test_the_demo_is_safe(settings: Settings, cloud: Any) -> None:
    cloud(**_sandbox())
    settings.DEMO, settings.ALLOWED_HOSTS = True, config.hosts()
    assert errors() == []


def _sandbox(**changes: Any) -> dict[str, Any]:
    made = making.cloud_config(SANDBOX, **changes).model_dump()
    return made | {"sandbox_ak": made["cloud_sdk_ak"], "sandbox_user": made["cloud_iam_user"]} | changes


@pytest.mark.parametrize(
    "changes",
    [
        {"cloud_connect_timeout": 61},
        {"cloud_connect_timeout": 0},
        {"cloud_deadline": 91},
        {"submit_soft_limit": 121},
        {"submit_hard_limit": 181},
        {"broker_visibility_timeout": 100},
    ],
)
def test_times_must_grow(cloud: Any, changes: dict[str, float]) -> None:
    cloud(**changes)
    assert set(errors()) == {"orders.E001"}


@pytest.mark.parametrize(("name", "value"), [("acks_late", True), ("max_retries", 3), ("reject_on_worker_lost", True)])
def test_celery_must_not_run_a_submission_twice(monkeypatch: pytest.MonkeyPatch, name: str, value: object) -> None:
    monkeypatch.setattr(tasks.submit_order, name, value)
    assert errors() == ["orders.E002"]


def test_nothing_is_bought_inside_a_request() -> None:
    current_app.conf.task_always_eager = True
    try:
        assert errors() == ["orders.E002"]
    finally:
        current_app.conf.task_always_eager = False


@pytest.mark.parametrize(
    "changes",
    [
        {"scm_endpoint": "http://scm.example.com"},
        {"pca_endpoint": "https://ccm.example.com:99999"},
        {"bss_endpoint": "https://user:pw@bss.example.com"},
        {"iam_endpoint": "https://iam.example.com/path"},
        {"scm_endpoint": "https://[::1"},
        {"cloud_ca_bundle": "/nowhere/ca.pem"},
        {"cloud_ca_bundle": __file__},
    ],
)
def test_endpoints_must_be_sound(cloud: Any, changes: dict[str, str]) -> None:
    cloud(**changes)
    assert set(errors()) == {"orders.E003"}


@pytest.mark.parametrize(
    "changes",
    [
        {"scm_endpoint": "https://scm.cn-north-4.myhuaweicloud.com"},
        {"cloud_sdk_ak": "A-REAL-KEY"},
        {"cloud_iam_user": "a-real-user"},
    ],
)
def test_sandbox_and_real_cloud_never_mix(cloud: Any, changes: dict[str, str]) -> None:
    cloud(**_sandbox() | changes)
    assert errors() == ["orders.E004"]


def test_what_is_this_machine_must_be_called_a_sandbox(cloud: Any) -> None:
    """Else real credentials go there in clear, and no page says that nothing real is bought."""
    cloud(**_sandbox(sandbox_url=""))
    assert errors() == ["orders.E004"]


def test_without_the_buyers_name_people_settle_everything(cloud: Any) -> None:
    cloud(**_sandbox(cloud_iam_user=""))
    assert told("orders.W") == ["orders.W001"]


@pytest.mark.parametrize("name", ["epoch.json", "folder/epoch.json"])
def test_the_marker_must_be_kept(settings: Settings, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").write_text("a file")
    (tmp_path / "epoch.json").mkdir()
    settings.EPOCH_FILE = tmp_path / name
    assert errors() == ["orders.E007"]


def test_a_damaged_marker_does_not_keep_the_pages_from_saying_so(settings: Settings, tmp_path: Path) -> None:
    settings.EPOCH_FILE = tmp_path / "epoch.json"
    settings.EPOCH_FILE.write_text("{")
    assert errors() == []


@pytest.mark.parametrize("trouble", [InterfaceError("gone"), OperationalError("gone")])
def test_a_database_that_cannot_be_asked_is_refused(monkeypatch: pytest.MonkeyPatch, trouble: Exception) -> None:
    def broken(*_: object) -> None:
        raise trouble

    monkeypatch.setattr(checks, "_read", broken)
    assert len(list(checks.database_is_durable(connection))) == 1


def test_the_demo_stays_on_this_machine(settings: Settings, cloud: Any) -> None:
    cloud(**_sandbox())
    settings.DEMO, settings.ALLOWED_HOSTS = True, ["portal.example.com"]
    assert errors() == ["orders.E005"]


@pytest.mark.django_db
def test_the_database_in_use_is_durable() -> None:
    assert list(checks.database_is_durable(connection)) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "statement",
    {
        "sqlite": ["PRAGMA synchronous=NORMAL", "PRAGMA foreign_keys=OFF", "PRAGMA recursive_triggers=OFF"],
        "postgresql": ["SET synchronous_commit=off"],
    }[connection.vendor],
)
def test_a_database_that_may_forget_is_refused(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
    found = list(checks.database_is_durable(connection))
    connection.close()
    assert len(found) == 1


@pytest.mark.parametrize("program", ["import portal.wsgi", "from portal.celery import start_safely; start_safely()"])
def test_web_worker_and_beat_do_not_start_unsafe(tmp_path: Path, program: str) -> None:
    environment = os.environ | {"VAR_DIR": str(tmp_path), "SUBMIT_SOFT_LIMIT": "500", "DATABASE_URL": ""}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Countersign refuses to start" in done.stderr
    assert "orders.E001" in done.stderr


def test_checks_that_cannot_be_made_are_no_leave_to_start(tmp_path: Path) -> None:
    """Celery calls them from a signal, which swallows every exception but the end of the process."""
    broken = "from orders import checks; checks.database_is_durable = lambda connection: 1 / 0"
    program = f"import django; django.setup(); {broken}; from portal.celery import start_safely; start_safely()"
    environment = os.environ | {
        "VAR_DIR": str(tmp_path),
        "DATABASE_URL": "",
        "DJANGO_SETTINGS_MODULE": "portal.settings",
    }
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Countersign refuses to start" in done.stderr
