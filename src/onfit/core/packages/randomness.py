"""Reads and sets the random generators of a process: Python's, and those of the packages that are
loaded. No package is imported for that.
"""

import random
from typing import Any

from onfit.core.packages import loaded


def random_state(besides: str = "") -> dict[str, Any]:
    """The state of all generators, as plain data and arrays, without those of package `besides`."""
    state: dict[str, Any] = {"python": random.getstate()}
    for package in loaded(besides):
        state |= package.random_state()
    return state


def set_random_state(state: dict[str, Any]) -> None:
    """Set the generators to `state`. A generator that is not in it stays as it is."""
    random.setstate(state["python"])
    for package in loaded():
        package.set_random_state(state)
