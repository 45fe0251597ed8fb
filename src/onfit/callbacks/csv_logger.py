"""CSVLogger: a CSV file with a line for every epoch."""

import csv
import io
import itertools
import os
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Never

from onfit._types import StrPath
from onfit.core.callback import Callback, Logs
from onfit.core.console import say
from onfit.core.meter import as_number
from onfit.core.representation import refuse_unknown
from onfit.errors import ArgumentError, FileFormatError, OnfitWarning
from onfit.storage import durable
from onfit.storage.durable import replacing, require_writable

_MISSING = "NA"
_Row = list[str]


class CSVLogger(Callback):
    """Writes every epoch's logs into a CSV file, a line each, as soon as the epoch is over.

    The columns are `epoch` (counted from 0) and the logged names in alphabetical order. A name
    that an epoch did not log is `NA` in its line. A name that is first logged in a later epoch
    gets a column too: the file is replaced, in one step, by a file whose earlier lines have `NA`
    in that column.

    Args:
        filename: the file. Missing folders are made.
        separator: one character between the values.
        append: continue an existing file, with its columns, instead of replacing it at the end
            of the first epoch.

    A second training with the same callback goes on in the file, with `append=False` too, if its
    first epoch comes after the last line (`initial_epoch`). If it begins anew, the file of the
    first is renamed, `training.csv` to `training.1.csv`, and a line says so.

    Values are written as their text, a list or an array of one dimension as `"[1.0, 2.5]"`.

    Raises:
        ArgumentError: for a separator that is not one character, or that is a quote or ends a
            line.
        StorageError: before training, if the file cannot be written.
        FileFormatError: with `append=True`, if the file has other columns than this run: before
            training if `params["metrics"]` shows it, else at the end of the first epoch. The
            file stays as it is. (Columns for validation values may be missing in a file whose
            run ended before its first validation.)

    Example:
        >>> logger = CSVLogger("run/training.csv", append=True)
    """

    def __init__(
        self, filename: StrPath, separator: str = ",", append: bool = False, **unknown: Never
    ) -> None:
        refuse_unknown(CSVLogger.__init__, unknown)
        self.filename = os.fspath(filename)
        self.separator = _checked_separator(separator)
        self.append = append
        self._table = _Table(self.filename, self.separator)
        self._columns: list[str] = []  # of the file, once this run has read it
        self._rows = 0  # lines in the file below its header
        self._last: int | None = None  # the epoch of the last line that this callback wrote
        self._started = False  # whether this run, or the one it resumes, wrote a line
        self._found: list[str] = []  # the columns the file had before training
        self._kept: dict[str, Any] | None = None  # the state to resume from

    def on_train_begin(self, logs: Logs | None = None) -> None:
        require_writable(self.filename, f"CSVLogger(filename={self.filename!r})")
        self._columns, self._started, self._kept = [], False, None
        known = self.append or self._last is not None
        self._found, rows = self._table.read() if known else ([], [])
        if self.append:
            self._check_columns(self._found, self.params.get("metrics") or ())
        self._rows = len(rows)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        values = {**{name: _cell(value) for name, value in (logs or {}).items()}, "epoch": epoch}
        if not self._columns:
            self._take_up(epoch, values)
        if self._table.exists() and values.keys() <= set(self._columns):
            self._table.append(_row(values, self._columns))
        else:
            self._widen(values)
        self._started, self._last = True, epoch
        self._rows += 1

    def state_dict(self) -> dict[str, Any]:
        """How much is in the file, once all of it is on the disk."""
        if self._kept is not None:  # nothing was written since the run was resumed
            return self._kept
        if self._started:
            self._table.sync()
        return {
            "size": self._table.size(),
            "rows": self._rows,
            "columns": self._columns or self._found,
            "started": self._started,
            "last": self._last,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on in the file as it was when `state` was taken.

        The lines that were written after that belong to epochs that will run again. They are
        removed at the first write.
        """
        self._rows, self._started, self._kept = state["rows"], state["started"], state
        self._last = state.get("last")  # earlier checkpoints do not have it

    def _take_up(self, epoch: int, values: Mapping[str, Any]) -> None:
        """At the first write: find out which part of the file stays."""
        kept, self._kept = self._kept, None
        columns: list[str] = []
        rows: list[_Row] = []
        if self.append or self._started or (self._last is not None and epoch > self._last):
            columns, rows = self._table.read()
            if kept is not None:
                columns, rows = self._cut_back(columns, rows, kept)
        elif self._last is not None and self._table.size() >= (kept or {"size": 1})["size"]:
            self._set_aside()
        if self.append and not self._started:
            self._check_columns(columns, values)
        self._columns, self._rows = columns, len(rows)

    def _set_aside(self) -> None:
        """Rename the file, which has the lines of an earlier training with this callback."""
        path = Path(self.filename)
        names = (path.with_name(f"{path.stem}.{n}{path.suffix}") for n in itertools.count(1))
        other = next(name for name in names if not name.exists())
        durable.rename(path, other)
        say(
            f"CSVLogger: this training begins anew in {self.filename!r}; the lines of the one "
            f"before are in {os.fspath(other)!r}."
        )

    def _cut_back(
        self, columns: list[str], rows: list[_Row], kept: Mapping[str, Any]
    ) -> tuple[list[str], list[_Row]]:
        """Remove from the file the lines that a killed run wrote after its last save."""
        before, count = kept["columns"], kept["rows"]
        if len(rows) < count:
            warnings.warn(
                f"CSVLogger(filename={self.filename!r}) goes on in a file of {len(rows)} lines, "
                f"which had {count} when the run was saved. What is missing stays so.",
                OnfitWarning,
                stacklevel=2,
            )
            return columns, rows
        if columns == before or not before:
            self._table.cut(kept["size"])
            return before, rows[:count]
        # The file has got a column since.
        rows = [_rearranged(row, columns, before) for row in rows[:count]]
        self._table.write(before, rows)
        return before, rows

    def _widen(self, values: Mapping[str, Any]) -> None:
        """Write the file anew, with a column for each of `values` and a last line of `values`."""
        old, rows = self._table.read() if self._columns else ([], [])
        columns = _joined(old or self._columns, values)
        rows = [_rearranged(row, old, columns) for row in rows]
        self._table.write(columns, [*rows, _row(values, columns)])
        self._columns = columns

    def _check_columns(self, columns: list[str], names: Iterable[str]) -> None:
        wanted = _joined([], names)
        if columns and any(_is_foreign(name, columns) for name in wanted):
            raise FileFormatError(
                f"CSVLogger(append=True) goes on in {self.filename!r}, which has the columns "
                f"{columns}; this run has {wanted}. Give another filename, or the "
                "separator the file was written with, or append=False to replace it."
            )


class _Table:
    """A CSV file with a header, changed by whole lines or replaced as a whole."""

    def __init__(self, path: str, separator: str) -> None:
        self._path = path
        self._separator = separator

    def exists(self) -> bool:
        """Whether the file exists and is not empty."""
        return os.path.exists(self._path) and os.path.getsize(self._path) > 0

    def read(self) -> tuple[list[str], list[_Row]]:
        """The header and the rows; both are empty if there is no file, or an empty one."""
        if not self.exists():
            return [], []
        # Bytes that are not UTF-8, and line ends within a value, are written back as they were.
        with open(self._path, encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            try:
                lines = [row for row in csv.reader(file, delimiter=self._separator) if row]
            except csv.Error as error:
                raise FileFormatError(
                    f"CSVLogger cannot go on in {self._path!r}, which is no CSV file: {error}. "
                    "Give another filename, or append=False to replace it."
                ) from error
        return (lines[0], lines[1:]) if lines else ([], [])

    def size(self) -> int:
        """How many bytes the file has; 0 if there is no file."""
        return os.path.getsize(self._path) if os.path.exists(self._path) else 0

    def sync(self) -> None:
        """Wait until the file is on the disk."""
        if self.exists():
            durable.fsync_file(Path(self._path))

    def cut(self, size: int) -> None:
        """Keep the first `size` bytes."""
        if self.size() > size:
            os.truncate(self._path, size)

    def write(self, header: list[str], rows: list[_Row]) -> None:
        """Replace the file by one of `header` and `rows`; if that fails, the old file stays."""
        with replacing(self._path) as temporary:
            temporary.write_bytes(self._encoded([header, *rows]))

    def append(self, row: _Row) -> None:
        """Add a line to an existing file: at once, and as a whole or not at all."""
        with open(self._path, "rb") as file:
            end = _end_of_broken_line(file)
        durable.append(self._path, end + self._encoded([row]))

    def _encoded(self, rows: list[list[Any]]) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=self._separator).writerows(rows)
        return text.getvalue().encode("utf-8", errors="surrogateescape")


def _end_of_broken_line(file: BinaryIO) -> bytes:
    """The bytes that complete the last line, if a killed run left it unfinished; else none."""
    file.seek(-1, os.SEEK_END)
    if file.read() == b"\n":
        return b""
    file.seek(0)
    return b'"' * (file.read().count(b'"') % 2) + b"\r\n"


def _checked_separator(separator: str) -> str:
    if not isinstance(separator, str) or len(separator) != 1 or separator in '"\r\n':
        raise ArgumentError(
            f"CSVLogger(separator={separator!r}): the separator is one character, neither a "
            "quote nor the end of a line. Pass ',' or ';' or '\\t'."
        )
    return separator


def _is_foreign(name: str, columns: list[str]) -> bool:
    """Whether `name` is missing in `columns`, and also the same name without `val_`.

    A missing name of a validation value alone is no error: a run that ended before its first
    validation left it out.
    """
    return name not in columns and name.removeprefix("val_") not in columns


def _joined(columns: list[str], names: Iterable[str]) -> list[str]:
    """`columns`, and those of `names` that are missing in them; sorted if `columns` are sorted."""
    if columns[1:] == sorted(columns[1:]) and columns[:1] in ([], ["epoch"]):
        return ["epoch", *sorted({*columns, *names} - {"epoch"})]
    return [*columns, *sorted({*names} - {*columns})]


def _rearranged(row: _Row, old: list[str], new: list[str]) -> _Row:
    values = dict(zip(old, row, strict=False))
    too_many = row[len(old) :]  # a line may have more values than the header: keep them at its end
    return [*_row(values, new), *too_many]


def _row(values: Mapping[str, Any], columns: list[str]) -> list[Any]:
    return [values.get(name, _MISSING) for name in columns]


def _cell(value: Any) -> Any:
    """The text of an iterable; a single value as it is, because the csv module writes it."""
    if isinstance(value, str) or not isinstance(value, Iterable) or _is_scalar(value):
        return _plain(value)
    return f'"[{", ".join(str(_plain(item)) for item in value)}]"'


def _is_scalar(value: Any) -> bool:
    return getattr(value, "ndim", None) == 0


def _plain(value: Any) -> Any:
    """A number for a tensor; numpy's scalars stay, because their text is shorter."""
    return as_number(value) if hasattr(value, "detach") else value
