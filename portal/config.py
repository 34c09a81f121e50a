"""Everything that can be configured, read from the environment and checked in one place.

Credentials keep the names that the cloud's own samples use (`CLOUD_SDK_AK`, `CLOUD_SDK_SK`). `NAME_FILE` variables
are not needed: point `SECRETS_DIR` at a directory (Docker or Kubernetes secrets) that holds one file per name.
"""

import contextlib
import os
import secrets
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent


class Config(BaseSettings):
    model_config = SettingsConfigDict(
        extra="ignore", env_ignore_empty=True, secrets_dir=os.environ.get("SECRETS_DIR") or None
    )

    # The portal itself
    secret_key: SecretStr | None = None
    debug: bool = False
    demo: bool = Field(default=False, description="Demo people, one-click sign-in; refused beyond loopback.")
    allowed_hosts: str = "localhost,127.0.0.1,[::1]"
    csrf_trusted_origins: str = ""
    https: bool = Field(default=False, description="Served over HTTPS: secure cookies, HSTS.")
    time_zone: str = "UTC"
    var_dir: Path = ROOT / "var"
    database_url: str | None = None
    broker_url: str | None = None
    epoch_file: Path | None = Field(default=None, description="Marker that detects a restored database; keep it apart.")
    log_level: str = "INFO"

    # The cloud account that buys
    cloud_region: str = "cn-north-4"
    scm_endpoint: str | None = None
    pca_endpoint: str | None = None
    iam_endpoint: str | None = None
    bss_endpoint: str | None = None
    cloud_ca_bundle: str | None = None
    cloud_project_id: str = ""
    cloud_domain_id: str = ""
    cloud_sdk_ak: str = ""
    cloud_sdk_sk: SecretStr | None = None
    cloud_iam_user: str = ""
    cloud_iam_password: SecretStr | None = None
    cloud_iam_domain: str = ""
    scm_api: Literal["v2", "v3"] = "v2"
    sandbox_ak: str = Field(default="", description="The sandbox's own access key: real credentials never go there.")
    sandbox_user: str = Field(default="", description="The sandbox's own IAM user.")
    sandbox_url: str = Field(default="", description="Set when the endpoints are the sandbox: nothing real is bought.")

    # Seconds; must grow in this order (checked at start-up)
    cloud_connect_timeout: float = 5
    cloud_read_timeout: float = 30
    cloud_deadline: float = 60
    submit_soft_limit: int = 90
    submit_hard_limit: int = 120
    broker_visibility_timeout: int = 3600

    # Limits of the portal where the cloud documents none (contract B)
    ca_max_periods: int = 36
    ca_max_quantity: int = 10

    def hosts(self) -> list[str]:
        return [host.strip() for host in self.allowed_hosts.split(",") if host.strip()]

    def origins(self) -> list[str]:
        return [origin.strip() for origin in self.csrf_trusted_origins.split(",") if origin.strip()]

    @property
    def endpoints(self) -> dict[str, str]:
        """Origin of each service (contract D.4), unless one is set explicitly."""
        region = self.cloud_region
        return {
            "scm": self.scm_endpoint or f"https://scm.{region}.myhuaweicloud.com",
            "pca": self.pca_endpoint or f"https://ccm.{region}.myhuaweicloud.com",
            "iam": self.iam_endpoint or f"https://iam.{region}.myhuaweicloud.com",
            "bss": self.bss_endpoint or "https://bss.myhuaweicloud.com",
        }

    def session_key(self) -> str:
        """`SECRET_KEY`, or one made on first start and kept in `var/` (one host only)."""
        if self.secret_key is not None:
            return self.secret_key.get_secret_value()
        path = self.var_dir / "secret_key"
        if not path.exists():
            self.var_dir.mkdir(parents=True, exist_ok=True)
            draft = path.with_name(f"{path.name}.{os.getpid()}")
            draft.touch(mode=0o600)
            draft.write_text(secrets.token_urlsafe(50))
            with contextlib.suppress(FileExistsError):  # another process was faster: its key counts
                path.hardlink_to(draft)
            draft.unlink()
        return path.read_text()


config = Config()
