"""Worker processes killed at random moments, two messages in five doubled, sweepers and reconcilers in between."""

import os

from tests.chaos.nursery import Nursery

SEED = int(os.environ.get("CHAOS_SEED", "20261123"))
DELIVERIES = 50_000 if os.environ.get("CHAOS") == "long" else 1_000


def test_nothing_is_bought_twice_or_forgotten(nursery: Nursery) -> None:
    print(f"CHAOS_SEED={SEED}")
    found = nursery.run("campaign:run", seed=SEED, deliveries=DELIVERIES)
    assert found["wrong"] == [], f"seed {SEED}"
    assert found["doubles"] == 0
    assert found["kills"] > DELIVERIES / 10
    assert found["placed"] > found["orders"] / 2
