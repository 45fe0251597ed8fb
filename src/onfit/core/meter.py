"""What the last batch and the epoch so far amount to.

`fit` measures on the device, in its step (`engine`). `RunningMeans` does the same for a loop
written by hand, for numbers of any framework.
"""

from typing import Any, Protocol

from onfit._types import LogValues
from onfit.core.logs import Logs
from onfit.core.plain import is_plain
from onfit.errors import ArgumentTypeError


class Meter(Protocol):
    """Keeps the numbers of a walk through batches.

    Attributes:
        size: how many samples the last batch had; None if the meter does not see every batch.
    """

    size: int | None

    def state_dict(self) -> dict[str, Any]:
        """What it has measured since the last reset, as plain data and arrays."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""

    def reset(self) -> None:
        """Forget everything: an epoch starts."""

    def report_batch(self, logs: Logs) -> None:
        """Add the last batch's own values to `logs`; none before the first."""

    def report_epoch(self, logs: Logs, prefix: str = "") -> None:
        """Add the means since the last reset to `logs`, their names behind `prefix`."""


class RunningMeans:
    """Sample-weighted means of whatever is logged: floats, numpy, torch or jax scalars.

    Sums stay where the numbers are; they become floats when the logs are read.

    >>> means, logs = RunningMeans(), Logs()
    >>> means.add({"loss": 1.0}, size=32)
    >>> means.add({"loss": 2.0}, size=8)
    >>> means.report_epoch(logs)
    >>> logs
    {'loss': 1.2}
    """

    # A batch of which nothing is logged is not added.
    size: int | None = None

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._latest: dict[str, Any] = {}
        self._sums: dict[str, Any] = {}
        self._sizes: dict[str, int] = {}

    def state_dict(self) -> dict[str, Any]:
        """The sums so far; tensors of torch stay tensors, other frameworks' become numbers."""
        return {
            "sums": {name: _kept(value) for name, value in self._sums.items()},
            "sizes": dict(self._sizes),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from such sums."""
        self._sums, self._sizes = dict(state["sums"]), dict(state["sizes"])

    def add(self, values: LogValues, size: int) -> None:
        """Count one batch of `size` samples with its `values`."""
        self._latest = {name: frozen(value) for name, value in values.items()}
        for name, value in self._latest.items():
            # `value * size` is a new object, so the sum never aliases what the user holds.
            self._sums[name] = self._sums.get(name, 0) + _number(name, value) * size
            self._sizes[name] = self._sizes.get(name, 0) + size

    def report_batch(self, logs: Logs) -> None:
        latest = self._latest
        logs.defer(list(latest), lambda: [as_number(value) for value in latest.values()])

    def report_epoch(self, logs: Logs, prefix: str = "") -> None:
        sums, sizes = dict(self._sums), dict(self._sizes)
        names = [prefix + name for name in sums]
        logs.defer(names, lambda: [as_number(sums[name] / sizes[name]) for name in sums])


def _number(name: str, value: Any) -> Any:
    if value is None or isinstance(value, (str, bytes, list, tuple, dict)):
        raise ArgumentTypeError(
            f"log({name}={value!r}): what is logged for a batch is averaged over the epoch, so it "
            "is a number or an array. Log anything else outside of `batches`, for the epoch."
        )
    return value


def _kept(value: Any) -> Any:
    return value if is_plain(value) else as_number(value)


def frozen(value: Any) -> Any:
    """`value` as it is now: a tensor is cut from its graph and copied, so that nothing done to
    it later shows in a log, and no log keeps a graph alive.
    """
    if hasattr(value, "detach") and hasattr(value, "clone"):
        return value.detach().clone()
    return value


def as_number(value: Any) -> Any:
    """A Python number for any scalar, of whatever framework; other values as they are."""
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        return value.item()
    return value
