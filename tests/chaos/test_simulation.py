"""Hypothesis plays people, workers, a cloud that acts late, and time."""

from collections.abc import Iterator

import pytest

from tests.chaos import layers
from tests.chaos.layers import SHORT
from tests.chaos.nursery import Nursery, running_nursery
from tests.chaos.stories import STORIES

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def apart() -> Iterator[Nursery]:
    """A world of its own: the simulation's clock is years ahead."""
    with running_nursery() as nursery:
        yield nursery


def test_no_sequence_of_events_breaks_the_invariant(seed: int) -> None:
    found = layers.simulation(SHORT, seed)
    assert found.runs >= SHORT.examples
    assert found.purchases > SHORT.examples / 2
    assert found.unknown > SHORT.examples / 4


@pytest.mark.parametrize("story", STORIES)
def test_a_known_story_ends_well(apart: Nursery, story: str) -> None:
    assert apart.run("stories:tell", only=story) == []
