"""The cloud without a network: the sandbox's own code, in this process, on the simulation's clock.

It stands where the transport is: a purchase runs the portal's hook and yields the evidence that a network would have
yielded, and may be held up at every step on its way; a look-up gets the answer that the real cloud's documents promise.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpcore

from orders.cloud.calls import Call
from orders.cloud.errors import LookupFailed
from orders.cloud.exchange import Exchange, Phase
from orders.cloud.reader import Answer as Found
from sandbox.account import Account
from sandbox.answering import Answer, Answering
from sandbox.arming import read_fault
from sandbox.auth import Caller
from sandbox.cloud import Call as Served
from sandbox.cloud import Cloud
from sandbox.control import SELLERS
from sandbox.fault_kinds import Ending
from sandbox.faults import Board
from sandbox.ledger import Ledger
from sandbox.messages import Request
from sandbox.moments import now_ms
from tests.sandbox_process import USER

BROKEN: dict[Ending, Exception] = {
    Ending.RESET: httpcore.ReadError(),
    Ending.CLOSE: httpcore.RemoteProtocolError(),
    Ending.SILENT: httpcore.ReadTimeout(),
}


class ModelCloud:
    def __init__(self, hold: Callable[[str], None]) -> None:
        """`hold(step)` is called at every step of a purchase, and may take long or raise."""
        self._hold = hold
        self._ledger = Ledger(Path(":memory:"))
        self._board = Board()
        self._cloud = Cloud(Account(), self._ledger, 0)
        self._answering = Answering(self._cloud, self._board, threading.Event())
        self.dark = False
        """No look-up gets an answer."""
        self.unreachable = False
        """Nobody can connect."""

    def reset(self) -> None:
        now_ms._latest = 0  # each run begins on a clock of its own
        self._ledger.reset()
        self._board.disarm()
        self.dark = self.unreachable = False

    def arm(self, kind: str, **parameters: Any) -> None:
        self._board.arm(read_fault({"kind": kind, **parameters}, tls=False))

    def disarm(self) -> None:
        self._board.disarm()

    def ledger(self) -> list[dict[str, Any]]:
        """What the portal's own user bought."""
        return [each.witness() for each in self._ledger.executed() if each.user_name == USER]

    def buy_for_another(self, api: str, body: bytes) -> None:
        """Somebody else buys this, at this moment, in the console."""
        account = self._cloud.account
        caller = Caller("colleague", account.domain_id, account.project_id)
        request = Request("POST", "/", "/", (), {"content-type": "application/json"}, body, "0123456789abcdef")
        SELLERS[api](Served(self._cloud, request, caller, {"project_id": account.project_id}))

    # ------------------------------------------------------------ instead of the network

    def send_once(
        self,
        call: Call,
        *,
        exchange: Exchange,
        before_first_byte: Callable[[], None],
        on_answer: Callable[[Exchange], None],
        **_: Any,
    ) -> Exchange:
        exchange.begin()
        exchange.phase = Phase.CONNECTING
        self._hold("connecting")
        if self.unreachable:
            exchange.failed(httpcore.ConnectError())
        else:
            exchange.phase = Phase.CONNECTED
            before_first_byte()
            exchange.claimed()
            self._hold("claimed")
            self._converse(call, exchange, on_answer)
        exchange.end()
        return exchange

    def _converse(self, call: Call, exchange: Exchange, on_answer: Callable[[Exchange], None]) -> None:
        exchange.phase, exchange.bytes_sent = Phase.SENT, len(call.body)
        answer = self._answer(call)
        self._hold("sent")
        if answer.ending in BROKEN:
            exchange.failed(BROKEN[answer.ending])
            return
        headers = [(b"x-request-id", b"0123456789abcdef"), (b"content-type", answer.reply.content_type.encode())]
        exchange.answered(answer.reply.status, headers)
        on_answer(exchange)
        self._hold("answered")
        if answer.ending is Ending.TRUNCATED:
            exchange.failed(httpcore.RemoteProtocolError())
        else:
            exchange.completed(answer.reply.body)

    def fetch(self, call: Call) -> Found:
        if self.dark:
            raise LookupFailed("The cloud does not answer.")
        answer = self._answer(call)
        return Found(status=answer.reply.status, headers={}, body=answer.reply.body)

    def _answer(self, call: Call) -> Answer:
        headers = {name.lower(): value for name, value in call.headers.items()} | {"host": call.host}
        request = Request(call.method, call.target, call.path, call.query, headers, call.body, "0123456789abcdef")
        return self._answering.answer(request)


class ModelReader:
    """What `Account` asks with, once `cloud` is set."""

    cloud: ModelCloud

    def __init__(self, **_: Any) -> None:
        pass

    def fetch(self, call: Call) -> Found:
        return self.cloud.fetch(call)


def connect(cloud: ModelCloud, *, purchasing: Any, account: Any) -> None:
    """From now on this process's portal talks to `cloud`."""
    ModelReader.cloud = cloud
    purchasing.send_once = cloud.send_once
    account.Reader = ModelReader
