"""How far outputs go along with targets: correlations, and the share of explained variance."""

from typing import Any

import torch
from torch import Tensor

from onfit.dtypes import EPSILON, DtypeLike
from onfit.errors import ArgumentError, ShapeError, did_you_mean, warn
from onfit.losses.loss import aligned
from onfit.metrics.arithmetic import wide
from onfit.metrics.means import MeanMetricWrapper
from onfit.metrics.metric import CountingMetric, StatefulMetric


def pearson_correlation(y_true: Tensor, y_pred: Tensor, axis: int = -1) -> Tensor:
    """The linear correlation, from -1 to 1, of the numbers along an axis.

    Args:
        y_true: targets, of the shape of `y_pred`.
        y_pred: outputs.
        axis: the axis along which the numbers of one sample lie.
    """
    y_true, y_pred = aligned(y_true, y_pred)
    true, said = (_centred(values, axis) for values in (y_true, y_pred))
    return ((true / _deviation(true, axis)) * (said / _deviation(said, axis))).mean(axis)


def concordance_correlation(y_true: Tensor, y_pred: Tensor, axis: int = -1) -> Tensor:
    """The correlation of which also other means and variances take away (Lin 1989).

    Args:
        y_true: targets, of the shape of `y_pred`.
        y_pred: outputs.
        axis: the axis along which the numbers of one sample lie.
    """
    y_true, y_pred = aligned(y_true, y_pred)
    true_mean, mean = (values.mean(axis, keepdim=True) for values in (y_true, y_pred))
    variances = [v.var(axis, correction=0, keepdim=True) for v in (y_true, y_pred)]
    # As in Keras: both are compared with the mean of the outputs.
    together = (y_true - mean) * (y_pred - mean)
    norm = variances[0] + variances[1] + (true_mean - mean) ** 2
    return (2 * together / (norm + EPSILON)).mean(axis)


def _centred(values: Tensor, axis: int) -> Tensor:
    return values - values.mean(axis, keepdim=True)


def _deviation(values: Tensor, axis: int) -> Tensor:
    return values.std(axis, correction=0, keepdim=True)


class PearsonCorrelation(MeanMetricWrapper):
    """`pearson_correlation` as an object.

    Args:
        name: its name in the logs.
        dtype: the type of the mean.
        axis: the axis along which the numbers of one sample lie.
    """

    def __init__(
        self, name: str = "pearson_correlation", dtype: DtypeLike = None, axis: int = -1
    ) -> None:
        super().__init__(pearson_correlation, name, dtype, "max", axis=axis)


class ConcordanceCorrelation(MeanMetricWrapper):
    """`concordance_correlation` as an object.

    Args:
        name: its name in the logs.
        dtype: the type of the mean.
        axis: the axis along which the numbers of one sample lie.
    """

    def __init__(
        self, name: str = "concordance_correlation", dtype: DtypeLike = None, axis: int = -1
    ) -> None:
        super().__init__(concordance_correlation, name, dtype, "max", axis=axis)


_AGGREGATIONS = ("uniform_average", "variance_weighted_average")


class R2Score(CountingMetric):
    """The share of the targets' variance that the outputs explain: 1 if they are the targets, 0 if
    they are no better than the mean.

    Args:
        class_aggregation: `"uniform_average"`: the mean over the numbers of an output;
            `"variance_weighted_average"`: weighted by how much each of them varies; None gives one
            for each of them (in `compile`: only if there is one).
        num_regressors: how many inputs the outputs are computed of, for the adjusted score; 0 for
            the plain one.
        name: its name in the logs.
        dtype: the type of the value.

    Raises:
        ArgumentError: for an argument that makes no sense.

    Example:
        >>> round(float(R2Score()([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])), 4)
        0.5714
    """

    direction = "max"

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str = "r2_score",
        dtype: DtypeLike = None,
    ) -> None:
        if class_aggregation not in (None, *_AGGREGATIONS):
            raise ArgumentError(
                f"R2Score(class_aggregation={class_aggregation!r}): it is None or one of "
                f"{', '.join(_AGGREGATIONS)}.{did_you_mean(str(class_aggregation), _AGGREGATIONS)}"
            )
        if num_regressors < 0:
            raise ArgumentError(f"R2Score(num_regressors={num_regressors}): a number from 0 on.")
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        super().__init__(dtype, name)
        self._one_number = False

    def for_logs(self) -> StatefulMetric:
        mine = super().for_logs()
        assert isinstance(mine, R2Score)
        mine._one_number = True
        return mine

    def update(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        y_true, y_pred = aligned(y_true, y_pred)
        self._check(y_pred)
        kind = wide(y_pred.device)
        true, said = y_true.to(kind), y_pred.to(kind)
        weight = torch.ones((), dtype=kind, device=said.device)
        if sample_weight is not None:
            weight = sample_weight.to(kind)
            weight = weight[:, None] if weight.ndim == 1 else weight
        weight = weight.expand_as(true)
        sums = [true * weight, true * true * weight, (true - said) ** 2 * weight, weight]
        numbers = torch.full_like(true[0], true.numel())
        self.add(torch.stack([*(each.sum(0) for each in sums), numbers]))

    def _check(self, y_pred: Tensor) -> None:
        if y_pred.ndim != 2:
            raise ShapeError(
                f"R2Score takes outputs of shape (samples, numbers); got {tuple(y_pred.shape)}."
            )
        if self._one_number and self.class_aggregation is None and y_pred.shape[1] > 1:
            raise ArgumentError(
                f"R2Score(class_aggregation=None) gives a score for each of {y_pred.shape[1]} "
                "numbers, and a log holds one. Pass class_aggregation='uniform_average'."
            )

    def value_of(self, counts: Tensor | None) -> Tensor:
        if counts is None:
            return torch.tensor(torch.nan)
        total, squares, residual, count, numbers = counts
        variation = squares - total * total / count
        scores = 1 - residual / variation
        score = torch.where(scores.isinf(), 0.0, scores)
        if self.class_aggregation == "uniform_average":
            score = score.mean()
        elif self.class_aggregation is not None:
            score = (variation * score).sum() / variation.sum()
        return self._adjusted(score, int(numbers[0])) if self.num_regressors else score

    def _adjusted(self, score: Tensor, numbers: int) -> Tensor:
        left = numbers - self.num_regressors - 1
        if left > 0:
            return 1 - (1 - score) * (numbers - 1) / left
        warn(
            f"R2Score(num_regressors={self.num_regressors}): {numbers} numbers are too few for the "
            "adjusted score; the plain one is given."
        )
        return score

    def get_config(self) -> dict[str, Any]:
        """The arguments that make it again."""
        return {
            **super().get_config(),
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }
