from collections.abc import Iterator

import pytest
from tests.distributed.group import Group


@pytest.fixture(scope="session")
def pair() -> Iterator[Group]:
    """Two processes, which all short tests share: to start them takes longer than the tests."""
    with Group(2) as group:
        yield group
