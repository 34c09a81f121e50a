"""The simulation on both cores: two processes with a world and half of the examples each."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.chaos.nursery import running_nursery

AT_ONCE = 2
LONGEST = 24 * 3600


def run(seed: int, examples: int, steps: int) -> dict[str, int]:
    """How much was simulated. Raises AssertionError with the shortest sequence that went wrong."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        parts = [pool.submit(_part, seed + part, examples // AT_ONCE, steps) for part in range(AT_ONCE)]
        total = Counter[str]()
        for part in parts:
            total.update(part.result())
    return dict(total)


def _part(seed: int, examples: int, steps: int) -> dict[str, int]:
    with running_nursery() as nursery:
        found: dict[str, int] = nursery.run(
            "simulation:run", number=seed, examples=examples, steps=steps, limit=LONGEST
        )
    return found
