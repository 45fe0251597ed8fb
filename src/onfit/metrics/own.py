"""A metric of a user's, who wrote its `update_state`, `result` or `reset_state` anew."""

import copy
from typing import Any

import torch
from torch import Tensor

from onfit.core.plain import is_plain
from onfit.metrics.metric import AnyMetric, Metric, StatefulMetric

_KERAS_FACE = ("update_state", "result", "reset_state", "__call__")


def ready_for_logs(metric: AnyMetric) -> AnyMetric:
    """The form of a metric that one step of a model keeps: what has a state, with one of its own.

    Raises:
        ArgumentError: if its value is not one number, as a log needs it.
    """
    if isinstance(metric, StatefulMetric):
        return metric.for_logs()
    if isinstance(metric, Metric) and all(
        getattr(type(metric), name) is getattr(Metric, name) for name in _KERAS_FACE
    ):
        return metric
    return OwnMetric(copy.deepcopy(metric))


class OwnMetric(StatefulMetric):
    """Measures by the methods that a user of Keras writes.

    Args:
        metric: the user's.
    """

    def __init__(self, metric: AnyMetric) -> None:
        self.metric = metric
        self.name = metric.name
        self.direction = metric.direction
        self.takes_logits = metric.takes_logits
        self.reset()

    def reset(self) -> None:
        self.metric.reset_state()

    def update(self, y_true: Any, y_pred: Any) -> None:
        self.metric.update_state(y_true, y_pred)

    def result(self) -> Tensor:
        # A copy: the next batch may change what it is made of.
        return torch.as_tensor(self.metric.result()).detach().clone()

    def state_dict(self) -> dict[str, Any]:
        return _state_of(self.metric)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        _set_state(self.metric, state)


def _state_of(metric: AnyMetric) -> dict[str, Any]:
    """Its plain attributes, and those of the metrics it is made of."""
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
