"""Some checkpoints, and what is in their folder."""

import os
from contextlib import contextmanager

import numpy as np

TREE = {"epoch": 0, "weights": [np.arange(3000.0)]}


def tree(epoch: int):
    return {"epoch": epoch, "weights": [np.arange(3000.0) + epoch]}


def names(manager) -> list[str]:
    """What is in its folder, but for the hidden folder that it keeps for the next checkpoint."""
    return [name for name in hidden_too(manager) if not name.startswith(".writing-")]


def hidden_too(manager) -> list[str]:
    return sorted(os.listdir(manager.folder))


@contextmanager
def as_nobody():
    """Without the rights of root, which may write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
