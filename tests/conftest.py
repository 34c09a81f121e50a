"""People, orders in every status through the real verbs, and databases that refuse to forget."""

from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.utils import translation
from pytest_django import Settings

from orders import account, append_only
from portal.models import APPROVERS, AUDITORS, User
from tests import making
from tests.sandbox_process import Sandbox, running_sandbox

hypothesis.settings.register_profile("tests", deadline=None, database=None, max_examples=60)


def pytest_configure() -> None:
    hypothesis.settings.load_profile("tests")
    Path(django_settings.STATIC_ROOT).mkdir(exist_ok=True)
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    django_settings.STORAGES = django_settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }


@pytest.fixture(autouse=True)
def _append_only_tables(request: pytest.FixtureRequest) -> Iterator[None]:
    """A transactional test ends with emptied tables, which the triggers rightly refuse."""
    marker = request.node.get_closest_marker("django_db")
    live = {"transactional_db", "live_server"} & set(request.fixturenames)
    if not live and not (marker and marker.kwargs.get("transaction")):
        yield
        return
    request.getfixturevalue("transactional_db")
    append_only.remove(connection)
    append_only.install(connection)
    yield
    append_only.remove(connection)


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    """A request in Chinese leaves its thread in Chinese."""
    with translation.override("en"):
        yield


@pytest.fixture(autouse=True)
def _own_epoch(settings: Settings, tmp_path: Path) -> None:
    """An emptied database is older than any marker."""
    settings.EPOCH_FILE = tmp_path / "epoch.json"


@pytest.fixture
def lin(db: None) -> User:
    return making.person("lin", team="Payments")


@pytest.fixture
def ana(db: None) -> User:
    return making.person("ana")


@pytest.fixture
def mei(db: None) -> User:
    return making.person("mei", APPROVERS)


@pytest.fixture
def omar(db: None) -> User:
    return making.person("omar", APPROVERS)


@pytest.fixture
def sofia(db: None) -> User:
    return making.person("sofia", APPROVERS)


@pytest.fixture
def noor(db: None) -> User:
    return making.person("noor", AUDITORS)


@pytest.fixture
def admin(db: None) -> User:
    return making.person("admin", is_superuser=True, is_staff=True)


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), SANDBOX_PROCESSING_SECONDS="0") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(sandbox_process: Sandbox, settings: Settings) -> Iterator[Sandbox]:
    """An empty cloud, and a portal whose settings point at it."""
    sandbox_process.awake()
    sandbox_process.reset()
    sandbox_process.disarm()
    settings.CLOUD = making.cloud_config(sandbox_process.url)
    account.current_account.cache_clear()
    yield sandbox_process
    account.current_account.cache_clear()
