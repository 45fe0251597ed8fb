"""BaseLogger: the means of an epoch, from its batches' logs."""

from collections.abc import Container, Iterable
from numbers import Real
from typing import Any

from onfit.core.aliases import find
from onfit.core.callback import Callback, Logs
from onfit.core.judging.deciding import in_steps
from onfit.core.meter import as_number
from onfit.core.representation import checked_arguments
from onfit.core.sizes import size_in

_NOT_METRICS = ("batch", "size")


class BaseLogger(Callback):
    """Averages what the batches log, weighted by their sizes, into the epoch's logs.

    Every run reports such means anyway, without waiting for the device in every batch. Add a
    BaseLogger if other callbacks change the batches' logs, or if a quantity should be reported
    with its value after the last batch.

    Args:
        stateful_metrics: names, under any of their aliases, whose last value is reported
            instead of their mean.

    The names averaged are those in `params["metrics"]`. If it has none, all numbers that a batch
    logs are averaged, except `batch` and `size`. A batch without `size` counts as one sample. For
    an epoch without batches nothing is reported.

    Example:
        >>> logger = BaseLogger()
        >>> logger.on_train_batch_end(0, {"size": 32, "loss": 1.0})
        >>> logger.on_train_batch_end(1, {"size": 8, "loss": 2.0})
        >>> logs = {}
        >>> logger.on_epoch_end(0, logs)
        >>> logs
        {'loss': 1.2}
    """

    remembers = ("_last", "_totals", "_seen")

    @checked_arguments
    def __init__(self, stateful_metrics: Iterable[str] | None = None) -> None:
        self.stateful_metrics = set(stateful_metrics or ())
        self._forget()

    def on_epoch_begin(self, epoch: int, logs: Logs | Any = None) -> None:
        self._forget()

    def on_train_batch_end(self, batch: int, logs: Logs | Any = None) -> None:
        logs = logs or {}
        size = size_in(logs)
        for name, value in logs.items():
            number = as_number(value)
            if self._is_metric(name) and isinstance(number, Real):
                self._count(name, number, size)

    def on_validation_end(self, step: int, logs: Logs | Any = None) -> None:
        if in_steps(self):  # a row ends here, and the next one begins
            self.on_epoch_end(step, logs)
            self._forget()

    def on_epoch_end(self, epoch: int, logs: Logs | Any = None) -> None:
        if logs is None:
            return
        logs.update(self._last)
        logs.update({name: total / self._seen[name] for name, total in self._totals.items()})

    def _forget(self) -> None:
        self._last: dict[str, Any] = {}
        self._totals: dict[str, Any] = {}
        self._seen: dict[str, int] = {}

    def _is_metric(self, name: str) -> bool:
        named: Container[str] = self.params.get("metrics") or ()
        return find(name, named) is not None if named else name not in _NOT_METRICS

    def _count(self, name: str, value: Any, size: int) -> None:
        if find(name, self.stateful_metrics) is not None:
            self._last[name] = value
        elif size:  # a batch of no samples does not count in a mean
            self._totals[name] = self._totals.get(name, 0) + value * size
            self._seen[name] = self._seen.get(name, 0) + size
