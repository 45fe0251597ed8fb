"""The cost of something small: trainings with and without it, turn by turn in one process."""

from collections.abc import Callable, Iterator, Sequence
from statistics import quantiles
from typing import Any

Fit = Callable[[], float]  # trains for a while, and gives seconds per step


def paired(plain: Fit, variant: Fit, pairs: int, tuned: Fit | None = None) -> dict[str, Any]:
    """Seconds per step of both while the machine is quiet, and their difference.

    What slows the machine down for a while slows both of a pair, but what is sought too: in a slow
    phase the same callback takes half as long again. So it does a third, `tuned`, by which figures
    of different processes can be compared.
    """
    plain(), variant()
    couples, thirds = [], []
    for couple in _alternating(plain, variant, pairs):
        couples.append(couple)
        thirds += [tuned()] if tuned else []
    before, after = (_quiet(seconds) for seconds in zip(*couples, strict=True))
    figures = {"tuned": _quiet(thirds)} if thirds else {}
    return figures | {"seconds": after, "plain": before, "extra": after - before}


def _quiet(seconds: Sequence[float]) -> float:
    """What nine of ten trainings take longer than."""
    return quantiles(seconds, n=10, method="inclusive")[0]


def _alternating(plain: Fit, variant: Fit, pairs: int) -> Iterator[tuple[float, float]]:
    for turn in range(pairs):
        if turn % 2:
            yield plain(), variant()
        else:
            second = variant()
            yield plain(), second
