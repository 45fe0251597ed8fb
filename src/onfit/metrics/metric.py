"""The base classes of metrics, and of those that keep a state."""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from onfit import initializers
from onfit._arguments import ChecksArguments
from onfit._types import Mode
from onfit.core.judging.objective import direction_by_name
from onfit.core.packages.plain import is_plain
from onfit.dtypes import DtypeLike
from onfit.errors import ArgumentTypeError, CapabilityError
from onfit.initializers.initializer import InitializerLike
from onfit.losses.loss import dtype_of
from onfit.metrics.naming import snake_case
from onfit.metrics.results import marked
from onfit.metrics.variable import MetricVariable


class Metric(ChecksArguments):
    """What `compile` takes as a metric. Subclass it as in Keras: keep numbers in variables
    (`add_variable`), and write `update_state` and `result`.

    On its own, a metric is used as in Keras: `update_state`, `result`, `reset_state`. In a
    training, what `compile` received is a recipe: training and validation keep a state each.

    Args:
        dtype: the type of its variables; torch's default if None.
        name: its name in the logs; its class' name in snake case if None.

    Attributes:
        name: its name in the logs.
        direction: whether it should grow (`"max"`) or shrink (`"min"`); None if that is not known.
        takes_logits: whether it takes outputs as they are before a softmax or sigmoid.

    Example:
        >>> import numpy as np
        >>> class Positives(Metric):
        ...     def __init__(self, name="positives", **kwargs):
        ...         super().__init__(name=name, **kwargs)
        ...         self.count = self.add_variable(shape=(), initializer="zeros", name="count")
        ...
        ...     def update_state(self, y_true, y_pred, sample_weight=None):
        ...         self.count.assign_add((y_pred > 0.5).sum())
        ...
        ...     def result(self):
        ...         return self.count
        >>> float(Positives()(np.array([1, 0]), np.array([0.9, 0.7])))
        2.0
    """

    name: str
    direction: Mode | None = None
    takes_logits = False

    def __init__(self, dtype: DtypeLike = None, name: str | None = None) -> None:
        if name is not None and not isinstance(name, str):
            raise ArgumentTypeError(
                f"{type(self).__name__}(name={name!r}): a name is a text. A function of (y_true, "
                "y_pred) becomes a metric as MeanMetricWrapper(function, name)."
            )
        kind = type(self)
        self.name = name or getattr(kind, "name", None) or snake_case(kind.__name__)
        self.direction = self.direction or direction_by_name(self.name)
        self._dtype = dtype_of(dtype, type(self).__name__)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # `reset_states` is Keras 2's name of `reset_state`.
        super().__init_subclass__(**kwargs)
        own = vars(cls)
        if "reset_states" in own and "reset_state" not in own:
            cls.reset_state = own["reset_states"]  # type: ignore[method-assign]
        if "result" in own:
            cls.result = marked(own["result"])  # type: ignore[assignment,method-assign]

    @property
    def dtype(self) -> torch.dtype:
        """The type of its variables."""
        own: torch.dtype | None = vars(self).get("_dtype")
        return own or torch.get_default_dtype()

    def sees_logits(self, output: Any) -> bool:
        """Whether it takes this output as it is before a softmax or sigmoid."""
        return self.takes_logits

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Take in samples, and return the value so far."""
        self.update_state(*args, **kwargs)
        return self.result()

    def add_variable(
        self,
        shape: Any = (),
        initializer: InitializerLike = "zeros",
        dtype: DtypeLike = None,
        aggregation: Any = None,
        name: str | None = None,
    ) -> MetricVariable:
        """A number of its own, or several: kept in checkpoints, and set to 0 by `reset_state`.

        Args:
            shape: its shape.
            initializer: what it begins with: a name, an initializer, or a function of the shape.
            dtype: its type; the metric's if None.
            aggregation: accepted without effect: a metric measures on one process.
            name: its name. (Keras 2's `add_weight` has it in the first place.)
        """
        if isinstance(shape, str):
            shape, name = (), shape
        kind = self.dtype if dtype is None else dtype_of(dtype, type(self).__name__)
        made = initializers.get(initializer or "zeros")(tuple(shape), dtype=kind)
        variable = MetricVariable.of(torch.as_tensor(made, dtype=kind), name or "variable")
        self._variables.append(variable)
        return variable

    add_weight = add_variable

    @property
    def _variables(self) -> list[MetricVariable]:
        found: list[MetricVariable] = vars(self).setdefault("_made", [])
        return found

    @property
    def variables(self) -> list[MetricVariable]:
        """Its variables, those of the metrics in it included."""
        inner = [value for value in vars(self).values() if isinstance(value, Metric)]
        return [*self._variables, *(variable for one in inner for variable in one.variables)]

    weights = variables

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in samples: numbers of any framework, and a weight for each."""
        raise NotImplementedError

    def result(self) -> Any:
        """The value so far: a new tensor."""
        raise NotImplementedError

    def reset_state(self) -> None:
        """Forget everything: by default, set all variables to 0."""
        for variable in self._variables:
            variable.assign(0)

    def reset_states(self) -> None:
        """The older name of `reset_state`."""
        self.reset_state()

    def get_config(self) -> dict[str, Any]:
        """The arguments that make it again."""
        own: torch.dtype | None = vars(self).get("_dtype")
        kind = {} if own is None else {"dtype": str(own).removeprefix("torch.")}
        return {"name": self.name, **kind}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Metric":
        """A metric with these arguments."""
        return cls(**config)


class StatefulMetric(Metric):
    """A metric that is no mean over samples: it keeps a state. Subclass it.

    Batch logs hold its value so far, epoch logs that of the whole epoch. A training calls
    `reset` before the first batch; to be used alone, a subclass calls it in its `__init__`.

    Example:
        >>> class Largest(StatefulMetric):
        ...     name, direction = "largest", "max"
        ...
        ...     def reset(self):
        ...         self.largest = torch.tensor(-torch.inf)
        ...
        ...     def update(self, y_true, y_pred):
        ...         self.largest = torch.maximum(self.largest.to(y_pred.device), y_pred.max())
        ...
        ...     def result(self):
        ...         return self.largest
    """

    def reset(self) -> None:
        """Forget everything: an epoch starts."""
        raise NotImplementedError

    def update(self, y_true: Any, y_pred: Any) -> None:
        """Take in a batch. Runs without gradients; must not wait for the device.

        May take `sample_weight` as a third argument, for `update_state`.
        """
        raise NotImplementedError

    def later(self) -> Callable[[], Tensor]:
        """A function that returns the present value, even if it is called after further updates.

        A metric whose updates replace its state, rather than change it, can compute the value
        in this function. Then the value is computed only if a callback reads it.
        """
        value = self.result()
        return lambda: value

    def state_dict(self) -> dict[str, Any]:
        """Its state, to go on from in a resumed training: tensors and plain data.

        By default these are all attributes of such kinds; a subclass may choose others.
        """
        return {name: value for name, value in vars(self).items() if is_plain(value)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        vars(self).update(state)

    def merged_state(self, states: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """One state for the samples of several processes, given the `state_dict()` of each.

        Write it for a metric that several processes are to measure together.
        """
        raise CapabilityError(
            f"the metric {self.name} was measured by {len(states)} processes, and keeps a state "
            f"that only its class can bring together. Write {type(self).__name__}.merged_state("
            "states), which gets the state_dict() of each process and returns one for all."
        )

    def value_of_all(self, states: Sequence[dict[str, Any]]) -> float:
        """The value for the samples of several processes, given the `state_dict()` of each."""
        together = copy.deepcopy(self)
        together.load_state_dict(self.merged_state(states))
        return float(together.result())

    def for_logs(self) -> "StatefulMetric":
        """A metric like this with a state of its own, for one step of a model to keep.

        Raises:
            ArgumentError: if its value is not one number, as a log needs it.
        """
        mine = copy.deepcopy(self)
        mine.reset()
        return mine

    @torch.no_grad()
    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        weight = () if sample_weight is None else (torch.as_tensor(sample_weight),)
        self.update(torch.as_tensor(y_true), torch.as_tensor(y_pred), *weight)

    def reset_state(self) -> None:
        self.reset()


class CountingMetric(StatefulMetric):
    """A metric of counts that add up from batch to batch: write `update` and `value_of`.

    The counts are one tensor, which is replaced and never changed. So a log can keep the tensor,
    and the value is computed only if the log is read.
    """

    _counts: Tensor | None = None

    def value_of(self, counts: Tensor | None) -> Tensor:
        """The value for these counts; they are None before the first batch."""
        raise NotImplementedError

    def add(self, counts: Tensor) -> None:
        """Count a batch."""
        self._counts = counts if self._counts is None else self._counts + counts

    def reset(self) -> None:
        self._counts = None

    def later(self) -> Callable[[], Tensor]:
        counts = self._counts
        return lambda: self.value_of(counts)

    def result(self) -> Tensor:
        return self.value_of(self._counts).to(self.dtype)

    def merged_state(self, states: Sequence[dict[str, Any]]) -> dict[str, Any]:
        counts = [state["counts"] for state in states if state["counts"] is not None]
        return {"counts": sum(counts[1:], counts[0]) if counts else None}

    def state_dict(self) -> dict[str, Any]:
        return {"counts": self._counts}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._counts = state["counts"]
