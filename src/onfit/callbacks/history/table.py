"""A history as a line of text, and as a small table for notebooks."""

import numbers
from collections.abc import Mapping
from contextlib import suppress
from html import escape
from reprlib import Repr
from typing import Any

from onfit.core.meter import as_number
from onfit.core.packages.plain import text_of

_ROWS = 5  # the last epochs, which tell how training ended
_COLUMNS = 12
_SHORT = Repr()
_SHORT.maxother = _SHORT.maxstring = 20

# name -> epoch -> value
Values = Mapping[str, Mapping[int, Any]]


def line(kind: str, epochs: list[int], values: Values, *, unit: str = "epoch") -> str:
    """How many epochs, or rows of a run of steps, there were, and what the last one logged.

    >>> line("History", [0, 1], {"loss": {0: 0.5, 1: 0.25}, "val_loss": {0: 0.75}})
    'History(2 epochs, loss=0.25)'
    """
    if not epochs:
        return f"{kind}()"
    last = [f"{name}={_cell(of[epochs[-1]])}" for name, of in values.items() if epochs[-1] in of]
    count = f"{len(epochs)} {unit}{'' if len(epochs) == 1 else 's'}"
    return f"{kind}({', '.join([count, *last])})"


def html(kind: str, epochs: list[int], values: Values, *, unit: str = "epoch") -> str:
    """A table of the last epochs, counted from 1 as the progress bar counts them; or of the last
    rows of a run of steps, each with the number of steps that were done.
    """
    if not epochs:
        return f"<p>{escape(line(kind, epochs, values))}</p>"
    names = list(values)[:_COLUMNS]
    left_out = f", {len(values) - _COLUMNS} more columns" if len(values) > _COLUMNS else ""
    shown = epochs[-_ROWS:]
    of_all = f"the last {len(shown)} of {len(epochs)}" if epochs != shown else "all"
    head = _row("th", ["step" if unit == "row" else unit, *names])
    first = 0 if unit == "row" else 1
    rows = [_row("td", [str(epoch + first), *_cells(names, values, epoch)]) for epoch in shown]
    caption = f"<caption>{escape(kind)}: {of_all} {unit}s{left_out}</caption>"
    return f"<table>{caption}<thead>{head}</thead><tbody>{''.join(rows)}</tbody></table>"


def _cells(names: list[str], values: Values, epoch: int) -> list[str]:
    """The texts of one row; empty for what the epoch did not log."""
    return [_cell(values[name][epoch]) if epoch in values[name] else "" for name in names]


def _row(tag: str, cells: list[str]) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"


def _cell(value: Any) -> str:
    number = as_number(value)
    with suppress(OverflowError):  # of an int with hundreds of digits
        if isinstance(number, numbers.Real):
            return f"{float(number):.4g}"
    return text_of(value, _SHORT.repr)
