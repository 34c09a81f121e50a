"""What is armed: the faults that wait for the next answers."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.messages import Request


@dataclass(frozen=True, slots=True)
class Fault:
    """One armed fault. `on` limits it to purchases, to everything else ("lookup"), or to nothing ("any")."""

    kind: str
    count: int = 1
    seconds: float | None = None
    service: str | None = None
    on: str = "purchase"
    contains: str = ""
    executed: bool | None = None
    then: str | None = None
    then_seconds: float | None = None
    status: int = 500
    error_code: str = "SCM.0000"
    error_msg: str = "系统内部异常，请联系技术支持人员"
    number: int = 0

    def describe(self) -> dict[str, Any]:
        names = (
            "number",
            "kind",
            "count",
            "seconds",
            "service",
            "on",
            "contains",
            "executed",
            "then",
            "then_seconds",
        )
        shown = {name: getattr(self, name) for name in names}
        if self.kind == "error":
            shown |= {"status": self.status, "error_code": self.error_code, "error_msg": self.error_msg}
        return {name: value for name, value in shown.items() if value not in (None, "")}

    def matches(self, service: str, request: Request, *, purchase: bool) -> bool:
        return (
            self.service in (None, service)
            and (self.on == "any" or (self.on == "purchase") == purchase)
            and self.contains.encode() in request.body
        )


@dataclass
class Board:
    """What is armed, oldest first. Kept in memory only: a restart disarms everything."""

    _armed: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def arm(self, fault: Fault) -> None:
        with self._lock:
            self._armed.append(replace(fault, number=next(self._numbers)))

    def disarm(self) -> None:
        with self._lock:
            self._armed.clear()

    def armed(self) -> list[Fault]:
        with self._lock:
            return list(self._armed)

    def take(self, service: str, request: Request, *, purchase: bool) -> Fault | None:
        """The oldest fault that matches, used up once."""
        with self._lock:
            for index, fault in enumerate(self._armed):
                if fault.matches(service, request, purchase=purchase):
                    self._keep(index, fault.count - 1)
                    return fault
        return None

    def give_back(self, fault: Fault) -> None:
        """The request was refused, so there was nothing to spoil: the fault waits for the next one."""
        with self._lock:
            numbers = [armed.number for armed in self._armed]
            if fault.number in numbers:
                index = numbers.index(fault.number)
                self._keep(index, self._armed[index].count + 1)
            else:
                self._armed.insert(0, replace(fault, count=1))

    def _keep(self, index: int, count: int) -> None:
        if count > 0:
            self._armed[index] = replace(self._armed[index], count=count)
        else:
            del self._armed[index]
