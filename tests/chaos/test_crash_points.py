"""A worker killed with SIGKILL at every named point, whatever the cloud does: nothing is bought twice or forgotten."""

import pytest

from tests.chaos import crash
from tests.chaos.layers import SHORT
from tests.chaos.nursery import Nursery
from tests.chaos.points import POINTS


@pytest.mark.parametrize(("point", "mode", "product"), crash.cases(every=SHORT.every_crash))
def test_a_worker_killed_there_leaves_nothing_to_guess(nursery: Nursery, point: str, mode: str, product: str) -> None:
    assert nursery.run("crash:case", point=point, mode=mode, product=product)["wrong"] == []


@pytest.mark.parametrize("point", POINTS)
def test_every_point_is_reached(nursery: Nursery, point: str) -> None:
    assert nursery.run("crash:case", point=point, mode="ok", product="certificate")["kills"] == 1
