"""What a training logged, read from where it was recorded."""

import csv
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from onfit.core.meter import as_number
from onfit.errors import ArgumentError, FileFormatError

Unit = Literal["epoch", "step"]


@dataclass(frozen=True)
class Record:
    """What a training logged.

    Attributes:
        unit: whether a row is of an epoch, or of a step with a validation.
        rows: for each row its epoch, counted from 0, or its step, and its numbers by name.
    """

    unit: Unit
    rows: list[tuple[int, dict[str, float]]]

    @property
    def names(self) -> set[str]:
        """All names in the rows."""
        return {name for _, values in self.rows for name in values}


def record_of(recorded: Any) -> Record:
    """Read a record.

    Args:
        recorded: a `History`, onfit's or Keras'; the path of a file of `CSVLogger`, or of a folder
            of `TensorBoard`; a list of dicts, one for each row; or a dict of lists.

    Raises:
        ArgumentError: for anything else, or if nothing is in it.
        FileFormatError: for a file without a column `epoch` or `step`.

    >>> record_of([{"loss": 0.5}, {"loss": 0.25}]).rows
    [(0, {'loss': 0.5}), (1, {'loss': 0.25})]
    """
    if isinstance(recorded, str | os.PathLike):
        record = _of_path(Path(recorded))
    elif hasattr(recorded, "rows"):
        record = _of_rows(recorded.rows())
    elif isinstance(getattr(recorded, "history", None), Mapping):
        record = _of_lists(recorded.history, getattr(recorded, "epoch", None))
    elif isinstance(recorded, Mapping):
        record = _of_lists(recorded, None)
    elif isinstance(recorded, Iterable):
        record = _of_rows(list(recorded))
    else:
        raise ArgumentError(_no_record(recorded))
    if not record.rows:
        raise ArgumentError(f"replay(..., {recorded!r}): there is no row in it. Train first.")
    return record


def _no_record(recorded: Any) -> str:
    return (
        f"replay(..., {recorded!r}): a record is a History, the path of a CSV file or of a folder "
        "of TensorBoard, a list of dicts with one for each epoch, or a dict of lists."
    )


def _of_path(path: Path) -> Record:
    if path.is_dir():
        from onfit.replaying.events import rows_of_events

        return _of_rows(rows_of_events(path))
    if not path.is_file():
        raise ArgumentError(
            f"replay(..., {str(path)!r}): there is no such file or folder. "
            "Give the path of a CSV file that CSVLogger wrote, or of a folder of TensorBoard."
        )
    return _of_rows(_rows_of_csv(path))


def _rows_of_csv(path: Path) -> list[dict[str, Any]]:
    """The rows of a CSV file, whose separator its header shows."""
    text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    header = text.partition("\n")[0]
    separator = max(",;\t|", key=header.count)
    rows = list(csv.DictReader(text.splitlines(), delimiter=separator))
    if rows and not {"epoch", "step"} & rows[0].keys():
        raise FileFormatError(
            f"replay(..., {str(path)!r}): a column 'epoch' or 'step' says what each line is of, "
            f"and the file has {', '.join(map(str, rows[0]))}. CSVLogger writes such files."
        )
    return [dict(row) for row in rows]


def _of_lists(lists: Mapping[str, Any], epochs: list[int] | None) -> Record:
    lengths = {name: len(values) for name, values in lists.items()}
    if len(set(lengths.values())) > 1:
        raise ArgumentError(
            f"replay(..., {lengths}): the lists are of different lengths, so nothing says which "
            "epochs the values of the shorter ones belong to. Pass a History or a list of dicts."
        )
    places = epochs or range(max(lengths.values(), default=0))
    return _of_rows(
        [
            {"epoch": epoch, **{name: values[row] for name, values in lists.items()}}
            for row, epoch in enumerate(places)
        ]
    )


def _of_rows(rows: list[Any]) -> Record:
    if not all(isinstance(row, Mapping) for row in rows):
        raise ArgumentError(_no_record(rows))
    unit: Unit = "step" if rows and "step" in rows[0] and "epoch" not in rows[0] else "epoch"
    return Record(
        unit,
        [
            (int(row.get(unit, number)), _numbers(row, leave_out=unit))
            for number, row in enumerate(rows)
        ],
    )


def _numbers(row: Mapping[str, Any], leave_out: str) -> dict[str, float]:
    """Those of the values that are numbers. What an epoch did not log is `NA` in a CSV file."""
    found = {name: _number(value) for name, value in row.items() if name != leave_out}
    return {name: number for name, number in found.items() if number is not None}


def _number(value: Any) -> float | None:
    try:
        return float(as_number(value))
    except (TypeError, ValueError):
        return None
