"""The tests of another library's loop are collected where that library is installed."""

from pathlib import Path

import pytest
from tests.golden.installed import can_run

collect_ignore = [
    path.name
    for path in Path(__file__).parent.glob("test_*.py")
    if not can_run(path.stem.removeprefix("test_"))
]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
