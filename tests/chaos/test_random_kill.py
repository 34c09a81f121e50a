"""Worker processes killed at random moments, two messages in five doubled, sweepers and reconcilers in between."""

from tests.chaos import layers
from tests.chaos.layers import SHORT


def test_nothing_is_bought_twice_or_forgotten(seed: int) -> None:
    found = layers.random_kills(SHORT, seed)
    assert found.wrong == []
    assert found.twice == 0
    assert found.kills > SHORT.deliveries / 20
    assert found.purchases > found.orders / 2
