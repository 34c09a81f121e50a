"""Hypothesis plays people, workers, a cloud that acts late, and time."""

import os
from collections.abc import Iterator

import pytest

from tests.chaos import simulating
from tests.chaos.nursery import Nursery, running_nursery
from tests.chaos.stories import STORIES

SEED = int(os.environ.get("CHAOS_SEED", "20261123"))
POSTGRES = os.environ.get("DATABASE_URL", "").startswith("postgres")
EXAMPLES, STEPS = (5_000, 80) if os.environ.get("CHAOS") == "long" else (60 if POSTGRES else 300, 40)
"""One worker runs at a time, so that the databases differ little here."""


@pytest.fixture(scope="module")
def apart() -> Iterator[Nursery]:
    """A world of its own: the simulation's clock is years ahead."""
    with running_nursery() as nursery:
        yield nursery


def test_no_sequence_of_events_breaks_the_invariant() -> None:
    assert simulating.run(SEED, EXAMPLES, STEPS)["submissions"] > EXAMPLES / 2


@pytest.mark.parametrize("story", STORIES)
def test_a_known_story_ends_well(apart: Nursery, story: str) -> None:
    assert apart.run("stories:tell", only=story) == []
