"""The broker forgets, the workers die, two beats tick: the rows know what is to be done, and it is done once."""

import pytest

from tests.chaos import layers
from tests.chaos.layers import SHORT


@pytest.mark.stack
def test_twenty_five_disturbances_leave_nothing_undone(seed: int) -> None:
    found = layers.broker(SHORT, seed)
    assert found.wrong == []
    assert found.runs == 25
    assert found.purchases > found.orders / 2
