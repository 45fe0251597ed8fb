"""Metrics for which a user wrote `update_state`, `result` or `reset_state`."""

import copy
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from onfit.core.judging.objective import direction_by_name
from onfit.core.packages.plain import is_plain
from onfit.errors import ArgumentError
from onfit.metrics.means import MeanMetricWrapper
from onfit.metrics.metric import Metric, StatefulMetric
from onfit.metrics.variable import MetricVariable

_VARIABLES = "variables of the metric"
_KERAS_FACE = ("update_state", "result", "reset_state", "__call__")


def ready_for_logs(metric: Metric) -> Metric:
    """The metric as one step of a model keeps it: one with a state is copied, so that each step
    has a state of its own.

    Raises:
        ArgumentError: if its value is not one number, which a log needs.
    """
    if isinstance(metric, StatefulMetric):
        return metric.for_logs()
    if isinstance(metric, MeanMetricWrapper) and all(
        getattr(type(metric), name) is getattr(MeanMetricWrapper, name) for name in _KERAS_FACE
    ):
        return metric
    return OwnMetric(copy.deepcopy(metric))


class OwnMetric(StatefulMetric):
    """Measures with the methods that a user of Keras writes.

    Args:
        metric: the user's metric.
    """

    def __init__(self, metric: Metric) -> None:
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
        value = self.metric.result()
        if isinstance(value, dict) or torch.as_tensor(value).numel() != 1:
            raise ArgumentError(
                f"the metric {self.name} gives {_described(value)}, and a log holds one number. "
                "Give a dict of numbers, which are logged under their names; or call it in a "
                "train_step and test_step of your own."
            )
        # A copy: the next batch may change the user's tensors.
        return torch.as_tensor(value).detach().reshape(()).clone()

    def merged_state(self, states: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """What all have added up, as in Keras: the state is taken for sums."""
        fresh = copy.deepcopy(self)
        fresh.reset()
        state: dict[str, Any] = _added(fresh.state_dict(), states)
        return state

    def state_dict(self) -> dict[str, Any]:
        return state_of(self.metric)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        set_state(self.metric, state)


class ResultPart(OwnMetric):
    """One of the numbers that a user's metric gives as a dict, which is logged under its key.

    Args:
        metric: the metric. The part measures with a copy.
        key: the key of the dict.
    """

    def __init__(self, metric: Metric, key: Any) -> None:
        super().__init__(copy.deepcopy(metric))
        self.of, self.key, self.name = metric, key, str(key)
        self.direction = direction_by_name(self.name)

    def result(self) -> Tensor:
        value = self.metric.result()[self.key]
        return torch.as_tensor(value).detach().reshape(()).clone()


def parts_of(metric: Metric) -> list[Metric]:
    """The metrics that logs have of one: a part for each key, if its result is a dict."""
    if type(metric).__module__.startswith("onfit."):
        return [metric]
    fresh = copy.deepcopy(metric)
    try:  # a user's code, on a metric that has seen nothing yet
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fresh.reset_state()
            value = fresh.result()
    except Exception:
        return [metric]
    return [ResultPart(metric, key) for key in value] if isinstance(value, dict) else [metric]


def as_given(metrics: Iterable[Metric]) -> list[Metric]:
    """The metrics that a user gave, of which these may be parts; each once."""
    given = [one.of if isinstance(one, ResultPart) else one for one in metrics]
    return list({id(metric): metric for metric in given}.values())


def _described(value: Any) -> str:
    if isinstance(value, dict):
        return f"a dict of {', '.join(map(str, value))}"
    return f"numbers of shape {tuple(torch.as_tensor(value).shape)}"


def _added(start: Any, each: Sequence[Any]) -> Any:
    """What all have added to a state that was `start`: the numbers of each, less those that were
    there before, so that what is no sum (such as a threshold) stays as it is.
    """
    if isinstance(start, dict):
        return {name: _added(start[name], [one[name] for one in each]) for name in start}
    if isinstance(start, (list, tuple)):
        return [_added(*pair) for pair in zip(start, zip(*each, strict=True), strict=True)]
    if isinstance(start, (int, float, Tensor)) and not isinstance(start, bool):
        return start + sum(one - start for one in each)
    return each[0]


def state_of(metric: Metric) -> dict[str, Any]:
    """Its variables, its attributes that are plain data, and those of the metrics in it."""
    state = {
        name: state_of(value) if isinstance(value, Metric) else value
        for name, value in vars(metric).items()
        if isinstance(value, Metric) or (is_plain(value) and not isinstance(value, MetricVariable))
    }
    return {**state, _VARIABLES: [variable.value for variable in metric._variables]}


def set_state(metric: Metric, state: dict[str, Any]) -> None:
    """Go on from what `state_of` returned."""
    for variable, value in zip(metric._variables, state.get(_VARIABLES, ()), strict=False):
        variable.assign(value)
    for name, value in state.items():
        inner = vars(metric).get(name)
        if isinstance(inner, Metric):
            set_state(inner, value)
        elif name not in (_VARIABLES, "_made"):
            setattr(metric, name, value)
