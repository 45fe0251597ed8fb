"""Ratios of raw figures. Two figures are compared only within a round."""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.contenders import BASELINE

TOLERANCE = 1e-3

Figures = dict[str, Any]


@dataclass(frozen=True)
class Spread:
    """The median over the rounds, with the lowest and the highest value."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: list[float]) -> "Spread | None":
        return cls(median(values), min(values), max(values)) if values else None


class Results:
    """What a run has measured.

    Args:
        raw: the content of a file in `bench/results`.
    """

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw = raw
        self.rounds: list[dict[str, dict[str, Figures]]] = [one["figures"] for one in raw["rounds"]]

    def groups(self) -> list[str]:
        return sorted({group for one in self.rounds for group in one})

    def names(self, group: str) -> list[str]:
        """The names that were measured in a group, including failures."""
        return sorted({name for one in self.rounds for name in one.get(group, {})})

    def value(self, group: str, name: str, key: str = "seconds") -> Spread | None:
        return self.each(lambda one: one[group][name][key])

    def ratio(
        self, group: str, name: str, to: str = BASELINE, key: str = "seconds"
    ) -> Spread | None:
        """How many times as long `name` takes as `to`: round by round, then the median."""
        return self.each(lambda one: one[group][name][key] / one[group][to][key])

    def to_plain(self, group: str, name: str) -> Spread | None:
        """The ratio to the plain case that the same process measured."""
        return self.each(lambda one: one[group][name]["seconds"] / one[group][name]["plain"])

    def to_tuned(self, group: str, name: str) -> Spread | None:
        """The ratio to the tuned loop, to one in the same process if it ran there too."""
        return self.each(lambda one: _to_tuned(one[group], name))

    def beside(self, group: str, name: str, other: str) -> Spread | None:
        """How many times as long `name` takes as `other`, each as a ratio to the tuned loop."""
        return self.each(lambda one: _to_tuned(one[group], name) / _to_tuned(one[group], other))

    def each(self, figure: Callable[[dict[str, dict[str, Figures]]], float]) -> Spread | None:
        """The spread of a figure over the rounds that have it; None if no round has it."""
        values = []
        for one in self.rounds:
            try:
                values.append(figure(one))
            except KeyError:
                continue
        return Spread.of(values)

    def error(self, group: str, name: str) -> str | None:
        """The error of a case that failed in any round; None if it never failed."""
        figures = (one.get(group, {}).get(name, {}) for one in self.rounds)
        return next((found["error"] for found in figures if "error" in found), None)

    def losses_agree(self, workload: str, name: str) -> bool | None:
        """Whether the losses equal the baseline's in every round; None if no round has both."""
        answers = [
            close(one[workload][name]["losses"], one[workload][BASELINE]["losses"])
            for one in self.rounds
            if "losses" in one.get(workload, {}).get(name, {})
            and "losses" in one[workload].get(BASELINE, {})
        ]
        return all(answers) if answers else None


def _to_tuned(figures: dict[str, Figures], name: str) -> float:
    own = figures[name]
    tuned: float = own["plain"] if "plain" in own else figures[BASELINE]["seconds"]
    return own["seconds"] / tuned


def close(losses: list[float], expected: list[float], tolerance: float = TOLERANCE) -> bool:
    """Whether two trainings did the same maths: their losses differ by at most `tolerance`."""
    return len(losses) == len(expected) and all(
        abs(loss - right) <= tolerance * abs(right)
        for loss, right in zip(losses, expected, strict=True)
    )
