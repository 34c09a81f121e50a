"""The shared warm process, once per run of the tests, and the number that all chance comes from."""

import os
from collections.abc import Iterator

import pytest

from tests.chaos.nursery import Nursery, running_nursery


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with running_nursery() as running:
        yield running


@pytest.fixture
def seed() -> int:
    """Printed when the test fails; CHAOS_SEED repeats it."""
    number = int(os.environ.get("CHAOS_SEED", "20261123"))
    print(f"CHAOS_SEED={number}")
    return number
