"""Clocks and terminals for the bar."""

import pytest
from tests.callbacks.progbar.bars import Clock, Pty, looked_at
from tqdm import tqdm


@pytest.fixture(autouse=True)
def _no_bar_of_another_test():
    yield
    for line in list(tqdm._instances):
        line.close()


@pytest.fixture
def clock(monkeypatch):
    return looked_at(Clock(), monkeypatch)


@pytest.fixture
def terminal():
    terminal = Pty()
    yield terminal
    terminal.close()
