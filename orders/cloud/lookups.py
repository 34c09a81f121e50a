"""What every look-up shares: the gate it passes, and the walk over pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from .answers import JsonObject, well_formed_id
from .errors import LookupFailed

T = TypeVar("T")
MAX_PAGES = 30


class Gate(Protocol):
    """Asks a service with the account's credentials. `Account` is one."""

    def ask(
        self,
        *,
        service: str,
        path: str,
        query: tuple[tuple[str, str], ...] = (),
        body: JsonObject | None = None,
    ) -> JsonObject:
        """GET, or POST with a body: the JSON object of a 200, else LookupFailed with status and code."""
        ...


def checked_id(value: str) -> str:
    """An id that may stand in a path."""
    if well_formed_id(value) is None:
        raise LookupFailed("This is not an id the cloud could have given.")
    return value


def every_page(page: Callable[[int], tuple[list[T], int]], *, key: Callable[[T], str]) -> tuple[T, ...]:
    """All rows, each once. `page(offset)` gives rows and the total; rows that never come are a failure.

    Rows may move between two pages while they are read, so they are told apart by key, and a list that ends
    before its own total is not an answer.
    """
    found: dict[str, T] = {}
    offset = 0
    for _ in range(MAX_PAGES):
        batch, total = page(offset)
        found.update((key(row), row) for row in batch)
        offset += len(batch)
        if offset >= total:
            if len(found) < total:
                raise LookupFailed("A list moved while its pages were read.")
            return tuple(found.values())
        if not batch:
            raise LookupFailed("A list ended before the number of rows it announced.")
    raise LookupFailed("A list has more pages than a look-up may read.")
