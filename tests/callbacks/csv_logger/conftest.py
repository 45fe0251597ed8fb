"""The file of the tests of CSVLogger."""

import pytest


@pytest.fixture
def path(tmp_path):
    return tmp_path / "training.csv"
