"""Precision: how many of the positives that a model finds are right. Recall: how many of the
positives that there are it finds.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from onfit.dtypes import DtypeLike
from onfit.errors import ArgumentError, ShapeError
from onfit.metrics.accuracy import matched
from onfit.metrics.arithmetic import quotient
from onfit.metrics.counts import ConfusionCounts, Thresholds, check_thresholds, weight_of_each
from onfit.metrics.metric import CountingMetric, StatefulMetric

_LOWEST = -1e10  # below any output that is among the largest


class _ShareAtThreshold(CountingMetric):
    """The true positives as a share of something: what precision and recall have in common.

    Args:
        thresholds: an output above it means 1; 0.5 if None. A list gives a value for each.
        top_k: the `top_k` largest outputs of each sample mean 1.
        class_id: look at this class alone.
        name: its name in the logs.
        dtype: the type of the value.

    Raises:
        ArgumentError: for a threshold that is not from 0 to 1.
    """

    direction = "max"

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DtypeLike = None,
    ) -> None:
        super().__init__(dtype, name)
        self.init_thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        self.thresholds = self._as_list(thresholds)
        self._thresholds, self._places = at_thresholds(self.thresholds)

    def _as_list(self, thresholds: float | Sequence[float] | None) -> list[float]:
        if thresholds is None:
            return [0.5 if self.top_k is None else _LOWEST]
        given = list(thresholds) if isinstance(thresholds, Sequence) else [thresholds]
        check_thresholds(type(self).__name__, given)
        return given

    def for_logs(self) -> StatefulMetric:
        one_for_logs(type(self).__name__, self.init_thresholds, self.thresholds)
        return super().for_logs()

    def update(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        y_true, y_pred = matched(type(self).__name__, y_true, y_pred)
        if self.top_k is not None:
            y_pred = _only_largest(y_pred, self.top_k)
        if self.class_id is not None:
            kind = type(self).__name__
            y_true, y_pred = (of_class(kind, y, self.class_id) for y in (y_true, y_pred))
        self.add(self._thresholds.count(y_true, y_pred, weight_of_each(sample_weight, y_pred)))

    def value_of(self, counts: Tensor | None) -> Tensor:
        value = torch.zeros(len(self.thresholds))
        if counts is not None:
            found = ConfusionCounts(counts)
            value = quotient(found.true_positives, self._of(found)).float()
        return value[0] if len(self.thresholds) == 1 else value[self._places]

    def _of(self, counts: ConfusionCounts) -> Tensor:
        """What the true positives are divided by."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments that make it again."""
        return {
            **super().get_config(),
            "thresholds": self.init_thresholds,
            "top_k": self.top_k,
            "class_id": self.class_id,
        }


class Precision(_ShareAtThreshold):
    """The share of a model's positives that are right.

    Args:
        thresholds: an output above it is a positive; 0.5 if None. A list gives a value for
            each (and cannot be used in `compile`).
        top_k: the `top_k` largest outputs of each sample are positives.
        class_id: look at this class alone.
        name: its name in the logs.
        dtype: the type of the value.

    Raises:
        ArgumentError: for a threshold that is not from 0 to 1.

    Example:
        >>> precision = Precision()
        >>> precision.update_state([0, 1, 1, 1], [0.9, 0.2, 0.7, 0.8])
        >>> round(float(precision.result()), 4)
        0.6667
    """

    def _of(self, counts: ConfusionCounts) -> Tensor:
        return counts.true_positives + counts.false_positives


class Recall(_ShareAtThreshold):
    """The share of the labels of 1 that a model finds.

    Args:
        thresholds: an output above it is a positive; 0.5 if None. A list gives a value for
            each (and cannot be used in `compile`).
        top_k: the `top_k` largest outputs of each sample are positives.
        class_id: look at this class alone.
        name: its name in the logs.
        dtype: the type of the value.

    Raises:
        ArgumentError: for a threshold that is not from 0 to 1.

    Example:
        >>> recall = Recall()
        >>> recall.update_state([0, 1, 1, 1], [0.9, 0.2, 0.7, 0.8])
        >>> round(float(recall.result()), 4)
        0.6667
    """

    def _of(self, counts: ConfusionCounts) -> Tensor:
        return counts.true_positives + counts.false_negatives


def _only_largest(y_pred: Tensor, k: int) -> Tensor:
    """The `k` largest outputs of each sample; the others below any threshold."""
    largest = y_pred.topk(k, -1)
    return torch.full_like(y_pred, _LOWEST).scatter(-1, largest.indices, largest.values)


def at_thresholds(thresholds: Sequence[float]) -> tuple[Thresholds, list[int]]:
    """What counts at thresholds, in growing order; and the place there of each of them."""
    growing = sorted(thresholds)
    return Thresholds(growing), [growing.index(threshold) for threshold in thresholds]


def one_for_logs(kind: str, given: Any, thresholds: Sequence[float]) -> None:
    """Check that a metric gives one number, as a log needs it.

    Raises:
        ArgumentError: if it has several thresholds.
    """
    if len(thresholds) > 1:
        raise ArgumentError(
            f"{kind}(thresholds={given!r}) gives a value for each threshold, and a log holds one "
            "number. Pass one metric for each, with names of their own."
        )


def of_class(kind: str, y: Tensor, class_id: int) -> Tensor:
    """The labels or outputs of one class.

    Raises:
        ShapeError: if there is not one for each class.
    """
    if y.ndim == 1:
        raise ShapeError(
            f"{kind}(class_id={class_id}) takes an output per class; got outputs of shape "
            f"{tuple(y.shape)}. Leave out class_id."
        )
    return y[..., class_id]
