"""The broker forgets, the workers die, two beats tick: the rows know what is to be done, and it is done once."""

import os

import pytest

from tests.chaos import disturbing

SEED = int(os.environ.get("CHAOS_SEED", "20261123"))


@pytest.mark.campaign
@pytest.mark.stack
def test_twenty_five_disturbances_leave_nothing_undone() -> None:
    ended = disturbing.run(SEED)
    assert ended["wrong"] == []
    assert ended["disturbances"] == 25
    assert ended["placed"] > ended["orders"] / 2
