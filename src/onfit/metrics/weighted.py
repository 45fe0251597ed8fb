"""What `compile(weighted_metrics=...)` makes of a metric."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from onfit.errors import ArgumentError
from onfit.metrics.arithmetic import beside, quotient
from onfit.metrics.means import Mean, MeanMetricWrapper
from onfit.metrics.metric import CountingMetric, Metric, StatefulMetric
from onfit.metrics.own import OwnMetric, ready_for_logs


class Weighted(StatefulMetric):
    """Measures with another metric, in which each sample counts by its weight.

    Args:
        metric: the other metric.

    Raises:
        ArgumentError: if that one takes no weights.

    Example:
        >>> from onfit.metrics import get
        >>> error = Weighted(get("mae"))
        >>> error([1.0, 2.0], [1.0, 4.0], [3.0, 1.0]).item()
        0.5
    """

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self.name = metric.name
        self.direction = metric.direction
        self._measure = self._measure_of(metric)
        self.reset()

    def _measure_of(self, metric: Metric) -> StatefulMetric:
        ready = ready_for_logs(metric)
        if isinstance(ready, MeanMetricWrapper):
            return WeightedMean(ready)
        assert isinstance(ready, StatefulMetric)
        update = ready.metric.update_state if isinstance(ready, OwnMetric) else ready.update
        known = inspect.signature(update).parameters.values()
        kind = type(getattr(ready, "metric", metric)).__name__
        if not any(p.name == "sample_weight" or p.kind is p.VAR_POSITIONAL for p in known):
            raise ArgumentError(
                f"weighted_metrics=[{metric.name}]: {update.__name__}() of "
                f"{kind} takes no sample_weight. Add that argument, or move "
                "the metric to metrics=."
            )
        return ready

    def sees_logits(self, output: Any) -> bool:
        return self.metric.sees_logits(output)

    def reset(self) -> None:
        self._measure.reset()

    def update(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        weight = () if sample_weight is None else (sample_weight,)
        self._measure.update(y_true, y_pred, *weight)

    def later(self) -> Callable[[], Tensor]:
        return self._measure.later()

    def result(self) -> Tensor:
        value: Tensor = self._measure.result()
        return value

    def merged_state(self, states: Sequence[dict[str, Any]]) -> dict[str, Any]:
        return self._measure.merged_state(states)

    def state_dict(self) -> dict[str, Any]:
        return self._measure.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._measure.load_state_dict(state)

    def for_logs(self) -> "Weighted":
        return Weighted(self.metric)


class MaskedMetric(Weighted):
    """Measures the steps that count, each alike.

    Args:
        metric: measures a batch.
    """

    def for_logs(self) -> "MaskedMetric":
        return MaskedMetric(self.metric)


def heeds_masks(metric: Any) -> Any:
    """A metric that heeds masks, if it is the mean of something; another one as it is."""
    return MaskedMetric(metric) if isinstance(metric, MeanMetricWrapper) else metric


class WeightedMean(CountingMetric):
    """The weighted mean of what a metric without a state gives for each sample.

    Args:
        metric: that metric.
    """

    def __init__(self, metric: MeanMetricWrapper) -> None:
        self.metric = metric
        self.name = metric.name

    def update(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        values = self.metric.values(y_true, y_pred)
        if values.ndim == 0:  # one value for all samples of the batch
            values = values.expand(len(y_pred))
        mean = Mean()
        mean.update_state(values, sample_weight)
        self.add(torch.stack([mean.total, beside(mean.total, mean.count).to(mean.total)]))

    def value_of(self, counts: Tensor | None) -> Tensor:
        return torch.zeros(()) if counts is None else quotient(counts[0], counts[1])
