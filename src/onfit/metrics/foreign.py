"""Metrics that onfit did not write: those of torchmetrics."""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from onfit._types import Mode
from onfit.core.judging.objective import direction_by_name
from onfit.errors import ArgumentError, ArgumentTypeError
from onfit.metrics.metric import StatefulMetric
from onfit.metrics.naming import snake_case

_DIRECTIONS: dict[Any, Mode] = {True: "max", False: "min"}


class TorchMetric(StatefulMetric):
    """A torchmetrics object as a metric of onfit; `compile` makes one of each that it receives.

    The object receives outputs and targets in torch's order, and outputs of shape (n, 1) as (n,).
    The targets of a classification become integers, and one-hot labels become class indices.

    Args:
        metric: the torchmetrics object; a copy of it is used.
        name: its name in the logs; if None, the name of its class in snake case.

    Raises:
        ArgumentTypeError: for a collection of metrics.

    Example:
        >>> import torchmetrics                                             # doctest: +SKIP
        >>> model.compile("adam", "binary_crossentropy",                    # doctest: +SKIP
        ...     metrics=[TorchMetric(torchmetrics.AUROC("binary"), "auc")])
    """

    def __init__(self, metric: Any, name: str | None = None) -> None:
        if hasattr(metric, "items"):
            raise ArgumentTypeError(
                f"{type(metric).__name__} holds several metrics. Pass each of them as one, such "
                "as metrics=[*collection.values()]."
            )
        self.name = name or snake_case(type(metric).__name__)
        self.direction = _DIRECTIONS.get(
            getattr(metric, "higher_is_better", None), direction_by_name(self.name)
        )
        self.metric = copy.deepcopy(metric)
        # Processes bring their states together at the end of an epoch, not whenever one reads it.
        self.metric.sync_on_compute = False
        self.metric._to_sync = False
        self.reset()

    def reset(self) -> None:
        self.metric.reset()
        self._device: torch.device | None = None

    def update(self, y_true: Tensor, y_pred: Tensor) -> None:
        if y_pred.device != self._device:
            self.metric.to(y_pred.device)
            self._device = y_pred.device
        y_true, y_pred = self._in_its_form(y_true, y_pred)
        self.metric.update(y_pred, y_true)

    def _in_its_form(self, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
        if y_pred.ndim > 1 and y_pred.shape[-1] == 1:
            y_pred = y_pred.squeeze(-1)
        if y_true.ndim > 1 and y_true.shape[-1] == 1:
            y_true = y_true.squeeze(-1)
        kind = type(self.metric)
        if not any("torchmetrics.classification" in base.__module__ for base in kind.__mro__):
            return y_true.to(y_pred.dtype), y_pred
        if kind.__name__.startswith("Multiclass") and y_true.shape == y_pred.shape:
            y_true = y_true.argmax(-1)
        return y_true.long(), y_pred

    def state_dict(self) -> dict[str, Any]:
        states = {name: getattr(self.metric, name) for name in self.metric._defaults}
        # A copy: torchmetrics changes its states in place.
        return {"states": copy.deepcopy(states), "updates": self.metric._update_count}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.reset()
        for name, value in copy.deepcopy(state["states"]).items():
            setattr(self.metric, name, value)
        self.metric._update_count = state["updates"]

    def merged_state(self, states: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """One state, by the ways in which torchmetrics reduces each of its parts."""
        seen = [state for state in states if state["updates"]] or [states[0]]
        columns = {name: [one["states"][name] for one in seen] for name in seen[0]["states"]}
        reductions = self.metric._reductions
        found = {name: _reduced(reductions[name], each) for name, each in columns.items()}
        return {"states": found, "updates": sum(state["updates"] for state in seen)}

    def result(self) -> Tensor:
        """The value so far; NaN before the first batch."""
        if not self.metric.update_called:
            return torch.tensor(torch.nan)
        value = self.metric.compute()
        if not isinstance(value, Tensor) or value.numel() != 1:
            raise ArgumentError(
                f"the metric {self.name} of torchmetrics computed {_described(value)}, and a log "
                "holds one number. Choose options that give one, such as average='macro'."
            )
        return value.detach().clone().reshape(())


def _reduced(reduction: Any, each: Sequence[Any]) -> Any:
    """One state of several processes: a list is joined, tensors are reduced."""
    if isinstance(each[0], list):
        return [value for one in each for value in one]
    if getattr(reduction, "__name__", "") == "dim_zero_cat":
        return torch.cat(list(each))
    stacked = torch.stack([torch.as_tensor(one) for one in each])
    return stacked if reduction is None else reduction(stacked)


def is_of_torchmetrics(given: Any) -> bool:
    """Whether this is an object of torchmetrics, or of a subclass."""
    modules = (base.__module__ for base in type(given).__mro__)
    return any(module.partition(".")[0] == "torchmetrics" for module in modules) and all(
        hasattr(given, method) for method in ("update", "compute", "reset")
    )


def _described(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"values of shape {tuple(value.shape)}"
    return f"a {type(value).__name__}"
