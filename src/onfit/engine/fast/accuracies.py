"""Accuracies that leave a bool for each sample: the mean of many batches is then taken at once.

The table names exact types: a subclass may measure something else, and takes the plain way.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

from torch import Tensor

from onfit.engine.fast.conditions import is_unpatched
from onfit.engine.fast.waiting import Measure, Waiting, may_wait
from onfit.metrics import (
    BinaryAccuracy,
    CategoricalAccuracy,
    MeanMetricWrapper,
    SparseCategoricalAccuracy,
)
from onfit.metrics.accuracy import (
    AccuracyByShape,
    right_by_shape,
    right_class,
    right_index,
    right_side,
)


def measure_of(
    metric: MeanMetricWrapper, on_logits: bool, copies: bool
) -> Callable[[Tensor, Tensor], Tensor | Waiting] | None:
    """What measures `(y, output)`: it gives a bool for each sample, or a batch that waits to be
    measured. None if the metric is not in the table.

    Args:
        metric: the metric.
        on_logits: whether the outputs are logits. The model makes those anew for each batch, so
            they may be kept.
        copies: whether the targets are in memory of their own, which is not written to later.
    """
    measure = bools_of(metric)
    if measure is None or not on_logits or type(metric) is not AccuracyByShape:
        return measure
    return partial(_later, measure, copies)


def bools_of(metric: MeanMetricWrapper) -> Measure | None:
    """What gives, of `(y, output)`, a bool for each sample; None if the metric is not in the
    table.
    """
    rights = _RIGHTS.get(type(metric))
    return partial(rights, metric) if rights is not None and is_unpatched(metric) else None


def _later(measure: Measure, copies: bool, y: Tensor, output: Tensor) -> Tensor | Waiting:
    if not may_wait(output):
        return measure(y, output)
    # The next batch may be written to the memory of these targets.
    return Waiting(measure, y if copies else y.clone(), output)


def _by_shape(metric: AccuracyByShape, y: Tensor, output: Tensor) -> Tensor:
    if not metric.sees_logits(output):
        return _per_sample(right_side(y, output, 0.5))
    return _per_sample(right_by_shape(y, output))


def _binary(metric: BinaryAccuracy, y: Tensor, output: Tensor) -> Tensor:
    return _per_sample(right_side(y, output, **metric.options))


def _categorical(metric: CategoricalAccuracy, y: Tensor, output: Tensor) -> Tensor:
    return _per_sample(right_class(y, output))


def _sparse(metric: SparseCategoricalAccuracy, y: Tensor, output: Tensor) -> Tensor:
    return _per_sample(right_index(y, output))


_RIGHTS: dict[type[MeanMetricWrapper], Callable[[Any, Tensor, Tensor], Tensor]] = {
    AccuracyByShape: _by_shape,
    BinaryAccuracy: _binary,
    CategoricalAccuracy: _categorical,
    SparseCategoricalAccuracy: _sparse,
}


def _per_sample(right: Tensor) -> Tensor:
    """The bools, if there is one for each sample; else their mean."""
    if right.ndim == 2 and right.shape[1] == 1:
        return right.squeeze(1)
    return right if right.ndim == 1 else right.float().mean()
