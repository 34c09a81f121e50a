"""The shared warm process, once per run of the tests."""

from collections.abc import Iterator

import pytest

from tests.chaos.nursery import Nursery, running_nursery


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with running_nursery() as running:
        yield running
