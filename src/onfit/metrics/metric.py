"""The base classes of metrics: means over samples, and metrics that keep a state."""

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from onfit._types import Mode
from onfit.core.objective import direction_by_name
from onfit.core.packages.plain import is_plain


class AnyMetric:
    """What `compile` takes as a metric: `Metric` and `StatefulMetric`.

    On its own, a metric is used as in Keras: `update_state`, `result`, `reset_state`. In a
    training, what `compile` received is a recipe: training and validation keep a state each.

    Attributes:
        name: its name in the logs.
        direction: whether it should grow (`"max"`) or shrink (`"min"`); None if that is not known.
        takes_logits: whether it takes outputs as they are before a softmax or sigmoid.
    """

    name: str
    direction: Mode | None = None
    takes_logits = False

    def sees_logits(self, output: Any) -> bool:
        """Whether it takes this output as it is before a softmax or sigmoid."""
        return self.takes_logits

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """Take in samples, and return the value so far."""
        self.update_state(y_true, y_pred, sample_weight)
        return self.result()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take in samples: numbers of any framework, and a weight for each."""
        raise NotImplementedError

    def result(self) -> Tensor:
        """The value so far: a new tensor."""
        raise NotImplementedError

    def reset_state(self) -> None:
        """Forget everything."""
        raise NotImplementedError


class StatefulMetric(AnyMetric):
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
        return self.value_of(self._counts)

    def state_dict(self) -> dict[str, Any]:
        return {"counts": self._counts}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._counts = state["counts"]


class Mean(AnyMetric):
    """The weighted mean of all values so far.

    Args:
        name: its name.

    Example:
        >>> mean = Mean()
        >>> mean.update_state([1.0, 3.0, 5.0, 7.0])
        >>> float(mean.result())
        4.0
    """

    def __init__(self, name: str = "mean") -> None:
        self.name = name
        self.direction = direction_by_name(name)
        self.reset_state()

    def __call__(self, values: Any, sample_weight: Any = None) -> Tensor:  # type: ignore[override]
        """Take in values, and return the mean so far."""
        self.update_state(values, sample_weight)
        return self.result()

    def reset_state(self) -> None:
        self.total = torch.zeros(())
        self.count: Tensor | int = 0

    @torch.no_grad()
    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Take in a value, or one or several per sample, and a weight for each sample."""
        values = torch.as_tensor(values).float()
        if sample_weight is None:
            values = _per_sample(values)
            self._add(values.sum(), values.numel())
        else:
            weight = without_last_ones(torch.as_tensor(sample_weight).to(values))
            values = _down_to(weight.ndim, values)
            weight = weight.expand_as(values)
            self._add(_per_sample(values * weight).sum(), _per_sample(weight).sum())

    def _add(self, total: Tensor, count: Tensor | int) -> None:
        self.total = self.total + total
        self.count = self.count + count

    def result(self) -> Tensor:
        """The mean so far; 0 if there was no value."""
        return quotient(self.total, self.count)


def quotient(numerator: Tensor, denominator: Tensor | int) -> Tensor:
    """One over the other; 0 where the denominator is 0."""
    denominator = torch.as_tensor(denominator, device=numerator.device)
    return torch.where(denominator == 0, 0.0, numerator / denominator)


def without_last_ones(weight: Tensor) -> Tensor:
    """A weight for each sample of shape (n,), where it came as (n, 1)."""
    while weight.ndim > 1 and weight.shape[-1] == 1:
        weight = weight.squeeze(-1)
    return weight


def _per_sample(values: Tensor) -> Tensor:
    return _down_to(1, values)


def _down_to(axes: int, values: Tensor) -> Tensor:
    """The means over all but the first axes."""
    return values.flatten(axes).mean(-1) if values.ndim > axes else values


class Metric(AnyMetric):
    """A function with the name it has in the logs.

    Args:
        function: of `(y_true, y_pred)`; returns a value per sample, or one for the batch.
        name: its name in the logs.
        direction: `"max"` or `"min"`; None asks the name.
        **options: further arguments of the function.

    Its epoch value is the mean over samples. The sample weights of a training do not count.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        name: str,
        direction: Mode | None = None,
        **options: Any,
    ) -> None:
        self.function = function
        self.name = name
        self.direction: Mode | None = direction or direction_by_name(name)
        self.options = options
        self._mean = Mean(name)

    def of_batch(self, y_true: Any, y_pred: Any) -> Tensor:
        """The mean over the samples of a batch: a scalar."""
        value = self.values(y_true, y_pred)
        # A copy: a user's function may return a weight of the model, which the next batch changes.
        return value.float().mean() if value.ndim else value.detach().clone()

    def values(self, y_true: Any, y_pred: Any) -> Tensor:
        """The value of each of these samples, or one for all."""
        value = self.function(y_true, y_pred, **self.options)
        if not isinstance(value, Tensor):
            value = torch.as_tensor(value, dtype=torch.get_default_dtype())
        return value

    @torch.no_grad()
    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        values = self.values(torch.as_tensor(y_true), torch.as_tensor(y_pred))
        self._mean.update_state(values, sample_weight)

    def result(self) -> Tensor:
        return self._mean.result()

    def reset_state(self) -> None:
        self._mean.reset_state()

    def get_config(self) -> dict[str, Any]:
        """The arguments that make it again, for a subclass."""
        return {"name": self.name, **self.options}
