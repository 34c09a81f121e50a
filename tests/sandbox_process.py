"""Start the sandbox cloud as its own process: `with running_sandbox(tmp_path) as cloud: cloud.fault("429")`."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

# What the process says when nothing is set: the demo account of sandbox/account.py.
AK = "SANDBOXAK00000000001"
SK = "sandbox-secret-key-not-real-0123456789ab"
PROJECT_ID = "5a4db0c0000000000000000000000001"
PROJECT_NAME = "cn-north-4"
DOMAIN_ID = "5a4db0c0000000000000000000000002"
DOMAIN_NAME = "sandbox-company"
USER = "countersign-demo"
PASSWORD = "sandbox-password"


class Sandbox:
    """One running process. Over TLS, `control` needs a context that trusts its certificate."""

    def __init__(self, data_dir: Path, *options: str, control: Any = None, **env: str) -> None:
        own = {name: value for name, value in os.environ.items() if not name.startswith("SANDBOX_")}
        self._opener = control or DIRECT
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--data", str(data_dir), *(options or ("--port", "0"))],
            cwd=ROOT,
            env={**own, **env, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout
        self.output = [self.process.stdout.readline()]
        if "listening on " not in self.output[0]:
            rest = self.process.communicate()[0]
            raise RuntimeError(f"the sandbox did not start: {self.output[0]}{rest}")
        self.url = self.output[0].split("listening on ", 1)[1].strip()
        self._reading = threading.Thread(target=self._read, daemon=True)
        self._reading.start()

    def _read(self) -> None:
        """Keeps the pipe empty, so that the process never waits for us."""
        assert self.process.stdout
        self.output.extend(self.process.stdout)

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def ledger(self) -> list[dict[str, Any]]:
        """Every purchase executed so far, oldest first: the independent witness."""
        found: list[dict[str, Any]] = self._control("GET", "ledger")
        return found

    def fault(self, kind: str, **parameters: Any) -> None:
        self._control("POST", "faults", {"kind": kind, **parameters})

    def faults(self) -> list[dict[str, Any]]:
        armed: list[dict[str, Any]] = self._control("GET", "faults")["armed"]
        return armed

    def disarm(self) -> None:
        self._control("DELETE", "faults")

    def reset(self) -> None:
        self._control("POST", "reset", {})

    def buy_as(self, user_name: str, service: str, body: dict[str, Any]) -> dict[str, Any]:
        """A purchase by somebody else, as in the console: scm.v2, scm.v3 or pca.v1."""
        given = {"user_name": user_name, "service": service, "body": body}
        bought: dict[str, Any] = self._control("POST", "purchases", given)
        return bought

    def _control(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/_sandbox/{path}", data, headers, method=method)
        with self._opener.open(request, timeout=10) as response:
            return json.load(response)

    def awake(self) -> None:
        """Return once it listens again, as it does some time after a refusal to connect."""
        until = time.monotonic() + 20
        while True:
            try:
                self.faults()
            except urllib.error.URLError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)
            else:
                return

    def stop(self) -> int:
        """End it with SIGTERM, and say its exit code."""
        return self._end(self.process.terminate)

    def kill(self) -> int:
        return self._end(self.process.kill)

    def _end(self, end: Any) -> int:
        end()
        try:
            code = self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self._reading.join(timeout=10)
        if self.process.stdout:
            self.process.stdout.close()
        return code


@contextlib.contextmanager
def running_sandbox(data_dir: Path, *options: str, control: Any = None, **env: str) -> Iterator[Sandbox]:
    sandbox = Sandbox(data_dir, *options, control=control, **env)
    try:
        yield sandbox
    finally:
        if sandbox.process.poll() is None:
            sandbox.stop()
        elif sandbox.process.stdout:
            sandbox.process.stdout.close()
