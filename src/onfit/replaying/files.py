"""Files that hold what a training logged."""

import csv
import json
import re
from pathlib import Path
from typing import Any

from onfit.errors import FileFormatError, warn

# A number as many spreadsheets write it.
_WITH_A_COMMA = re.compile(r"[-+]?\d+,\d+([eE][-+]?\d+)?")
_MISSING = {"", "na", "none", "null"}


def rows_of_json(path: Path) -> Any:
    """What a JSON file holds: a dict of lists, or a list of dicts.

    Raises:
        FileFormatError: if it holds anything else.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        raise FileFormatError(f"replay(..., {str(path)!r}): it is no JSON ({error}).") from error
    if isinstance(found, dict | list):
        return found
    raise FileFormatError(
        f"replay(..., {str(path)!r}): it holds {found!r}. A record is a dict of lists, such as "
        "history.history, or a list of dicts with one for each epoch."
    )


def rows_of_csv(path: Path) -> list[dict[str, Any]]:
    """The rows of a CSV file, whose separator its header shows.

    Raises:
        FileFormatError: if it has no column `epoch` or `step`, a name twice, or a line with more
            values than names.
    """
    asked = f"replay(..., {str(path)!r})"
    text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    separator = max(",;\t|", key=text.partition("\n")[0].count)
    lines = csv.reader(text.splitlines(), delimiter=separator, skipinitialspace=True)
    names = [name.strip() for name in next(lines, [])]
    rows = []
    for line in lines:
        cells = [_point(cell.strip(), separator) for cell in line]
        if len(cells) > len(names):
            raise FileFormatError(
                f"{asked}: line {lines.line_num} has {len(cells)} values, and there are "
                f"{len(names)} names. Give a file with a column for each."
            )
        if cells and cells != names:  # two files, one behind the other, have the names twice
            rows.append((lines.line_num, dict(zip(names, cells, strict=False))))
    if rows:
        _check(asked, names, rows)
    return [row for _, row in rows]


def _point(cell: str, separator: str) -> str:
    comma = separator != "," and _WITH_A_COMMA.fullmatch(cell)
    return cell.replace(",", ".") if comma else cell


def _check(asked: str, names: list[str], rows: list[tuple[int, dict[str, Any]]]) -> None:
    if not {"epoch", "step"} & {*names}:
        raise FileFormatError(
            f"{asked}: a column 'epoch' or 'step' says what each line is of, and the file has "
            f"{', '.join(names)}. CSVLogger writes such files."
        )
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise FileFormatError(f"{asked}: two columns are called {twice[0]!r}. Rename one of them.")
    for name in names:
        texts = [(number, row[name]) for number, row in rows if _is_text(row.get(name, ""))]
        if 0 < len(texts) < len(rows):
            warn(
                f"{asked}: {name} has numbers, and {texts[0][1]!r} in line {texts[0][0]}. "
                "Where it is no number it counts as not logged."
            )


def _is_text(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return cell.lower() not in _MISSING
    return False
