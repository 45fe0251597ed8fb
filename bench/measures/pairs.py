"""The cost of something small: trainings with and without it, turn by turn in one process."""

from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

Fit = Callable[[], float]  # trains for a while, and gives seconds per step


def paired(plain: Fit, variant: Fit, pairs: int) -> dict[str, Any]:
    """Seconds per step of both, and the median of the differences within a pair.

    What slows the machine down for a while slows both of a pair, and their difference little.
    """
    plain(), variant()
    couples = list(_alternating(plain, variant, pairs))
    return {
        "seconds": median(seconds for _, seconds in couples),
        "plain": median(seconds for seconds, _ in couples),
        "extra": median(after - before for before, after in couples),
    }


def _alternating(plain: Fit, variant: Fit, pairs: int) -> Iterator[tuple[float, float]]:
    for turn in range(pairs):
        if turn % 2:
            yield plain(), variant()
        else:
            second = variant()
            yield plain(), second
