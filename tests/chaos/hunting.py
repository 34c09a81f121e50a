"""Whether the layers see a planted bug, within a small budget."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.chaos.nursery import Nursery, running_nursery

CRASHES = (
    ("body sent", "ok"),
    ("after conclude", "executed-then-reset"),
    ("after conclude", "executed-then-silent"),
    ("after conclude", "executed-then-504"),
    ("first bytes of the answer", "ok"),
    ("before conclude", "late-visibility"),
    ("answer read", "late-execution"),
    ("in the claim, before commit", "executed-then-close"),
)
DELIVERIES = 100


@dataclass(frozen=True, slots=True)
class Hunt:
    real: Nursery
    """With processes, sockets and signals."""
    simulated: Nursery

    def seen(self, mutant: str) -> str:
        """Which layer saw it and what it saw; empty where none did."""
        with ThreadPoolExecutor(2) as pool:
            looking = [pool.submit(look, mutant) for look in (self._crashes, self._stories)]
            first, second = [each.result() for each in looking]
        return first or second or self._kills(mutant)

    def _crashes(self, mutant: str) -> str:
        return "".join(self.real.run("crash:some", mutant=mutant, cases=CRASHES)[:1])

    def _stories(self, mutant: str) -> str:
        return "".join(self.simulated.run("stories:tell", mutant=mutant)[:1])

    def _kills(self, mutant: str) -> str:
        wrong = self.real.run("campaign:run", seed=1, deliveries=DELIVERIES, mutant=mutant)["wrong"]
        return f"random kills: {wrong[0]}" if wrong else ""


@contextlib.contextmanager
def running() -> Iterator[Hunt]:
    with running_nursery() as real, running_nursery() as simulated:
        yield Hunt(real, simulated)
