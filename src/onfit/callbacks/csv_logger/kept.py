"""What a checkpoint keeps of a CSV file, and how the file becomes that again."""

from typing import Any, NamedTuple

from onfit.callbacks.csv_logger.cells import Row, rearranged
from onfit.callbacks.csv_logger.table import Table
from onfit.core.console import say
from onfit.errors import warn

# Longer files are not kept in checkpoints. An epoch's line has about a hundred bytes.
_MOST = 1 << 20


class Kept(NamedTuple):
    """A CSV file as it was when the run was saved.

    Attributes:
        size: its bytes.
        rows: its lines below the header.
        columns: its header.
        content: all its bytes; None if they are too many, or the checkpoint is of an earlier
            version.
        anew: whether the training had begun anew, after the lines of one before.
    """

    size: int
    rows: int
    columns: list[str]
    content: bytes | None
    anew: bool

    @classmethod
    def of(cls, state: dict[str, Any]) -> "Kept":
        """What a state says of the file."""
        own = {name: state[name] for name in ("size", "rows", "columns")}
        return cls(**own, content=state.get("content"), anew=state.get("anew", False))

    def restore(self, table: Table, written_here: bool) -> tuple[list[str], list[Row]]:
        """Give the file the lines that it had, and no later ones. Returns header and rows.

        Args:
            table: the file.
            written_here: whether an earlier training of this process wrote it.
        """
        present = table.load()
        columns, rows = table.rows(present)
        if self.content is None:
            return self._cut_back(table, columns, rows)
        if written_here and self.anew and present:
            self._set_aside(table)
        elif present.startswith(self.content):
            table.cut(self.size)
        elif not self.content.startswith(present) and not self._is_widened(table, columns, rows):
            self._set_aside(table)
        if table.known != self.content:
            table.write(self.content)
        return table.rows(self.content)

    def _is_widened(self, table: Table, columns: list[str], rows: list[Row]) -> bool:
        """Whether the file has these lines, and one more column."""
        before, lines = table.rows(self.content or b"")
        own = [rearranged(row, columns, before) for row in rows[: len(lines)]]
        return own == lines and {*before} <= {*columns}

    def _set_aside(self, table: Table) -> None:
        path = table.path
        say(
            f"CSVLogger: {path!r} has lines of another training, which are now in "
            f"{table.set_aside()!r}. It has those again with which this one was saved."
        )

    def _cut_back(
        self, table: Table, columns: list[str], rows: list[Row]
    ) -> tuple[list[str], list[Row]]:
        """The same where the bytes are not kept: the first lines are taken for those."""
        if len(rows) < self.rows:
            warn(
                f"CSVLogger(filename={table.path!r}) goes on in a file of {len(rows)} lines, "
                f"which had {self.rows} when the run was saved. What is missing stays so."
            )
            return columns, rows
        rows = rows[: self.rows]
        if columns == self.columns or not self.columns:
            table.cut(self.size)
            return self.columns, rows
        # The file has got a column since.
        rows = [rearranged(row, columns, self.columns) for row in rows]
        table.write(table.encoded([self.columns, *rows]))
        return self.columns, rows


def content_to_keep(table: Table) -> bytes | None:
    """The bytes of the file, for a checkpoint; None if they are too many."""
    return table.known if len(table.known) <= _MOST else None
