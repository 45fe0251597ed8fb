"""Logged values as the columns and the cells of a CSV file."""

from collections.abc import Iterable, Mapping
from typing import Any

from onfit.core.meter import as_number

MISSING = "NA"
Row = list[str]


def joined(columns: list[str], names: Iterable[str], first: str = "epoch") -> list[str]:
    """`columns`, and those of `names` that are missing in them; sorted if `columns` are sorted.
    A new table has `first` as its first column.
    """
    if columns[1:] == sorted(columns[1:]) and columns[:1] in ([], [first]):
        return [first, *sorted({*columns, *names} - {first})]
    return [*columns, *sorted({*names} - {*columns})]


def is_foreign(name: str, columns: list[str]) -> bool:
    """Whether `name` is missing in `columns`, and also the same name without `val_`.

    A missing name of a validation value alone is no error: a run that ended before its first
    validation left it out.
    """
    return name not in columns and name.removeprefix("val_") not in columns


def row_of(values: Mapping[str, Any], columns: list[str]) -> list[Any]:
    """The values in the order of the columns."""
    return [values.get(name, MISSING) for name in columns]


def rearranged(row: Row, old: list[str], new: list[str]) -> Row:
    """A row of the columns `old` as a row of the columns `new`."""
    values = dict(zip(old, row, strict=False))
    too_many = row[len(old) :]  # a line may have more values than the header: keep them at its end
    return [*row_of(values, new), *too_many]


def cell(value: Any) -> Any:
    """The text of an iterable; a single value as it is, because the csv module writes it.

    Raises:
        Exception: whatever the value raises when it is asked for its text.
    """
    if isinstance(value, str) or not isinstance(value, Iterable) or _is_scalar(value):
        single = _plain(value)
        str(single)
        return single
    return f'"[{", ".join(str(_plain(item)) for item in value)}]"'


def _is_scalar(value: Any) -> bool:
    return getattr(value, "ndim", None) == 0


def _plain(value: Any) -> Any:
    """A number for a tensor; numpy's scalars stay, because their text is shorter."""
    return as_number(value) if hasattr(value, "detach") else value
