"""CSVLogger: a CSV file with a line for every epoch."""

import os
from collections.abc import Iterable, Mapping
from typing import Any

from onfit._types import StrPath
from onfit.callbacks.csv_logger.alone import require_alone
from onfit.callbacks.csv_logger.cells import Row, cell, is_foreign, joined, rearranged, row_of
from onfit.callbacks.csv_logger.kept import Kept, content_to_keep
from onfit.callbacks.csv_logger.table import Table, checked_separator
from onfit.core.callback import Callback, Logs
from onfit.core.console import say
from onfit.core.judging.deciding import in_steps
from onfit.core.representation import checked_arguments
from onfit.errors import FileFormatError, warn
from onfit.storage.durable import absolute, require_writable


class CSVLogger(Callback):
    """Writes every epoch's logs into a CSV file, a line each, as soon as the epoch is over.

    The columns are `epoch` (counted from 0) and the logged names in alphabetical order. A name
    that an epoch did not log is `NA` in its line. A name that is first logged in a later epoch
    gets a column too: the file is replaced, in one step, by a file whose earlier lines have `NA`
    in that column. A run of steps has a line for each validation, and a column `step` instead.

    Args:
        filename: the file. Missing folders are made.
        separator: one character between the values.
        append: continue an existing file, with its columns, instead of replacing it at the end
            of the first epoch.

    A second training with the same callback goes on in the file, with `append=False` too, if its
    first epoch comes after the last line (`initial_epoch`). If it begins anew, the file of the
    first is renamed, `training.csv` to `training.1.csv`, and a line says so.

    Values are written as their text, a list or an array of one dimension as `"[1.0, 2.5]"`. A
    relative `filename` means the same file for the whole training, wherever the program goes. If
    another program empties, moves or replaces the file meanwhile, it is written whole again.

    Raises:
        ArgumentError: for a separator that is not one character, or that is a quote or ends a
            line; before training, if another callback of the training writes the same file.
        StorageError: before training, if the file cannot be written.
        FileFormatError: with `append=True`, if the file lacks a column of this run: before
            training if `params["metrics"]` shows it, else at the end of the first epoch. The
            file stays as it is. (Columns for validation values may be missing in a file whose
            run ended before its first validation.)

    Example:
        >>> logger = CSVLogger("run/training.csv", append=True)
    """

    main_process_only = True
    whole_epochs = True

    @checked_arguments
    def __init__(self, filename: StrPath, separator: str = ",", append: bool = False) -> None:
        self.filename = os.fspath(filename)
        self.separator = checked_separator(separator)
        self.append = append
        self._table = Table(self.filename, self.separator)
        self._columns: list[str] = []  # of the file, once this run has read it
        self._rows = 0  # lines in the file below its header
        self._last: int | None = None  # the epoch, or step, of the last line
        self._started = False  # whether this run, or the one it resumes, wrote a line
        self._anew = False  # whether it began anew, after lines of the one before
        self._found: list[str] = []  # the columns the file had before training
        self._kept: dict[str, Any] | None = None  # the state to resume from
        self._written_here = False  # whether an earlier training of this process wrote the file
        self._told: set[str] = set()

    def on_train_begin(self, logs: Logs | Any = None) -> None:
        require_alone(self)
        require_writable(self.filename, f"CSVLogger(filename={self.filename!r})")
        self._table.path = absolute(self.filename)
        self._columns, self._started, self._anew, self._kept = [], False, False, None
        self._written_here, self._told = self._last is not None, set()
        known = self.append or self._written_here
        self._found, rows = self._table.rows(self._table.load() if known else b"")
        if self.append:
            self._check_columns(self._found, self.params.get("metrics") or ())
        self._rows = len(rows)

    def on_epoch_end(self, epoch: int, logs: Logs | Any = None) -> None:
        self._add("epoch", epoch, logs)

    def on_validation_end(self, step: int, logs: Logs | Any = None) -> None:
        if in_steps(self):
            self._add("step", step, logs)

    def _add(self, place: str, index: int, logs: Logs | None) -> None:
        """Add a line for an epoch, or, in a run of steps, for a step."""
        values = {str(name): self._cell(name, value) for name, value in (logs or {}).items()}
        values[place] = index
        if not self._columns:
            self._take_up(index, values)
        elif not self._table.is_as_known():
            self._write_again()
        if self._table.known and values.keys() <= set(self._columns):
            self._table.append(row_of(values, self._columns))
        else:
            self._widen(values)
        self._started, self._last = True, index
        self._rows += 1

    def on_train_end(self, logs: Logs | Any = None) -> None:
        if self._started:  # checkpoints, which have the lines too, may go now
            self._table.sync()

    def state_dict(self) -> dict[str, Any]:
        """How much is in the file, and what it is. If it is long, only how much, once all of it is
        on the disk.
        """
        if self._kept is not None:  # nothing was written since the run was resumed
            return self._kept
        content = content_to_keep(self._table)
        if self._started and content is None:
            self._table.sync()
        return {
            "size": len(self._table.known),
            "rows": self._rows,
            "columns": self._columns or self._found,
            "content": content,
            "started": self._started,
            "anew": self._anew,
            "last": self._last,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on in the file as it was when `state` was taken.

        The lines that were written after that belong to epochs that will run again. They are
        removed at the first write.
        """
        self._rows, self._started, self._kept = state["rows"], state["started"], state
        self._anew = state.get("anew", False)  # earlier checkpoints have neither
        self._last = state.get("last")

    def _take_up(self, index: int, values: Mapping[str, Any]) -> None:
        """At the first write: find out which part of the file stays."""
        state, self._kept = self._kept, None
        kept = None if state is None else Kept.of(state)
        self._columns, rows = [], list[Row]()
        if self._last is None:  # a loop may not call `on_train_begin`
            self._table.path = absolute(self._table.path)
        if self.append or self._started or (self._last is not None and index > self._last):
            if kept is None:
                self._columns, rows = self._table.rows(self._table.load())
            else:
                self._columns, rows = kept.restore(self._table, self._written_here)
        elif self._last is not None:
            self._begin_anew(kept)
        else:
            self._table.known = b""
        if self.append and not self._started:
            self._check_columns(self._columns, values)
        self._rows = len(rows)

    def _begin_anew(self, kept: Kept | None) -> None:
        """Keep the lines of an earlier training with this callback in a file of their own."""
        self._anew = True
        size = len(self._table.load())
        least = 1 if kept is None or self._written_here else max(kept.size, 1)
        self._table.known = b""
        if size < least:  # a killed run has renamed the file before
            return
        say(
            f"CSVLogger: this training begins anew in {self.filename!r}; the lines of the one "
            f"before are in {self._table.set_aside()!r}."
        )

    def _write_again(self) -> None:
        """Another program emptied, moved or replaced the file: write it whole again."""
        known = self._table.known
        aside = ""
        if not known.startswith(self._table.load()):
            aside = f" What was there is in {self._table.set_aside()!r}."
        self._warn(
            "file",
            f"CSVLogger(filename={self.filename!r}): another program moved or changed the file. It "
            f"is written whole again.{aside}",
        )
        self._table.write(known)

    def _widen(self, values: Mapping[str, Any]) -> None:
        """Write the file anew, with a column for each of `values` and a last line of `values`."""
        old, rows = self._table.rows(self._table.known) if self._columns else ([], [])
        columns = joined(old or self._columns, values, self._place)
        rows = [rearranged(row, old, columns) for row in rows]
        self._table.write(self._table.encoded([columns, *rows, row_of(values, columns)]))
        self._columns = columns

    def _check_columns(self, columns: list[str], names: Iterable[str]) -> None:
        wanted = joined([], names, self._place)
        if columns and any(is_foreign(name, columns) for name in wanted):
            raise FileFormatError(
                f"CSVLogger(append=True) goes on in {self.filename!r}, which has the columns "
                f"{columns}; this run has {wanted}. Give another filename, or the "
                "separator the file was written with, or append=False to replace it."
            )

    @property
    def _place(self) -> str:
        return "step" if in_steps(self) else "epoch"

    def _cell(self, name: Any, value: Any) -> Any:
        try:
            return cell(value)
        except Exception as error:  # a user logs anything, and one value ends no training
            kind = type(value).__name__
            self._warn(
                f"value {name}",
                f"CSVLogger writes what is logged as {str(name)!r} as <{kind}>, since its text "
                f"cannot be had: {type(error).__name__}: {error}",
            )
            return f"<{kind}>"

    def _warn(self, about: str, text: str) -> None:
        if about not in self._told:
            self._told.add(about)
            warn(text)
