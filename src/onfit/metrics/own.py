"""Metrics for which a user wrote `update_state`, `result` or `reset_state`."""

import copy
from typing import Any

import torch
from torch import Tensor

from onfit.core.packages.plain import is_plain
from onfit.metrics.metric import AnyMetric, Metric, StatefulMetric

_KERAS_FACE = ("update_state", "result", "reset_state", "__call__")


def ready_for_logs(metric: AnyMetric) -> AnyMetric:
    """The metric as one step of a model keeps it: one with a state is copied, so that each step
    has a state of its own.

    Raises:
        ArgumentError: if its value is not one number, which a log needs.
    """
    if isinstance(metric, StatefulMetric):
        return metric.for_logs()
    if isinstance(metric, Metric) and all(
        getattr(type(metric), name) is getattr(Metric, name) for name in _KERAS_FACE
    ):
        return metric
    return OwnMetric(copy.deepcopy(metric))


class OwnMetric(StatefulMetric):
    """Measures with the methods that a user of Keras writes.

    Args:
        metric: the user's metric.
    """

    def __init__(self, metric: AnyMetric) -> None:
        self.metric = metric
        self.name = metric.name
        self.direction = metric.direction
        self.takes_logits = metric.takes_logits
        self.reset()

    def reset(self) -> None:
        self.metric.reset_state()

    def update(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        weight = () if sample_weight is None else (sample_weight,)
        self.metric.update_state(y_true, y_pred, *weight)

    def result(self) -> Tensor:
        # A copy: the next batch may change the user's tensors.
        return torch.as_tensor(self.metric.result()).detach().clone()

    def state_dict(self) -> dict[str, Any]:
        return _state_of(self.metric)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        _set_state(self.metric, state)


def _state_of(metric: AnyMetric) -> dict[str, Any]:
    """Its attributes that are plain data, and those of the metrics among its attributes."""
    return {
        name: _state_of(value) if isinstance(value, AnyMetric) else value
        for name, value in vars(metric).items()
        if isinstance(value, AnyMetric) or is_plain(value)
    }


def _set_state(metric: AnyMetric, state: dict[str, Any]) -> None:
    for name, value in state.items():
        inner = vars(metric).get(name)
        if isinstance(inner, AnyMetric):
            _set_state(inner, value)
        else:
            setattr(metric, name, value)
