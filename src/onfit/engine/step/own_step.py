"""Steps that a model's author wrote: `train_step` and `test_step` of a subclass."""

import copy
from collections.abc import Callable, Sequence
from functools import partial
from operator import is_
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from onfit._types import LogValues
from onfit.core.logs import Logs
from onfit.core.meter import RunningMeans, as_number
from onfit.core.processes import means_of
from onfit.engine.data.arrays import Samples
from onfit.engine.data.shares import size_of_share
from onfit.engine.data.source import size_of
from onfit.engine.step.limits import Limits
from onfit.engine.step.loss_and_metrics import LossAndMetrics
from onfit.engine.step.seen import BatchSeen
from onfit.errors import ArgumentTypeError
from onfit.layers.added_losses import may_add
from onfit.metrics import Mean, Metric, StatefulMetric
from onfit.metrics.own import set_state, state_of
from onfit.metrics.results import is_result, results

if TYPE_CHECKING:
    from onfit.engine.model.compilable import Compilable
    from onfit.engine.step.compiled import Compiled


class OwnStep:
    """Gives a batch to the author's step, and takes the means of what it returns.

    Args:
        model: the model, for errors.
        step: its `train_step` or `test_step`.
        trains: whether it is the former.

    Attributes:
        totals: sample-weighted means of the values that the step returned; for metrics that
            keep a state, their own values.
    """

    keeps_outputs = False  # its author's step keeps what it likes

    def __init__(
        self, model: "Compilable", step: Callable[[Any], Any], *, trains: bool = False
    ) -> None:
        self._model = model
        self._step = step
        self._trains = trains
        self._judge = _judge_of(model)
        self._limits = Limits(model) if trains else None
        stateful = {} if self._judge is None else self._judge.stateful
        loss, others = Mean("loss"), copy.deepcopy(_without(stateful, model.compiled))
        self._metrics = [loss, *{**others, **stateful}.values()]
        trackers = {"loss": loss, **others, **trackers_of(model)}
        self.totals = _Means(stateful, trackers)

    def seen(self, batch: Samples) -> BatchSeen:
        """The batch as callbacks see it. What the model gave, only its author's step knows."""
        return BatchSeen(*batch)

    def prepare(self) -> None:
        """Build the optimizer, if there is one, for what trains now."""
        if self._model.optimizer is not None:
            self._model.optimizer.build(self._model.trainable_weights)

    def __call__(self, batch: Samples) -> None:
        if not self._trains and not size_of_share(batch):  # one of several processes has none
            self._walk_along(batch)
            return
        if self._trains and not self._is_prepared():
            self.prepare()
        self._model.judge, self._model.metrics_of_step = self._judge, self._metrics
        try:
            values = self._step(as_data(batch))
            so_far = self._results(values)
        finally:
            self._model.judge = self._model.metrics_of_step = None
        if self._limits is not None and self._limits.weights:
            self._limits.impose(self._model.trainable_weights)
        if not isinstance(values, dict):
            raise ArgumentTypeError(
                f"{self._model.described}.{getattr(self._step, '__name__', 'step')} returned "
                f"{type(values).__name__}. Return a dict of this batch's values, such as "
                "{'loss': loss}."
            )
        self.totals.note_results({**values, **so_far})
        self.totals.add({name: _detached(value) for name, value in values.items()}, size_of(batch))

    def _results(self, values: Any) -> dict[str, Any]:
        """What a `get_metrics_result` of the author's gives for what the step returned."""
        if not self._model.has_own("get_metrics_result") or not isinstance(values, dict):
            return {}
        found = results(self._model.get_metrics_result())
        return found if found.keys() == values.keys() else {}

    def _walk_along(self, batch: Samples) -> None:
        """Call the net with a sample that does not count, if the batch has one: the parts of a net
        that is divided among processes are needed in all of them at once.
        """
        if size_of(batch):
            with torch.no_grad():
                self._model(batch[0])

    def _is_prepared(self) -> bool:
        """Whether the optimizer has the parameters that train now: a layer may have been frozen."""
        if self._model.optimizer is None:
            return True
        known, params = self._model.optimizer.params, self._model.trainable_weights
        return len(known) == len(params) and all(map(is_, known, params))


class WithFunctions:
    """The part of a model that has Keras' functions of a list with one batch: `make_train_function`
    and its like. `fit`, `evaluate` and `predict` call those that its author writes, or sets.
    """

    train_function: Callable[[list[Any]], Any] | None = None
    test_function: Callable[[list[Any]], Any] | None = None
    predict_function: Callable[[list[Any]], Any] | None = None

    def make_train_function(self, force: bool = False) -> Callable[[list[Any]], Any]:
        """Set `train_function`, if there is none, and return it: it calls `train_step` on the one
        batch of a list.

        Args:
            force: make it anew.

        Example:
            >>> class Counting(WithFunctions):
            ...     def make_train_function(self, force=False):
            ...         step = super().make_train_function(force)
            ...         def train(data):
            ...             self.calls += 1
            ...             return step(data)
            ...         self.train_function = train
            ...         return train
        """
        return self._made_function("train", force)

    def make_test_function(self, force: bool = False) -> Callable[[list[Any]], Any]:
        """The same for `test_function`, which calls `test_step`."""
        return self._made_function("test", force)

    def make_predict_function(self, force: bool = False) -> Callable[[list[Any]], Any]:
        """The same for `predict_function`, which calls `predict_step`."""
        return self._made_function("predict", force)

    def _made_function(self, kind: str, force: bool) -> Callable[[list[Any]], Any]:
        if force or getattr(self, f"{kind}_function") is None:
            setattr(self, f"{kind}_function", partial(_on_the_batch, self, f"{kind}_step"))
        function: Callable[[list[Any]], Any] = getattr(self, f"{kind}_function")
        return function

    def own_function(self, kind: str) -> Callable[[Any], Any] | None:
        """Of a batch: the `train_function` or other that its author wrote, or set; else None."""
        make = f"make_{kind}_function"
        wrote = getattr(type(self), make) is not getattr(WithFunctions, make)
        if not wrote and make not in vars(self) and getattr(self, f"{kind}_function") is None:
            return None
        made = getattr(self, make)()
        return partial(_in_a_list, getattr(self, f"{kind}_function") or made)


def _on_the_batch(model: Any, step: str, data: list[Any]) -> Any:
    return getattr(model, step)(data[0])


def _in_a_list(function: Callable[[list[Any]], Any], batch: Any) -> Any:
    return function([batch])


class _Means(RunningMeans):
    """Means of values. A metric that keeps a state has its own value instead: that is no mean.

    Args:
        stateful: those metrics of `compile`, by their names in the logs.
        trackers: the metrics that the author keeps in the model, by name.
    """

    def __init__(self, stateful: dict[str, StatefulMetric], trackers: dict[str, Metric]) -> None:
        self._stateful = stateful
        self._trackers = trackers
        super().__init__()

    def note_results(self, values: LogValues) -> None:
        """Note which values are the `result()` of a metric, for the epoch up to now."""
        for name, value in values.items():
            if is_result(value):
                self._results[name] = value.detach().clone()

    def add(self, values: LogValues, size: int) -> None:
        super().add(values, size)
        self.size = size

    def reset(self) -> None:
        super().reset()
        self._results: dict[str, Any] = {}
        for metric in (*self._stateful.values(), *self._trackers.values()):
            metric.reset_state()

    def report_epoch(self, logs: Logs, prefix: str = "") -> None:
        sums, sizes, results = dict(self._sums), dict(self._sizes), dict(self._results)
        states = {name: m.later() for name, m in self._stateful.items() if name in sums}

        def value(name: str) -> Any:
            if name in results:
                return as_number(results[name])
            return as_number(states[name]() if name in states else sums[name] / sizes[name])

        logs.defer([prefix + name for name in sums], lambda: [value(name) for name in sums])

    def sums(self) -> Any:
        """Sums, and of metrics their states: those of `compile`, and those that gave a result."""
        stateful = {name: one.state_dict() for name, one in self._stateful.items()}
        return super().sums(), stateful, {n: as_number(r) for n, r in self._results.items()}

    def report_sums(self, logs: Logs, each: Sequence[Any]) -> None:
        sums, states, results = zip(*each, strict=True)
        super().report_sums(logs, sums)
        for name, metric in self._stateful.items():
            if name in logs:
                logs[name] = metric.value_of_all([one[name] for one in states])
        logs.update({name: value for name, value in means_of(results).items() if name in logs})

    def merged_state(self, states: Sequence[dict[str, Any]]) -> dict[str, Any]:
        each = {name: [one["stateful"][name] for one in states] for name in self._stateful}
        stateful = {name: self._stateful[name].merged_state(some) for name, some in each.items()}
        return {**states[0], **super().merged_state(states), "stateful": stateful}

    def state_dict(self) -> dict[str, Any]:
        stateful = {name: metric.state_dict() for name, metric in self._stateful.items()}
        trackers = {name: state_of(metric) for name, metric in self._trackers.items()}
        more = {"stateful": stateful, "trackers": trackers, "results": dict(self._results)}
        return {**super().state_dict(), **more}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        for name, metric in self._stateful.items():
            metric.load_state_dict(state["stateful"][name])
        for name, its in state.get("trackers", {}).items():
            if name in self._trackers:
                set_state(self._trackers[name], its)
        self._results = dict(state.get("results", {}))


def trackers_of(model: Any) -> dict[str, Metric]:
    """The metrics among the attributes of a model, and in lists and dicts among them, by name."""
    found: dict[str, Metric] = {}
    for name, value in vars(model).items():
        pairs = value.items() if isinstance(value, dict) else enumerate(_listed(value))
        found |= {f"{name}.{key}": one for key, one in pairs if isinstance(one, Metric)}
    return found


def _without(stateful: dict[str, StatefulMetric], compiled: "Compiled") -> dict[str, Metric]:
    """The metrics of `compile` by name, but for those."""
    return {name: one for name, one in compiled.named_metrics.items() if name not in stateful}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _judge_of(model: "Compilable") -> LossAndMetrics | None:
    """What `compute_loss` and `compute_metrics` use throughout an epoch. None for a model that was
    compiled without a loss: its own step computes one.
    """
    if not model.compiled.has_loss and not may_add(model):
        return None
    return LossAndMetrics(model, model.compiled, behind_activations=False)


def as_data(batch: Samples) -> tuple[Any, ...]:
    """A batch in the form that Keras' steps unpack: (x,), (x, y) or (x, y, sample_weight)."""
    while batch and batch[-1] is None:
        batch = batch[:-1]  # type: ignore[assignment]
    return tuple(batch)


def _detached(value: Any) -> Any:
    return value.detach() if isinstance(value, Tensor) else value
