"""A history as a table of pandas."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from onfit.core.judging.decisions import Decision
from onfit.errors import MissingPackageError

if TYPE_CHECKING:
    from pandas import DataFrame


def frame_of(
    rows: Sequence[Mapping[str, Any]],
    place: str,
    steps: Sequence[int | None],
    decided: Mapping[str, Sequence[Decision]],
) -> "DataFrame":
    """A row for each epoch, or step: what was logged, and what each callback decided there.

    Args:
        rows: what was logged; each has its epoch or step under the name `place`.
        place: `"epoch"` or `"step"`, which becomes the index.
        steps: how many steps were done at the end of each row; None where that is not known.
        decided: the decisions of each callback, by its name.

    Raises:
        MissingPackageError: if pandas is not installed.
    """
    try:
        from pandas import DataFrame, Index
    except ImportError as error:
        raise MissingPackageError(
            "History.to_frame() makes a table of pandas, which is not installed. Install it with: "
            "pip install pandas. History.rows() has the same numbers in dicts.",
            name="pandas",
        ) from error
    places = [row[place] for row in rows]
    names = dict.fromkeys(name for row in rows for name in row if name != place)
    columns: dict[str, list[Any]] = {name: [row.get(name) for row in rows] for name in names}
    for name, decisions in decided.items():
        columns[name] = _by_row(decisions, places, steps)
    return DataFrame(columns, index=Index(places, name=place))


def _by_row(
    decisions: Sequence[Decision], places: Sequence[int], steps: Sequence[int | None]
) -> list[str | None]:
    """The reasons of the decisions that belong to each row; None for a row without one."""
    found: list[list[str]] = [[] for _ in places]
    for decision in decisions:
        row = _row_of(decision, places, steps)
        if row is not None:
            found[row].append(decision.why)
    return ["; ".join(whys) or None for whys in found]


def _row_of(decision: Decision, places: Sequence[int], steps: Sequence[int | None]) -> int | None:
    """The row of a decision: that of its epoch, or the first that ends after its step. None if it
    came after the last row.
    """
    if decision.epoch is not None:
        return places.index(decision.epoch) if decision.epoch in places else None
    step = decision.step or 0
    return next((row for row, done in enumerate(steps) if done is None or done >= step), None)
