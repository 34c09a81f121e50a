"""Two processes, one order, the same moment: both databases must make one of them wait or lose."""

import os

import pytest

from tests.chaos.nursery import Nursery
from tests.chaos.races import PAIRS

pytestmark = pytest.mark.campaign

ROUNDS = 1000 if os.environ.get("CHAOS") == "long" else 100


@pytest.mark.parametrize("pair", PAIRS)
def test_a_race_has_no_wrong_end(nursery: Nursery, pair: str) -> None:
    assert nursery.run("races:run", pair=pair, rounds=ROUNDS)["wrong"] == []
