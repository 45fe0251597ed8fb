"""The cost of something small: trainings with and without it, turn by turn in one process."""

from collections.abc import Callable, Iterator
from statistics import median
from typing import Any

Fit = Callable[[], float]  # trains for a while, and gives seconds per step


def paired(plain: Fit, variant: Fit, pairs: int, tuned: Fit | None = None) -> dict[str, Any]:
    """Seconds per step of both, and the median of the differences within a pair.

    What slows the machine down for a while slows both of a pair, and their difference little. So it
    does a third, `tuned`, by which figures of different processes can be compared.
    """
    plain(), variant()
    couples, thirds = [], []
    for couple in _alternating(plain, variant, pairs):
        couples.append(couple)
        thirds += [tuned()] if tuned else []
    figures = {"tuned": median(thirds)} if thirds else {}
    return figures | {
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
