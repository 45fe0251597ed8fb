"""AUC: the area under a curve that has a point for each threshold."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from onfit.dtypes import EPSILON, DtypeLike
from onfit.errors import ArgumentError, ShapeError, did_you_mean
from onfit.metrics.accuracy import matched
from onfit.metrics.arithmetic import quotient
from onfit.metrics.counts import ConfusionCounts, Thresholds, check_thresholds, weight_of_each
from onfit.metrics.metric import CountingMetric

_CURVES = ("ROC", "PR", "PRGAIN")
_SUMMATIONS = ("interpolation", "minoring", "majoring")

# The points of a curve, one for each threshold: x, and y over it.
_Points = tuple[Tensor, Tensor]


class AUC(CountingMetric):
    """The area under the ROC or the precision-recall curve, approximated with thresholds.

    Args:
        num_thresholds: how many thresholds to draw the curve with, evenly spread over 0 to 1.
        curve: `"ROC"`, `"PR"` (precision over recall) or `"PRGAIN"` (the gains of both over a
            model that always says 1).
        summation_method: the height between two points: `"interpolation"` is a straight line;
            `"minoring"` takes the lower point, `"majoring"` the higher one.
        name: its name in the logs.
        dtype: the type of the value.
        thresholds: thresholds to use instead, from 0 to 1; both ends are added.
        multi_label: take the mean of the areas of all outputs, rather than the area of all
            outputs together.
        num_labels: how many outputs there are, with `multi_label`; None to take any number.
        label_weights: the weight of each output, in the mean or in the counts.
        from_logits: whether outputs are logits, to which no sigmoid was applied.

    Raises:
        ArgumentError: for an argument that makes no sense.

    Example:
        >>> auc = AUC(num_thresholds=3)
        >>> auc.update_state([0, 0, 1, 1], [0, 0.5, 0.3, 0.9])
        >>> float(auc.result())
        0.75
    """

    direction = "max"

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = "auc",
        dtype: DtypeLike = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Sequence[float] | None = None,
        from_logits: bool = False,
    ) -> None:
        if num_labels and not multi_label:
            raise ArgumentError("AUC(num_labels=...) goes with multi_label=True, which is not set.")
        super().__init__(dtype, name or "auc")
        self.curve = _one_of(_CURVES, str(curve).upper(), "curve", curve)
        self.summation_method = _one_of(
            _SUMMATIONS, str(summation_method).lower(), "summation_method", summation_method
        )
        self._given = None if thresholds is None else sorted(thresholds)
        if self._given is not None:
            check_thresholds("AUC", self._given)
        inner = _inner(num_thresholds) if self._given is None else self._given
        # The outermost lie outside of 0 to 1, as in Keras.
        self._thresholds = Thresholds([-EPSILON, *inner, 1.0 + EPSILON])
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = None if label_weights is None else list(label_weights)
        self.takes_logits = self.from_logits = from_logits

    @property
    def thresholds(self) -> list[float]:
        """The numbers that outputs are compared with, both ends included."""
        return self._thresholds.values

    @property
    def num_thresholds(self) -> int:
        """How many thresholds there are."""
        return len(self.thresholds)

    def update(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        y_true, y_pred = matched("AUC", y_true, y_pred)
        if self.multi_label:
            self._check_labels(y_pred)
        if self.from_logits:
            y_pred = torch.sigmoid(y_pred)
        weight = weight_of_each(sample_weight, y_pred)
        if self.label_weights is not None and not self.multi_label:
            labels = torch.tensor(self.label_weights, device=y_pred.device).expand_as(y_pred)
            weight = labels if weight is None else weight * labels
        self.add(self._thresholds.count(y_true, y_pred, weight, apart=self.multi_label))

    def _check_labels(self, y_pred: Tensor) -> None:
        if y_pred.ndim != 2 or self.num_labels not in (None, y_pred.shape[1]):
            raise ShapeError(
                f"AUC(multi_label=True, num_labels={self.num_labels}) takes outputs of shape "
                f"(samples, labels); got {tuple(y_pred.shape)}."
            )

    def value_of(self, counts: Tensor | None) -> Tensor:
        if counts is None:
            return torch.zeros(())
        found = ConfusionCounts(counts, apart=self.multi_label)
        if (self.curve, self.summation_method) == ("PR", "interpolation"):
            areas = _interpolated_precision(found)
        else:
            areas = self._between(*_POINTS[self.curve](found))
        areas = areas.sum(0)
        if not self.multi_label:
            return areas.float()
        if self.label_weights is None:
            return areas.mean().float()
        weights = torch.tensor(self.label_weights, device=areas.device, dtype=areas.dtype)
        return quotient((areas * weights).sum(), weights.sum()).float()

    def _between(self, x: Tensor, y: Tensor) -> Tensor:
        """The areas between neighbouring points."""
        if self.summation_method == "interpolation":
            heights = (y[:-1] + y[1:]) / 2
        elif self.summation_method == "minoring":
            heights = torch.minimum(y[:-1], y[1:])
        else:
            heights = torch.maximum(y[:-1], y[1:])
        return (x[:-1] - x[1:]) * heights

    def get_config(self) -> dict[str, Any]:
        """The arguments that make it again."""
        config = {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": self.label_weights,
            "from_logits": self.from_logits,
        }
        return config if self._given is None else {**config, "thresholds": self._given}


def _one_of(known: Sequence[str], value: str, argument: str, given: object) -> str:
    if value not in known:
        raise ArgumentError(
            f"AUC({argument}={given!r}): {argument} is one of {', '.join(map(repr, known))}."
            f"{did_you_mean(value, known)}"
        )
    return value


def _inner(count: int) -> list[float]:
    if count <= 1:
        raise ArgumentError(f"AUC(num_thresholds={count!r}): a curve takes at least 2 thresholds.")
    return [(index + 1) * 1.0 / (count - 1) for index in range(count - 2)]


def _roc(counts: ConfusionCounts) -> _Points:
    """Recall over the share of the negatives that are taken for positives."""
    positives, negatives = counts.true_positives, counts.false_positives
    return (
        quotient(negatives, negatives + counts.true_negatives),
        quotient(positives, positives + counts.false_negatives),
    )


def _pr(counts: ConfusionCounts) -> _Points:
    """Precision over recall."""
    found = counts.true_positives
    return (
        quotient(found, found + counts.false_negatives),
        quotient(found, found + counts.false_positives),
    )


def _pr_gain(counts: ConfusionCounts) -> _Points:
    """Precision over recall, each as a gain over a model that always says 1 (Flach and
    Kull 2015).
    """
    found, missed = counts.true_positives, counts.false_negatives
    scale = quotient(found + missed, counts.true_negatives + counts.false_positives)
    recall = 1.0 - scale * quotient(missed, found)
    precision = 1.0 - scale * quotient(counts.false_positives, found)
    none = found == 0
    return torch.where(none, 0.0, recall).clamp(min=0.0), torch.where(none, 1.0, precision)


_POINTS: dict[str, Callable[[ConfusionCounts], _Points]] = {
    "ROC": _roc,
    "PR": _pr,
    "PRGAIN": _pr_gain,
}


def _interpolated_precision(counts: ConfusionCounts) -> Tensor:
    """The areas under the precision-recall curve between neighbouring thresholds.

    Between two thresholds the counts are interpolated. To interpolate precision itself gives too
    large an area (Davis and Goadrich 2006).
    """
    found, missed = counts.true_positives, counts.false_negatives
    taken = found + counts.false_positives
    grown = found[:-1] - found[1:]
    slope = quotient(grown, (taken[:-1] - taken[1:]).clamp(min=0.0))
    intercept = found[1:] - slope * taken[1:]
    both = (taken[:-1] > 0) & (taken[1:] > 0)
    ratio = torch.where(both, quotient(taken[:-1], taken[1:].clamp(min=0.0)), 1.0)
    area = slope * (grown + intercept * torch.log(ratio))
    return quotient(area, (found[1:] + missed[1:]).clamp(min=0.0))
