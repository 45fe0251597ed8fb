"""The cost of something small: trainings with and without it, turn by turn in one process."""

from collections.abc import Callable, Iterator, Sequence
from statistics import median, quantiles

Fit = Callable[[], float]  # trains for a while, and returns seconds per step
Typical = Callable[[Sequence[float]], float]  # one value that stands for all of them


def quiet(seconds: Sequence[float]) -> float:
    """The time that nine of ten turns exceed: that of a quiet machine.

    A slow phase of the machine slows both trainings of a pair, but the difference between them
    too: in a slow phase the same callback takes half as long again.
    """
    return quantiles(seconds, n=10, method="inclusive")[0]


def paired(
    plain: Fit,
    variant: Fit,
    pairs: int,
    typical: Typical = median,
) -> dict[str, float]:
    """Seconds per step of both, taken in turns, and their difference.

    Args:
        plain: trains without the thing whose cost is measured.
        variant: trains with it.
        pairs: how many turns each has.
        typical: makes one value from the turns of one training.
    """
    plain(), variant()
    couples = _alternating(plain, variant, pairs)
    before, after = (typical(seconds) for seconds in zip(*couples, strict=True))
    return {"seconds": after, "plain": before, "extra": after - before}


def _alternating(plain: Fit, variant: Fit, pairs: int) -> Iterator[tuple[float, float]]:
    for turn in range(pairs):
        if turn % 2:
            yield plain(), variant()
        else:
            second = variant()
            yield plain(), second
