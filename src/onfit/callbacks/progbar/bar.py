"""The line that shows how far a walk through batches is: its text, and how it is drawn."""

import math
from collections.abc import Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any, TextIO

from tqdm import tqdm
from tqdm.utils import disp_trim

from onfit.core.console import may_be_lost, say, writable

if TYPE_CHECKING:
    _Tqdm = tqdm[Any]
else:
    _Tqdm = tqdm

_WIDTH = 30


class Bar:
    """One walk through batches: an epoch, an evaluation or a prediction.

    Args:
        unit: what is counted: `"sample"` or `"step"`.
        total: how many there will be; None if that is not known.
        stream: where the line goes.
        seen: how many were done before, in an epoch of a resumed run.

    Attributes:
        seen: how many are done; the callback adds to it.
    """

    def __init__(
        self, unit: str, total: int | None, stream: TextIO | None, *, seen: int = 0
    ) -> None:
        self.unit = unit
        self.total = total
        self.seen = seen
        self._before = seen
        self._stream = stream
        self._line: _Line | None = None
        self._start = perf_counter()

    def draw(self, values: Mapping[str, Any]) -> None:
        """Draw the line, with `values` after the bar."""
        text = f"{self._count()} - {self._pace()}{values_text(values)}"
        with may_be_lost(self._stream):
            if self._line is None:
                self._line = _Line(text, self._stream)
            else:
                self._line.show(text)

    def finish(self, values: Mapping[str, Any]) -> None:
        """Print the last line of a walk that is over."""
        self.total = max(self.seen, self.total or 0)
        self._erase()
        say(f"{self._count()} - {self._cost()}{values_text(values)}", self._stream)

    def summarize(self, values: Mapping[str, Any]) -> None:
        """Print the line of a walk whose batches are not shown."""
        say(f" - {self._elapsed():.0f}s{values_text(values)}", self._stream)

    def abandon(self) -> None:
        """Leave the line as it was last drawn; the next text begins a new line."""
        text = None if self._line is None else self._line.text
        self._erase()
        if text is not None:
            say(text, self._stream)

    def _erase(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            with may_be_lost(self._stream):
                line.close()

    def _elapsed(self) -> float:
        return perf_counter() - self._start

    def _count(self) -> str:
        """The count and the bar: `59328/60000 [============================>.]`."""
        if self.total is None or self.seen > self.total:
            return f"{self.seen}/Unknown"
        digits = len(str(self.total))
        return f"{self.seen:{digits}d}/{self.total} [{_arrow(self.seen, self.total)}]"

    def _pace(self) -> str:
        """The time to come, such as `ETA: 5s`; the time that the walk took if all is done."""
        if self.total is None or self.seen >= self.total:
            return self._cost()
        return f"ETA: {_clock(self._each() * (self.total - self.seen))}"

    def _cost(self) -> str:
        """The time that the walk took, such as `2s 26us/sample`."""
        return f"{self._elapsed():.0f}s {_duration(self._each())}/{self.unit}"

    def _each(self) -> float:
        done = self.seen - self._before
        return self._elapsed() / done if done else 0.0


class _Line(_Tqdm):
    """A text on the terminal's last line; lines that tqdm writes appear above it."""

    monitor_interval = 0  # no thread of tqdm's redraws this bar: the callback decides when to draw

    def __init__(self, text: str, stream: TextIO | None) -> None:
        self.text = text
        super().__init__(file=stream, leave=False, dynamic_ncols=True)

    def show(self, text: str) -> None:
        self.text = text
        self.refresh()

    def __str__(self) -> str:
        # A text that is wrapped into two lines could not be overwritten.
        columns = self.format_dict["ncols"]
        text = writable(self.text, self.fp)
        return disp_trim(text, columns) if columns else text


def values_text(values: Mapping[str, Any]) -> str:
    """The text of the values after the bar; a value that is not one number is left out.

    >>> values_text({"loss": 0.25, "acc": 0.9, "per_class": [0.8, 1.0]})
    ' - loss: 0.2500 - acc: 0.9000'
    """
    texts = ((name, _number(value)) for name, value in values.items())
    return "".join(f" - {name}: {text}" for name, text in texts if text is not None)


def _number(value: Any) -> str | None:
    if isinstance(value, str):
        return None
    try:
        if getattr(value, "ndim", 0) > 0:
            return None
        number = float(value)
    except Exception:  # whatever a user logs: what is no number is not shown
        return None
    # With four decimals a tiny number would look like 0.
    return f"{number:.4f}" if abs(number) > 1e-3 or number == 0 else f"{number:.4e}"


def _arrow(seen: int, total: int) -> str:
    if seen == total:
        return "=" * _WIDTH
    done = _WIDTH * seen // total
    head = "=" * (done - 1) + ">" if done else ""
    return head.ljust(_WIDTH, ".")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(math.floor(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{rest:02d}"
    return f"{minutes}:{rest:02d}" if minutes else f"{rest}s"


def _duration(seconds: float) -> str:
    for scale, unit in ((1e6, "us"), (1e3, "ms")):
        if round(seconds * scale) < 1000:
            return f"{seconds * scale:.0f}{unit}"
    return f"{seconds:.0f}s"
