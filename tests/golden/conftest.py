"""The tests of another library's loop are collected where that library is installed."""

from importlib.util import find_spec
from pathlib import Path

import pytest

# The libraries that a test needs, by the name of its file, where they are not that name.
NEEDS = {"own_loops": ["torch"], "sklearn": ["sklearn"], "jax": ["jax", "flax", "equinox", "optax"]}


def _needs(path):
    name = path.stem.removeprefix("test_")
    return NEEDS.get(name, [name])


collect_ignore = [
    path.name
    for path in Path(__file__).parent.glob("test_*.py")
    if any(find_spec(library) is None for library in _needs(path))
]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
