"""A CSV file with a header, changed by whole lines or replaced as a whole."""

import csv
import io
import itertools
import os
from pathlib import Path
from typing import Any

from onfit.callbacks.csv_logger.cells import Row
from onfit.errors import ArgumentError, FileFormatError
from onfit.storage import durable
from onfit.storage.durable import replacing


class Table:
    """A CSV file, and the bytes that it has as far as this training knows.

    Args:
        path: the file.
        separator: one character between the values.

    Attributes:
        path: the file.
        known: its bytes after the last call that read or wrote it.
    """

    def __init__(self, path: str, separator: str) -> None:
        self.path = path
        self.known = b""
        self._separator = separator

    def load(self) -> bytes:
        """Read the bytes of the file; none if there is no file."""
        try:
            self.known = Path(self.path).read_bytes()
        except FileNotFoundError:
            self.known = b""
        return self.known

    def rows(self, content: bytes) -> tuple[list[str], list[Row]]:
        """The header and the rows in the bytes of such a file; both are empty if it is."""
        # Bytes that are not UTF-8, and line ends within a value, are written back as they were.
        text = content.decode("utf-8-sig", errors="surrogateescape")
        try:
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=self._separator)
            lines = [row for row in reader if row]
        except csv.Error as error:
            raise FileFormatError(
                f"CSVLogger cannot go on in {self.path!r}, which is no CSV file: {error}. "
                "Give another filename, or append=False to replace it."
            ) from error
        return (lines[0], lines[1:]) if lines else ([], [])

    def is_as_known(self) -> bool:
        """Whether the file begins with the known bytes. What another program added to it is known
        from then on.
        """
        known = self.known
        try:
            if os.path.getsize(self.path) == len(known):
                return True
        except FileNotFoundError:
            return not known
        if self.load().startswith(known):
            return True
        self.known = known
        return False

    def sync(self) -> None:
        """Wait until the file is on the disk.

        Raises:
            StorageError: if it may no longer be written, or the disk fails.
        """
        try:
            if os.path.exists(self.path):
                durable.fsync_file(Path(self.path))
        except OSError as error:
            raise durable.not_written(self.path, error) from error

    def cut(self, size: int) -> None:
        """Keep the first `size` bytes."""
        if os.path.exists(self.path) and os.path.getsize(self.path) > size:
            os.truncate(self.path, size)
        self.known = self.known[:size]

    def write(self, content: bytes) -> None:
        """Replace the file by one of these bytes; if that fails, the old file stays."""
        with replacing(self.path) as temporary:
            temporary.write_bytes(content)
        self.known = content

    def append(self, row: Row) -> None:
        """Add a line to an existing file: at once, and as a whole or not at all."""
        line = self.end_of_broken_line() + self.encoded([row])
        durable.append(self.path, line)
        self.known += line

    def set_aside(self) -> str:
        """Rename the file, `log.csv` to `log.1.csv`, or the next free number. Returns the name."""
        path = Path(self.path)
        names = (path.with_name(f"{path.stem}.{n}{path.suffix}") for n in itertools.count(1))
        other = next(name for name in names if not name.exists())
        durable.rename(path, other)
        self.known = b""
        return os.fspath(other)

    def encoded(self, rows: list[list[Any]]) -> bytes:
        """Rows as the bytes of lines."""
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=self._separator).writerows(rows)
        return text.getvalue().encode("utf-8", errors="surrogateescape")

    def end_of_broken_line(self) -> bytes:
        """The bytes that complete the last line, if a killed run left it unfinished; else none."""
        if self.known.endswith(b"\n"):
            return b""
        return b'"' * (self.known.count(b'"') % 2) + b"\r\n"


def checked_separator(separator: str) -> str:
    """A character that can stand between values.

    Raises:
        ArgumentError: for anything else.
    """
    if not isinstance(separator, str) or len(separator) != 1 or separator in '"\r\n':
        raise ArgumentError(
            f"CSVLogger(separator={separator!r}): the separator is one character, neither a "
            "quote nor the end of a line. Pass ',' or ';' or '\\t'."
        )
    return separator
