"""How many outputs are right or wrong, for each kind of label; and a rate where another is met."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from onfit.dtypes import DtypeLike
from onfit.errors import ArgumentError
from onfit.metrics.accuracy import matched
from onfit.metrics.arithmetic import quotient
from onfit.metrics.confusion import at_thresholds, of_class, one_for_logs
from onfit.metrics.counts import ConfusionCounts, Thresholds, check_thresholds, weight_of_each
from onfit.metrics.metric import CountingMetric, StatefulMetric

Rates = tuple[Tensor, Tensor]  # at each threshold: the rate that has to be met, and the other


class _Count(CountingMetric):
    """The number of outputs with one of four outcomes.

    Args:
        thresholds: an output above it means 1; 0.5 if None. A list gives a number for each.
        name: its name in the logs.
        dtype: the type of the value.

    Raises:
        ArgumentError: for a threshold that is not from 0 to 1.
    """

    def __init__(
        self,
        thresholds: float | Sequence[float] | None = None,
        name: str | None = None,
        dtype: DtypeLike = None,
    ) -> None:
        super().__init__(dtype, name)
        self.init_thresholds = thresholds
        given = [0.5] if thresholds is None else thresholds
        self.thresholds = list(given) if isinstance(given, Sequence) else [given]
        check_thresholds(type(self).__name__, self.thresholds)
        self._thresholds, self._places = at_thresholds(self.thresholds)

    def for_logs(self) -> StatefulMetric:
        one_for_logs(type(self).__name__, self.init_thresholds, self.thresholds)
        return super().for_logs()

    def update(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        y_true, y_pred = matched(type(self).__name__, y_true, y_pred)
        self.add(self._thresholds.count(y_true, y_pred, weight_of_each(sample_weight, y_pred)))

    def value_of(self, counts: Tensor | None) -> Tensor:
        value = torch.zeros(len(self.thresholds))
        if counts is not None:
            value = self._of(ConfusionCounts(counts)).float()
        return value[0] if len(self.thresholds) == 1 else value[self._places]

    def _of(self, counts: ConfusionCounts) -> Tensor:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments that make it again."""
        return {**super().get_config(), "thresholds": self.init_thresholds}


class TruePositives(_Count):
    """How many labels of 1 the model found. The arguments are those of `FalsePositives`."""

    direction = "max"

    def _of(self, counts: ConfusionCounts) -> Tensor:
        return counts.true_positives


class TrueNegatives(_Count):
    """How many labels of 0 the model took for 0. The arguments are those of `FalsePositives`."""

    direction = "max"

    def _of(self, counts: ConfusionCounts) -> Tensor:
        return counts.true_negatives


class FalsePositives(_Count):
    """How many labels of 0 the model took for 1.

    Args:
        thresholds: an output above it means 1; 0.5 if None. A list gives a number for each (and
            cannot be used in `compile`).
        name: its name in the logs.
        dtype: the type of the value.

    Raises:
        ArgumentError: for a threshold that is not from 0 to 1.

    Example:
        >>> wrong = FalsePositives()
        >>> wrong.update_state([0, 1, 0, 0], [0.2, 0.7, 0.6, 0.9])
        >>> float(wrong.result())
        2.0
    """

    direction = "min"

    def _of(self, counts: ConfusionCounts) -> Tensor:
        return counts.false_positives


class FalseNegatives(_Count):
    """How many labels of 1 the model took for 0. The arguments are those of `FalsePositives`."""

    direction = "min"

    def _of(self, counts: ConfusionCounts) -> Tensor:
        return counts.false_negatives


class _BestWhere(CountingMetric):
    """The best of a rate over the thresholds at which another rate is met."""

    direction = "max"
    required: str  # the name of the argument

    def __init__(
        self, value: float, num_thresholds: int, class_id: int | None, name: str | None, dtype: Any
    ) -> None:
        super().__init__(dtype, name)
        if not 0 <= value <= 1:
            raise ArgumentError(
                f"{type(self).__name__}({self.required}={value!r}): a rate is from 0 to 1."
            )
        if num_thresholds < 1:
            raise ArgumentError(
                f"{type(self).__name__}(num_thresholds={num_thresholds!r}): it is 1 or more."
            )
        self.value, self.num_thresholds, self.class_id = value, num_thresholds, class_id
        last = num_thresholds - 1
        self.thresholds = [index / last for index in range(num_thresholds)] if last else [0.5]
        self._thresholds = Thresholds(self.thresholds)

    def update(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        y_true, y_pred = matched(type(self).__name__, y_true, y_pred)
        if self.class_id is not None:
            y_true, y_pred = (
                of_class(type(self).__name__, y, self.class_id) for y in (y_true, y_pred)
            )
        self.add(self._thresholds.count(y_true, y_pred, weight_of_each(sample_weight, y_pred)))

    def value_of(self, counts: Tensor | None) -> Tensor:
        if counts is None:
            return torch.zeros(())
        found = ConfusionCounts(counts)
        required, wanted = self._rates(found)
        return torch.where(required >= self.value, wanted, 0.0).max().float()

    def _rates(self, counts: ConfusionCounts) -> Rates:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The arguments that make it again."""
        return {
            **super().get_config(),
            self.required: self.value,
            "num_thresholds": self.num_thresholds,
            "class_id": self.class_id,
        }


def _precision(counts: ConfusionCounts) -> Tensor:
    return quotient(counts.true_positives, counts.true_positives + counts.false_positives)


def _recall(counts: ConfusionCounts) -> Tensor:
    return quotient(counts.true_positives, counts.true_positives + counts.false_negatives)


def _specificity(counts: ConfusionCounts) -> Tensor:
    return quotient(counts.true_negatives, counts.true_negatives + counts.false_positives)


class PrecisionAtRecall(_BestWhere):
    """The best precision at a threshold where the recall is at least `recall`.

    Args:
        recall: the least recall, from 0 to 1.
        num_thresholds: how many thresholds to try, evenly spread over 0 to 1.
        class_id: look at this class alone.
        name: its name in the logs.
        dtype: the type of the value.

    Raises:
        ArgumentError: for an impossible value of an argument.
    """

    required = "recall"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DtypeLike = None,
    ) -> None:
        super().__init__(recall, num_thresholds, class_id, name, dtype)

    def _rates(self, counts: ConfusionCounts) -> Rates:
        return _recall(counts), _precision(counts)


class RecallAtPrecision(_BestWhere):
    """The best recall at a threshold where the precision is at least `precision`.

    Args:
        precision: the least precision, from 0 to 1.
        num_thresholds: how many thresholds to try, evenly spread over 0 to 1.
        class_id: look at this class alone.
        name: its name in the logs.
        dtype: the type of the value.

    Raises:
        ArgumentError: for an impossible value of an argument.
    """

    required = "precision"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DtypeLike = None,
    ) -> None:
        super().__init__(precision, num_thresholds, class_id, name, dtype)

    def _rates(self, counts: ConfusionCounts) -> Rates:
        return _precision(counts), _recall(counts)


class SensitivityAtSpecificity(_BestWhere):
    """The best sensitivity at a threshold where the specificity is at least `specificity`.

    Args:
        specificity: the least specificity, from 0 to 1.
        num_thresholds: how many thresholds to try, evenly spread over 0 to 1.
        class_id: look at this class alone.
        name: its name in the logs.
        dtype: the type of the value.

    Raises:
        ArgumentError: for an impossible value of an argument.
    """

    required = "specificity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DtypeLike = None,
    ) -> None:
        super().__init__(specificity, num_thresholds, class_id, name, dtype)

    def _rates(self, counts: ConfusionCounts) -> Rates:
        return _specificity(counts), _recall(counts)


class SpecificityAtSensitivity(_BestWhere):
    """The best specificity at a threshold where the sensitivity is at least `sensitivity`.

    Args:
        sensitivity: the least sensitivity, from 0 to 1.
        num_thresholds: how many thresholds to try, evenly spread over 0 to 1.
        class_id: look at this class alone.
        name: its name in the logs.
        dtype: the type of the value.

    Raises:
        ArgumentError: for an impossible value of an argument.
    """

    required = "sensitivity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: DtypeLike = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)

    def _rates(self, counts: ConfusionCounts) -> Rates:
        return _recall(counts), _specificity(counts)
