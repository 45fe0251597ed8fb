"""What each of several processes has measured, brought together."""

from collections.abc import Sequence
from typing import Any, NamedTuple


class Sums(NamedTuple):
    """What one process has added up.

    Attributes:
        sums: of the values of its batches, each times its samples; None if it had no batch.
        samples: how many samples it had.
        states: the states of the metrics that keep one, by name.
    """

    sums: list[float] | None
    samples: int
    states: dict[str, Any]


def means_over(each: Sequence[Sums]) -> list[float]:
    """The means over the samples of all processes; empty if there were none.

    >>> means_over([Sums([6.0], 3, {}), Sums(None, 0, {}), Sums([2.0], 1, {})])
    [2.0]
    """
    counted = [(one.sums, one.samples) for one in each if one.sums is not None]
    samples = sum(count for _, count in counted)
    return [sum(column) / samples for column in zip(*(sums for sums, _ in counted), strict=True)]


def merged(states: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One state of `Totals` for those of several processes; of stateful metrics the main one's."""
    sums = [state["sums"] for state in states if state["sums"] is not None]
    return {
        **states[0],
        "sums": sum(sums[1:], sums[0]) if sums else None,
        "count": sum(state["count"] for state in states),
        "values": [value for state in states for value in state["values"]],
        "sizes": [size for state in states for size in state["sizes"]],
    }
