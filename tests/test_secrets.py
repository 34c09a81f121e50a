"""Secrets never reach a log, a row, a page, an exception or a task argument."""

import io
import logging
from collections.abc import Iterator

import pytest
from django.core.management import call_command
from django.test import Client
from pydantic import SecretStr
from pytest_django import Settings

from orders import account
from orders.cloud.iam import Token
from portal.config import Config
from portal.models import User
from tests import making, sandbox_process
from tests.sandbox_process import Sandbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def logged(sandbox: Sandbox) -> Iterator[io.StringIO]:
    """Everything any library says, at its most talkative."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(before)


def everything_stored_and_shown(order_page: str, user: User) -> str:
    dump = io.StringIO()
    call_command("dumpdata", "orders", stdout=dump)
    client = Client()
    client.force_login(user)
    pages = [client.get(path).content.decode() for path in (order_page, "/", "/history/", "/orders/")]
    return dump.getvalue() + "".join(pages)


@pytest.mark.parametrize("fault", [None, "401", "out-of-sale", "executed-then-reset"])
def test_the_secret_key_stays_secret(
    sandbox: Sandbox, logged: io.StringIO, lin: User, mei: User, fault: str | None
) -> None:
    order = making.approve(making.order(lin), mei)
    if fault:
        sandbox.fault(fault)
    making.bought(order)
    seen = logged.getvalue() + everything_stored_and_shown(order.get_absolute_url(), mei)
    assert sandbox_process.SK not in seen
    assert "SDK-HMAC-SHA256" not in seen


@pytest.mark.parametrize("fault", [None, "401", "executed-then-reset"])
def test_password_and_token_stay_secret(
    sandbox: Sandbox, logged: io.StringIO, settings: Settings, lin: User, mei: User, fault: str | None
) -> None:
    settings.CLOUD = making.cloud_config(
        sandbox.url,
        cloud_sdk_ak="",
        cloud_iam_password=SecretStr(sandbox_process.PASSWORD),
        cloud_iam_domain=sandbox_process.DOMAIN_NAME,
    )
    account.current_account.cache_clear()
    order = making.approve(making.order(lin), mei)
    if fault:
        sandbox.fault(fault)
    making.bought(order)
    authentication = account.current_account().authentication
    assert isinstance(authentication, Token)
    token = authentication._token
    seen = logged.getvalue() + everything_stored_and_shown(order.get_absolute_url(), mei)
    assert sandbox_process.PASSWORD not in seen
    assert token is None or token.reveal() not in seen


def test_the_configuration_shows_no_secret() -> None:
    config = Config(secret_key=SecretStr("canary-1"), cloud_sdk_sk=SecretStr("canary-2"))
    assert "canary" not in f"{config!r} {config}"
