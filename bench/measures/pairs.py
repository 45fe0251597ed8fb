"""The cost of something small: trainings with and without it, turn by turn in one process."""

from collections.abc import Callable, Iterator, Sequence
from statistics import median, quantiles

Fit = Callable[[], float]  # trains for a while, and gives seconds per step
Typical = Callable[[Sequence[float]], float]  # what stands for all of them


def quiet(seconds: Sequence[float]) -> float:
    """What nine of ten turns take longer than: the machine when it is quiet.

    What slows it down for a while slows both of a pair, but what is sought too: in a slow phase the
    same callback takes half as long again.
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
        plain: trains without what is sought.
        variant: trains with it.
        pairs: how many turns each has.
        typical: what stands for the turns of one of them.
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
