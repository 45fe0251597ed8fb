"""Where onfit and Keras 3.15 disagree on purpose: the one list of it.

Each entry has a test, marked with `excluded(name)`, that shows what both do;
`test_exclusions.py` sees to it.
"""

from collections.abc import Callable
from typing import TypeVar

_Test = TypeVar("_Test", bound=Callable[..., object])

EXCLUSIONS = {
    # training
    "steps that do not divide the data": (
        "Keras cuts an epoch short, with a warning, where the data end; ours begins the data "
        "anew, so that every epoch has the number of steps that was asked for."
    ),
    "train_on_batch without running means": (
        "Keras' train_on_batch returns means since the last reset_metrics(); ours returns the "
        "values of the one batch, as Keras 2 did."
    ),
}


def excluded(name: str) -> Callable[[_Test], _Test]:
    """Mark a test as the one that shows an exclusion."""
    if name not in EXCLUSIONS:
        raise KeyError(f"{name!r} is not in the list of exclusions")

    def mark(test: _Test) -> _Test:
        test.__dict__.setdefault("shows", []).append(name)
        return test

    return mark
