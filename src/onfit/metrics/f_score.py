"""F scores: precision and recall in one number."""

from typing import Any

import torch
from torch import Tensor

from onfit.dtypes import EPSILON, DtypeLike
from onfit.errors import ArgumentError, ShapeError, did_you_mean
from onfit.metrics.accuracy import matched
from onfit.metrics.counts import weight_of_each
from onfit.metrics.metric import CountingMetric, StatefulMetric

_AVERAGES = (None, "micro", "macro", "weighted")


class FBetaScore(CountingMetric):
    """The weighted harmonic mean of precision and recall.

    Args:
        average: None gives a score for each class (in `compile`: only if there is one output);
            `"micro"` one score for all classes counted together; `"macro"` the mean of the
            scores; `"weighted"` their mean weighted by how many samples a class has.
        beta: how much more recall counts than precision.
        threshold: outputs above it mean 1; from 0 to 1. With None, the largest output of each
            sample means 1, and a model's only output does so if it is above 0.5.
        name: its name in the logs.
        dtype: the type of the value.

    Labels are one-hot, or 0 and 1 for each class.

    Raises:
        ArgumentError: for an argument that makes no sense.
    """

    direction = "max"

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str = "fbeta_score",
        dtype: DtypeLike = None,
    ) -> None:
        if average not in _AVERAGES:
            words = [word for word in _AVERAGES if word]
            raise ArgumentError(
                f"{type(self).__name__}(average={average!r}): average is one of None, "
                f"{', '.join(map(repr, words))}.{did_you_mean(average, words)}"
            )
        if not beta > 0:
            raise ArgumentError(f"{type(self).__name__}(beta={beta!r}): beta is above 0.")
        if threshold is not None and not 0 < threshold <= 1:
            raise ArgumentError(
                f"{type(self).__name__}(threshold={threshold!r}): a threshold lies above 0, and "
                "not above 1."
            )
        self.average = average
        self.beta = beta
        self.threshold = threshold
        super().__init__(dtype, name)
        self._one_number = False

    def for_logs(self) -> StatefulMetric:
        mine = super().for_logs()
        assert isinstance(mine, FBetaScore)
        mine._one_number = True
        return mine

    def update(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        y_true, y_pred = matched(type(self).__name__, y_true, y_pred)
        self._check(y_pred)
        said = self._positives(y_pred).float()
        true = y_true.to(said)
        # For each class: how many outputs mean 1 and are right, how many mean 1, and how many
        # labels are 1.
        counts = torch.stack([said * true, said, true])
        weight = weight_of_each(sample_weight, y_pred)
        self.add((counts if weight is None else counts * weight).sum(1))

    def _check(self, y_pred: Tensor) -> None:
        if y_pred.ndim != 2:
            raise ShapeError(
                f"{type(self).__name__} takes outputs of shape (samples, classes); got "
                f"{tuple(y_pred.shape)}."
            )
        if self._one_number and self.average is None and y_pred.shape[1] > 1:
            raise ArgumentError(
                f"{type(self).__name__}(average=None) gives a score for each of "
                f"{y_pred.shape[1]} classes, and a log holds one number. Pass average='macro', "
                "'micro' or 'weighted'."
            )

    def _positives(self, y_pred: Tensor) -> Tensor:
        if self.threshold is not None:
            return y_pred > self.threshold
        if y_pred.shape[1] == 1:
            return y_pred > 0.5
        return (y_pred >= y_pred.amax(-1, keepdim=True)) & (y_pred.abs() > 1e-9)

    def value_of(self, counts: Tensor | None) -> Tensor:
        if counts is None:
            return torch.zeros(())
        right, said, true = counts.sum(1, keepdim=True) if self.average == "micro" else counts
        precision, recall = right / (said + EPSILON), right / (true + EPSILON)
        square = self.beta**2
        score: Tensor = (1 + square) * precision * recall
        score = score / (square * precision + recall + EPSILON)
        if self.average == "weighted":
            score = (score * true / (true.sum() + EPSILON)).sum()
        return score.mean() if self.average in ("micro", "macro") else score

    def get_config(self) -> dict[str, Any]:
        """The arguments that make it again."""
        return {
            **super().get_config(),
            "average": self.average,
            "beta": self.beta,
            "threshold": self.threshold,
        }


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall.

    Args:
        average: None gives a score for each class (in `compile`: only if there is one output);
            `"micro"` one score for all classes counted together; `"macro"` the mean of the
            scores; `"weighted"` their mean weighted by how many samples a class has.
        threshold: outputs above it mean 1; from 0 to 1. With None, the largest output of each
            sample means 1, and a model's only output does so if it is above 0.5.
        name: its name in the logs.
        dtype: the type of the value.

    Labels are one-hot, or 0 and 1 for each class.

    Raises:
        ArgumentError: for an argument that makes no sense.

    Example:
        >>> score = F1Score(threshold=0.5)
        >>> score.update_state([[1], [1], [0]], [[0.9], [0.1], [0.8]])
        >>> round(float(score.result()), 4)
        0.5
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str = "f1_score",
        dtype: DtypeLike = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make it again."""
        config = super().get_config()
        del config["beta"]
        return config
