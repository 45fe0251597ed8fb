"""Data sets are kept in a folder of the test's own, and come from loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.datasets.publisher import Publisher, publishing


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where data sets are kept in this test."""
    monkeypatch.setenv("ONFIT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path / "home" / "datasets"


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    """The publisher whose files are fetched."""
    with publishing() as publisher:
        yield publisher
