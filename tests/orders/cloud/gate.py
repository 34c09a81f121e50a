"""A gate that answers from a list and remembers the questions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from orders.cloud.answers import JsonObject
from orders.cloud.errors import LookupFailed


@dataclass
class Asked:
    service: str
    path: str
    query: dict[str, str]
    body: Any


@dataclass
class CannedGate:
    answers: list[JsonObject | LookupFailed]
    asked: list[Asked] = field(default_factory=list)

    def ask(
        self,
        *,
        service: str,
        path: str,
        query: tuple[tuple[str, str], ...] = (),
        body: JsonObject | None = None,
    ) -> JsonObject:
        self.asked.append(Asked(service, path, dict(query), body))
        answer = self.answers.pop(0)
        if isinstance(answer, LookupFailed):
            raise answer
        return answer


def gate(*answers: JsonObject | LookupFailed) -> CannedGate:
    return CannedGate(list(answers))
