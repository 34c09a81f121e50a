"""Two processes, one order, the same moment: both databases must make one of them wait or lose."""

import pytest

from tests.chaos.layers import SHORT
from tests.chaos.nursery import Nursery
from tests.chaos.races import PAIRS


@pytest.mark.parametrize("pair", PAIRS)
def test_a_race_has_no_wrong_end(nursery: Nursery, pair: str) -> None:
    assert nursery.run("races:run", pair=pair, rounds=SHORT.rounds)["wrong"] == []
