"""Meters: they hold the values of the last batch, and the means of the epoch so far.

`fit` measures on the device, in its step (`engine`). `RunningMeans` does the same for a user's own
loop, with numbers of any framework.
"""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

from onfit._types import LogValues
from onfit.core.logs import Logs
from onfit.core.packages.plain import is_plain
from onfit.errors import ArgumentTypeError


class Meter(Protocol):
    """Measures batches one after the other, and adds them up."""

    @property
    def size(self) -> int | None:
        """How many samples the last batch had; None if the meter does not see every batch."""

    def state_dict(self) -> dict[str, Any]:
        """What the meter has measured since the last reset, as plain data and arrays."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from such a state."""

    def reset(self) -> None:
        """Forget everything, because an epoch starts."""

    def report_batch(self, logs: Logs) -> None:
        """Add the last batch's own values to `logs`; nothing before the first batch."""

    def report_epoch(self, logs: Logs, prefix: str = "") -> None:
        """Add the means since the last reset to `logs`, with `prefix` before their names."""


@runtime_checkable
class AddsUp(Protocol):
    """A meter whose sums can be added to those of other processes."""

    def sums(self) -> Any:
        """What it has added up since the last reset: plain data and tensors."""

    def report_sums(self, logs: Logs, each: Sequence[Any]) -> None:
        """Add the means over all processes to `logs`, given the `sums` of each."""

    def merged_state(self, states: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """One state of what all have measured, given the `state_dict` of each."""


class RunningMeans:
    """Sample-weighted means of all that is logged: floats, numpy, torch or jax scalars.

    The sums of what is on another device stay there, and become floats when a callback reads the
    logs.

    >>> means, logs = RunningMeans(), Logs()
    >>> means.add({"loss": 1.0}, size=32)
    >>> means.add({"loss": 2.0}, size=8)
    >>> means.report_epoch(logs)
    >>> logs
    {'loss': 1.2}
    """

    # Unknown: a batch for which nothing is logged is never added.
    size: int | None = None

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._latest: dict[str, Any] = {}
        self._sums: dict[str, Any] = {}
        self._sizes: dict[str, int] = {}

    def state_dict(self) -> dict[str, Any]:
        """The sums so far. Torch and numpy values stay as they are; others become numbers."""
        return {
            "sums": {name: _kept(value) for name, value in self._sums.items()},
            "sizes": dict(self._sizes),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from the sums of such a state."""
        self._sums, self._sizes = dict(state["sums"]), dict(state["sizes"])

    def add(self, values: LogValues, size: int) -> None:
        """Count one batch of `size` samples with its `values`."""
        self._latest = {name: frozen(value) for name, value in values.items()}
        if not size:  # a batch of no samples does not count in a mean
            return
        for name, value in self._latest.items():
            # `value * size` is a new object, so the sum shares no memory with the user's value.
            self._sums[name] = self._sums.get(name, 0) + _number(name, value) * size
            self._sizes[name] = self._sizes.get(name, 0) + size

    def report_batch(self, logs: Logs) -> None:
        latest = self._latest
        logs.defer(list(latest), lambda: [as_number(value) for value in latest.values()])

    def report_epoch(self, logs: Logs, prefix: str = "") -> None:
        sums, sizes = dict(self._sums), dict(self._sizes)
        names = [prefix + name for name in sums]
        logs.defer(names, lambda: [as_number(sums[name] / sizes[name]) for name in sums])

    def sums(self) -> dict[str, tuple[Any, int]]:
        return {name: (as_number(value), self._sizes[name]) for name, value in self._sums.items()}

    def report_sums(self, logs: Logs, each: Sequence[dict[str, tuple[Any, int]]]) -> None:
        for name in dict.fromkeys(name for one in each for name in one):
            sums, sizes = zip(*(one[name] for one in each if name in one), strict=True)
            logs[name] = as_number(sum(sums) / sum(sizes))

    def merged_state(self, states: Sequence[dict[str, Any]]) -> dict[str, Any]:
        return {key: _sums_of([state[key] for state in states]) for key in ("sums", "sizes")}


def _sums_of(each: Sequence[dict[str, Any]]) -> dict[str, Any]:
    names = dict.fromkeys(name for one in each for name in one)
    return {name: sum(one[name] for one in each if name in one) for name in names}


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
    """`value` as it is now: the number of a tensor if it is there already, else a copy, cut from
    its graph; any other value itself. A later change to the tensor then shows in no log, and no
    log keeps a graph alive.
    """
    if getattr(value, "is_cpu", False) and not value.ndim:
        return value.item()  # waits for no device, and takes a thirtieth of the time of a copy
    if hasattr(value, "detach") and hasattr(value, "clone"):
        return value.detach().clone()
    return value


def as_number(value: Any) -> Any:
    """A Python number for a scalar of any framework, or an array of one; any other value itself."""
    dimensions = getattr(value, "ndim", None)
    if dimensions is None or not hasattr(value, "item"):
        return value
    return value.item() if dimensions == 0 or all(n == 1 for n in value.shape) else value
