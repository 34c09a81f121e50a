"""`python -m sandbox --port N --data DIR`: the sandbox cloud on 127.0.0.1, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import fcntl
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TextIO

from sandbox import account
from sandbox.answering import Answering
from sandbox.app import App
from sandbox.cloud import Cloud
from sandbox.control import Control
from sandbox.faults import Board
from sandbox.ledger import Ledger
from sandbox.server import Server, tls_context


def main() -> int:
    options = _options()
    stopping = threading.Event()
    try:
        lock = _lock(options.data)
        tls = tls_context(options.certfile, options.keyfile) if options.certfile else None
        server = Server(options.port, stopping, tls)
    except (OSError, OverflowError) as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 2
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop())
    ledger = Ledger(options.data / "ledger.sqlite3")
    cloud = Cloud(account.from_environment(os.environ), ledger, _processing_ms())
    board = Board()
    control = Control(cloud, board, server.pause, tls=tls is not None)
    _announce(server.url, cloud.account)
    server.run(App(Answering(cloud, board, stopping), control).respond)
    ledger.close()
    lock.close()
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="A simulated Huawei Cloud. Sells nothing real."
    )
    parser.add_argument("--port", type=int, default=0, help="on 127.0.0.1; 0 picks a free one")
    parser.add_argument("--data", type=Path, required=True, help="the folder that keeps the orders")
    parser.add_argument("--certfile", type=Path, help="speak TLS with this certificate")
    parser.add_argument("--keyfile", type=Path, help="the key of that certificate")
    options = parser.parse_args()
    if bool(options.certfile) != bool(options.keyfile):
        parser.error("--certfile and --keyfile belong together")
    return options


def _lock(data: Path) -> TextIO:
    """Two processes over one ledger would hand out the same ids."""
    data.mkdir(parents=True, exist_ok=True)
    lock = (data / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise OSError(f"another sandbox is using {data}") from None
    return lock


def _processing_ms() -> int:
    return round(float(os.environ.get("SANDBOX_PROCESSING_SECONDS") or 1.0) * 1000)


def _announce(url: str, own: account.Account) -> None:
    print(f"sandbox listening on {url}", flush=True)
    print("A simulated cloud: nothing real is bought. Ledger and faults: " + url + "/_sandbox/", flush=True)
    print("Demo credentials: " + " ".join(account.describe(own)), flush=True)


if __name__ == "__main__":
    sys.exit(main())
