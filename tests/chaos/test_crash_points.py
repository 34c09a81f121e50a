"""A worker killed with SIGKILL at every named point, whatever the cloud does: nothing is bought twice or forgotten."""

import itertools
import os

import pytest

from tests.chaos.crash import MODES
from tests.chaos.nursery import Nursery
from tests.chaos.points import POINTS
from tests.chaos.world import PRODUCTS

WHOLE = os.environ.get("CHAOS") == "long"
CASES = [
    (point, mode, PRODUCTS[(row + column) // 2 % len(PRODUCTS)])
    for (row, point), (column, mode) in itertools.product(enumerate(POINTS), enumerate(MODES))
    if WHOLE or (row + column) % 2 == 0
]
"""All pairs in the long form; in the short one every other, like the black fields of a chessboard."""


@pytest.mark.parametrize(("point", "mode", "product"), CASES)
def test_a_worker_killed_there_leaves_nothing_to_guess(nursery: Nursery, point: str, mode: str, product: str) -> None:
    assert nursery.run("crash:case", point=point, mode=mode, product=product)["wrong"] == []


@pytest.mark.parametrize("point", POINTS)
def test_every_point_is_reached(nursery: Nursery, point: str) -> None:
    assert nursery.run("crash:case", point=point, mode="ok", product="certificate")["killed"]
