"""How long the parts of a run take: waiting for data, steps, validation, each callback.

A device may still work on a step when the next step begins. Its time is counted where the program
waits for it, for example in a callback that reads a value.
"""

from time import perf_counter
from typing import Any

from onfit.core.listeners import Listeners

# A callback that takes a larger share of the time than this is named to the user.
_NOTABLE = 0.05
# Seconds. In a shorter run, what a callback does only once takes too large a share.
_LONG_ENOUGH = 10.0


class Timing:
    """Adds up seconds while a run goes on.

    Args:
        callbacks: the callbacks, with the seconds that each has taken so far.

    Attributes:
        data: seconds spent on getting batches.
        step: seconds spent on training steps.
        validation: seconds spent on validation, without its callbacks.
    """

    def __init__(self, callbacks: Listeners) -> None:
        self._callbacks = callbacks
        self.data = self.step = self.validation = 0.0
        self._begin = perf_counter()
        self._end: float | None = None
        self._by_callback: dict[str, float] = {}  # filled when the run is over

    def begin(self) -> None:
        """The run begins now."""
        self._begin, self._end = perf_counter(), None

    def end(self) -> None:
        """The run is over."""
        self._end = perf_counter()
        self._by_callback = self._callbacks.seconds()

    def validation_begins(self) -> None:
        """A validation begins now."""
        self._validation = perf_counter(), self._callbacks.all_seconds()

    def validation_ends(self) -> float:
        """The validation is over. Returns the seconds since it began, those of callbacks too."""
        begin, before = self._validation
        taken = perf_counter() - begin
        self.validation += taken - (self._callbacks.all_seconds() - before)
        return taken

    def report(self) -> dict[str, Any]:
        """The seconds as `total`, `data`, `step`, `validation` and `callbacks`: a dict by name."""
        over = self._end is not None
        end = perf_counter() if self._end is None else self._end
        return {
            "total": end - self._begin,
            "data": self.data,
            "step": self.step,
            "validation": self.validation,
            "callbacks": self._by_callback if over else self._callbacks.seconds(),
        }


def line_of(report: dict[str, Any]) -> str:
    """A report as one line of text.

    >>> print(line_of({"total": 8.0, "data": 0.4, "step": 6.0, "validation": 1.0,
    ...             "callbacks": {"TensorBoard": 0.5, "History": 0.01}}))
    Time: 8.0 s: step 75%, validation 12%, callbacks 6% (TensorBoard 6%), data 5%.
    """
    total = report["total"] or 1.0
    callbacks = report["callbacks"]
    shares = {name: report[name] / total for name in ("data", "step", "validation")}
    shares["callbacks"] = sum(callbacks.values()) / total
    named = {"callbacks": _named({name: spent / total for name, spent in callbacks.items()})}
    parts = sorted(shares.items(), key=lambda part: -part[1])
    listed = ", ".join(f"{name} {share:.0%}{named.get(name, '')}" for name, share in parts if share)
    return f"Time: {report['total']:.1f} s: {listed}."


def _named(shares: dict[str, float]) -> str:
    """The callbacks that take one percent or more, the slowest first."""
    shown = sorted(((s, name) for name, s in shares.items() if s >= 0.01), reverse=True)
    return f" ({', '.join(f'{name} {share:.0%}' for share, name in shown)})" if shown else ""


def notable(report: dict[str, Any]) -> str:
    """A line about callbacks that took much of a long run; empty if none did.

    >>> notable({"total": 100.0, "callbacks": {"TensorBoard": 12.0, "History": 1.0}})
    'TensorBoard took 12% of the time (12.0 of 100.0 s).'
    """
    total = report["total"]
    if total < _LONG_ENOUGH:
        return ""
    return " ".join(
        f"{name} took {spent / total:.0%} of the time ({spent:.1f} of {total:.1f} s)."
        for name, spent in report["callbacks"].items()
        if spent > _NOTABLE * total
    )
