"""The random generators of a process, read and put back: Python's, and those of the packages that
are loaded. Nothing is imported for that.
"""

import random
from typing import Any

from onfit.core.packages import loaded


def random_state(besides: str = "") -> dict[str, Any]:
    """All generators as they are now, as plain data and arrays; not those of package `besides`."""
    state: dict[str, Any] = {"python": random.getstate()}
    for package in loaded(besides):
        state |= package.random_state()
    return state


def set_random_state(state: dict[str, Any]) -> None:
    """Put the generators back to where they were seen; what was not seen stays as it is."""
    random.setstate(state["python"])
    for package in loaded():
        package.set_random_state(state)
