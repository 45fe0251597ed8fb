"""What a training logged, read from where it was recorded."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from onfit.core.meter import as_number
from onfit.errors import ArgumentError, warn
from onfit.replaying.files import rows_of_csv, rows_of_json

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
        recorded: a `History`, onfit's or Keras'; the path of a file of `CSVLogger`, of a JSON file,
            or of a folder of `TensorBoard`; a table of pandas; a list of dicts, one for each row;
            or a dict of lists. Of several trainings in one record the last counts.

    Raises:
        ArgumentError: for anything else, or if nothing is in it.
        FileFormatError: for a file that is no such record.

    >>> record_of([{"loss": 0.5}, {"loss": 0.25}]).rows
    [(0, {'loss': 0.5}), (1, {'loss': 0.25})]
    """
    if isinstance(recorded, str | os.PathLike):
        record = _of_path(Path(recorded))
    elif hasattr(recorded, "rows"):
        record = _of_rows(recorded.rows())
    elif isinstance(getattr(recorded, "history", None), Mapping):
        record = _of_lists(recorded.history, getattr(recorded, "epoch", None))
    elif hasattr(recorded, "to_dict") and hasattr(recorded, "index"):  # a table of pandas
        named = recorded.reset_index() if recorded.index.name else recorded
        record = _of_rows(named.to_dict("records"))
    elif isinstance(recorded, Mapping):
        record = _of_lists(recorded, None)
    elif isinstance(recorded, Iterable):
        record = _of_rows(list(recorded))
    else:
        raise ArgumentError(_no_record(recorded))
    if not record.rows:
        raise ArgumentError(f"replay(..., {recorded!r}): there is no row in it. Train first.")
    return _last_training(record)


def _last_training(record: Record) -> Record:
    """The rows of the last training: where epochs, or steps, begin again, another one began."""
    places = [place for place, _ in record.rows]
    begins = [row for row in range(1, len(places)) if places[row] <= places[row - 1]]
    if not begins:
        return record
    warn(
        f"The record has {len(begins) + 1} trainings: its {record.unit}s begin again. "
        f"The last is replayed, from row {begins[-1] + 1} of {len(places)} on."
    )
    return Record(record.unit, record.rows[begins[-1] :])


def _no_record(recorded: Any) -> str:
    return (
        f"replay(..., {recorded!r}): a record is a History, the path of a CSV or JSON file or of a "
        "folder of TensorBoard, a list of dicts with one for each epoch, or a dict of lists."
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
    if path.suffix == ".json":
        return record_of(rows_of_json(path))
    return _of_rows(rows_of_csv(path))


def _of_lists(lists: Mapping[str, Any], epochs: list[int] | None) -> Record:
    if not all(hasattr(values, "__len__") for values in lists.values()):
        raise ArgumentError(_no_record(dict(lists)))
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
    merged: list[tuple[int, dict[str, float]]] = []
    for number, row in enumerate(rows):
        place, values = _place(row.get(unit, number), unit, number), _numbers(row)
        if merged and merged[-1][0] == place and not merged[-1][1].keys() & values.keys():
            merged[-1][1].update(values)  # other loggers write a line for each part of an epoch
        else:
            merged.append((place, values))
    return Record(unit, merged)


def _place(value: Any, unit: Unit, number: int) -> int:
    place = _number(value)
    if place is None or not place.is_integer():
        raise ArgumentError(
            f"replay(...): in row {number + 1} the {unit} is {value!r}, which is no whole number."
        )
    return int(place)


def _numbers(row: Mapping[str, Any]) -> dict[str, float]:
    """Those of the values that are numbers. What an epoch did not log is `NA` in a CSV file."""
    found = {name: _number(value) for name, value in row.items() if name not in ("epoch", "step")}
    return {name: number for name, number in found.items() if number is not None}


def _number(value: Any) -> float | None:
    try:
        return float(as_number(value))
    except (TypeError, ValueError):
        return None
