"""The one customer of this cloud: its ids and credentials, from the environment or obvious demo values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Account:
    ak: str = "SANDBOXAK00000000001"
    sk: str = field(default="sandbox-secret-key-not-real-0123456789ab", repr=False)
    project_id: str = "5a4db0c0000000000000000000000001"
    project_name: str = "cn-north-4"
    domain_id: str = "5a4db0c0000000000000000000000002"
    domain_name: str = "sandbox-company"
    user: str = "countersign-demo"
    user_id: str = "5a4db0c0000000000000000000000003"
    password: str = field(default="sandbox-password", repr=False)


NAMES = {
    "ak": "SANDBOX_AK",
    "sk": "SANDBOX_SK",
    "project_id": "SANDBOX_PROJECT_ID",
    "project_name": "SANDBOX_PROJECT_NAME",
    "domain_id": "SANDBOX_DOMAIN_ID",
    "domain_name": "SANDBOX_DOMAIN_NAME",
    "user": "SANDBOX_USER",
    "password": "SANDBOX_PASSWORD",
}


def from_environment(environ: Mapping[str, str]) -> Account:
    """An empty variable counts as absent: it would otherwise be an account that nobody can use."""
    return Account(**{name: environ[variable] for name, variable in NAMES.items() if environ.get(variable)})


def describe(account: Account) -> list[str]:
    """What a newcomer has to type, one `NAME=value` a line."""
    return [f"{variable}={getattr(account, name)}" for name, variable in NAMES.items()]
