"""Planted bugs: a proof that cannot see them proves nothing."""

from collections.abc import Iterator

import pytest

from tests.chaos import hunting
from tests.chaos.hunting import Hunt
from tests.chaos.mutants import MUTANTS

pytestmark = pytest.mark.once


@pytest.fixture(scope="module")
def hunt() -> Iterator[Hunt]:
    with hunting.running() as running:
        yield running


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_planted_bug_is_seen(hunt: Hunt, mutant: str) -> None:
    assert hunt.seen(mutant), f"nobody saw the planted bug “{mutant}”"


def test_without_a_planted_bug_nothing_is_seen(hunt: Hunt) -> None:
    assert hunt.seen("") == {}
