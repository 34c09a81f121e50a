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
EXAMPLES, STEPS = 300, 40


@dataclass(frozen=True, slots=True)
class Hunt:
    real: Nursery
    """With processes, sockets and signals."""
    simulated: Nursery

    def seen(self, mutant: str) -> dict[str, str]:
        """What each layer saw first; empty where none saw anything. Random kills are asked only if need be."""
        with ThreadPoolExecutor(2) as pool:
            crashes, stories = pool.submit(self._crashes, mutant), pool.submit(self._stories, mutant)
            found = {"crash points": crashes.result(), "stories": stories.result()}
        if not any(found.values()):
            found["random kills"] = self._kills(mutant)
        return {layer: what for layer, what in found.items() if what}

    def searched(self, mutant: str) -> int:
        """The example in which the simulation, which knows of no bug, came upon this one; 0 if it did not."""
        return int(self.simulated.run("simulation:search", mutant=mutant, number=1, examples=EXAMPLES, steps=STEPS))

    def _crashes(self, mutant: str) -> str:
        return "".join(self.real.run("crash:some", mutant=mutant, cases=CRASHES)[:1])

    def _stories(self, mutant: str) -> str:
        return "".join(self.simulated.run("stories:tell", mutant=mutant)[:1])

    def _kills(self, mutant: str) -> str:
        return "".join(self.real.run("campaign:run", seed=1, deliveries=DELIVERIES, mutant=mutant)["wrong"][:1])


@contextlib.contextmanager
def running() -> Iterator[Hunt]:
    with running_nursery() as real, running_nursery() as simulated:
        yield Hunt(real, simulated)
