"""The walks that do not train: evaluation and prediction, their hooks told batch by batch."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from onfit.core.callback_list import CallbackList
from onfit.core.logs import BatchLogs, Logs
from onfit.core.meter import Meter

_Batch = TypeVar("_Batch")


def told_test(
    callbacks: CallbackList,
    batches: Iterable[_Batch],
    step: Callable[[_Batch], object],
    meter: Meter,
    size: Callable[[_Batch], int],
) -> Logs:
    """Take `step` on each batch, telling the `on_test` hooks; return what `meter` says."""
    begin = callbacks.teller("on_test_batch_begin")
    end = callbacks.teller("on_test_batch_end")
    meter.reset()
    callbacks.tell("on_test_begin", Logs())
    for index, batch in enumerate(batches):
        if begin is not None:
            begin(index, Logs(batch=index, size=size(batch)))
        step(batch)
        if end is not None:
            end(index, BatchLogs.of(meter, index, meter.size or size(batch)))
    logs = Logs.of_epoch(meter)
    callbacks.tell("on_test_end", logs)
    return logs


def told_predict(
    callbacks: CallbackList,
    batches: Iterable[_Batch],
    step: Callable[[_Batch], Any],
    size: Callable[[_Batch], int],
) -> Iterator[Any]:
    """Yield `step(batch)` for each batch, telling the `on_predict` hooks."""
    begin = callbacks.teller("on_predict_batch_begin")
    end = callbacks.teller("on_predict_batch_end")
    callbacks.tell("on_predict_begin", Logs())
    for index, batch in enumerate(batches):
        if begin is not None:
            begin(index, Logs(batch=index, size=size(batch)))
        outputs = step(batch)
        if end is not None:
            end(index, Logs(batch=index, size=size(batch), outputs=outputs))
        yield outputs
    callbacks.tell("on_predict_end", Logs())
