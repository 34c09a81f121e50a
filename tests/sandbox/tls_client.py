"""A sandbox that speaks TLS, and clients that trust its certificate and no other."""

from __future__ import annotations

import contextlib
import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.sandbox.conftest import password_body
from tests.sandbox_process import Sandbox, running_sandbox

CERTIFICATE = Path(__file__).parent / "tls" / "certificate.pem"  # for 127.0.0.1, good for tests only
KEY = CERTIFICATE.with_name("key.pem")


class TlsSandbox:
    def __init__(self, sandbox: Sandbox, context: ssl.SSLContext) -> None:
        self.sandbox = sandbox
        self._context = context

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.sandbox.url, verify=self._context, trust_env=False)

    def token(self) -> str:
        with self.client() as client:
            return client.post("/v3/auth/tokens", json=password_body()).headers["X-Subject-Token"]


@contextlib.contextmanager
def running_tls_sandbox(data_dir: Path) -> Iterator[TlsSandbox]:
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    control = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context))
    options = ("--port", "0", "--certfile", str(CERTIFICATE), "--keyfile", str(KEY))
    with running_sandbox(data_dir, *options, control=control) as sandbox:
        yield TlsSandbox(sandbox, context)
