"""A history that cannot be written, and the messages that went to the broker."""

from collections.abc import Callable
from queue import Empty
from typing import Any

import pytest
from celery import current_app
from django.db import DatabaseError

from orders.models import Event
from tests import making

Messages = Callable[[], list[int]]


@pytest.fixture
def full_history(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_columns: Any) -> None:
        raise DatabaseError("disk full")

    monkeypatch.setattr(Event.objects, "create", refuse)


@pytest.fixture
def messages() -> Messages:
    """The orders announced to workers since the last call, read from the broker itself."""

    def drain() -> list[int]:
        found: list[int] = []
        with current_app.connection_for_read() as broker, broker.SimpleQueue("submit") as queue:
            while True:
                try:
                    message = queue.get_nowait()
                except Empty:
                    return found
                message.ack()
                found.append(making.announced(message))

    drain()
    return drain
