"""Everything that can be configured, from the environment."""

import stat
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from portal.config import Config


def config(**values: Any) -> Config:
    return Config(**values)


@pytest.mark.parametrize(
    ("typed", "hosts"),
    [("a.cn", ["a.cn"]), ("a.cn, b.cn ,", ["a.cn", "b.cn"]), ("", []), (" , ", []), ("[::1]", ["[::1]"])],
)
def test_lists_are_separated_by_commas(typed: str, hosts: list[str]) -> None:
    assert config(allowed_hosts=typed).hosts() == hosts
    assert config(csrf_trusted_origins=typed).origins() == hosts


def test_each_service_has_the_endpoint_of_the_region() -> None:
    assert config(cloud_region="ap-southeast-1").endpoints == {
        "scm": "https://scm.ap-southeast-1.myhuaweicloud.com",
        "pca": "https://ccm.ap-southeast-1.myhuaweicloud.com",
        "iam": "https://iam.ap-southeast-1.myhuaweicloud.com",
        "bss": "https://bss.myhuaweicloud.com",
    }


@pytest.mark.parametrize("service", ["scm", "pca", "iam", "bss"])
def test_an_endpoint_can_be_set(service: str) -> None:
    endpoints = config(**{f"{service}_endpoint": "http://127.0.0.1:9"}).endpoints
    assert [name for name, origin in endpoints.items() if origin == "http://127.0.0.1:9"] == [service]


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLOUD_SDK_AK", "an access key")
    monkeypatch.setenv("CLOUD_SDK_SK", "a secret")
    monkeypatch.setenv("CA_MAX_QUANTITY", "3")
    found = config()
    assert (found.cloud_sdk_ak, found.ca_max_quantity) == ("an access key", 3)
    assert found.cloud_sdk_sk is not None
    assert found.cloud_sdk_sk.get_secret_value() == "a secret"


@pytest.mark.parametrize(
    ("name", "value"), [("scm_api", "v1"), ("ca_max_quantity", "many"), ("demo", "perhaps"), ("cloud_deadline", "")]
)
def test_a_value_that_makes_no_sense_is_refused(name: str, value: str) -> None:
    with pytest.raises(ValidationError, match=name):
        config(**{name: value})


@pytest.mark.parametrize("name", ["secret_key", "cloud_sdk_sk", "cloud_iam_password"])
def test_a_secret_is_not_shown(name: str) -> None:
    found = config(**{name: SecretStr("hunter2-hunter2")})
    assert "hunter2" not in repr(found) + str(found) + found.model_dump_json()


def test_a_given_key_signs_sessions(tmp_path: Path) -> None:
    assert config(secret_key=SecretStr("given"), var_dir=tmp_path / "var").session_key() == "given"
    assert not (tmp_path / "var").exists()


def test_without_one_a_key_is_made_once_and_kept_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY")
    first = config(var_dir=tmp_path / "var").session_key()
    assert config(var_dir=tmp_path / "var").session_key() == first
    assert len(first) >= 50
    assert stat.S_IMODE((tmp_path / "var" / "secret_key").stat().st_mode) == 0o600


def test_two_installations_have_two_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY")
    keys = {config(var_dir=tmp_path / name).session_key() for name in ("one", "other")}
    assert len(keys) == 2


def test_a_wait_is_shorter_than_what_waits_for_it() -> None:
    found = config()
    waits = [
        found.cloud_connect_timeout,
        found.cloud_read_timeout,
        found.cloud_deadline,
        found.submit_soft_limit,
        found.submit_hard_limit,
        found.broker_visibility_timeout,
    ]
    assert waits == sorted(set(waits))
