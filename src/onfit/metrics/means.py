"""Means over samples, and metrics that are one."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from onfit._types import Mode
from onfit.dtypes import DtypeLike
from onfit.errors import OnfitError
from onfit.metrics.arithmetic import down_to, per_sample, quotient, without_last_ones
from onfit.metrics.metric import Metric


class Mean(Metric):
    """The weighted mean of all values so far.

    Args:
        name: its name.
        dtype: the type of the mean.

    Example:
        >>> mean = Mean()
        >>> mean.update_state([1.0, 3.0, 5.0, 7.0])
        >>> float(mean.result())
        4.0
    """

    def __init__(self, name: str = "mean", dtype: DtypeLike = None) -> None:
        super().__init__(dtype, name)
        self.reset_state()

    def reset_state(self) -> None:
        self.total = torch.zeros((), dtype=self.dtype)
        self.count: Tensor | int = 0

    @torch.no_grad()
    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Take in a value, or one or several per sample, and a weight for each sample."""
        values = torch.as_tensor(values).to(self.dtype)
        if sample_weight is None:
            values = per_sample(values)
            self._add(values.sum(), values.numel())
        else:
            weight = without_last_ones(torch.as_tensor(sample_weight).to(values))
            values = down_to(weight.ndim, values)
            weight = weight.expand_as(values)
            self._add(per_sample(values * weight).sum(), per_sample(weight).sum())

    def add_mean(self, mean: Tensor, size: int) -> None:
        """Take in the mean of so many values."""
        self._add(mean.detach() * size, size)

    def _add(self, total: Tensor, count: Tensor | int) -> None:
        self.total = self.total + total
        self.count = self.count + count

    def result(self) -> Tensor:
        """The mean so far; 0 if there was no value."""
        return quotient(self.total, self.count).to(self.dtype)


class Sum(Metric):
    """The weighted sum of all values so far.

    Args:
        name: its name.
        dtype: the type of the sum.

    Example:
        >>> total = Sum()
        >>> total.update_state([1.0, 3.0, 5.0, 7.0])
        >>> float(total.result())
        16.0
    """

    def __init__(self, name: str = "sum", dtype: DtypeLike = None) -> None:
        super().__init__(dtype, name)
        self.reset_state()

    def reset_state(self) -> None:
        self.total = torch.zeros((), dtype=self.dtype)

    @torch.no_grad()
    def update_state(self, values: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Take in a value, or several, and a weight for each sample."""
        values = torch.as_tensor(values).to(self.dtype)
        if sample_weight is not None:
            weight = without_last_ones(torch.as_tensor(sample_weight).to(values))
            values = down_to(weight.ndim, values) * weight
        self.total = self.total.to(values.device) + values.sum()

    def result(self) -> Tensor:
        return self.total.clone()


class MeanMetricWrapper(Metric):
    """A function with the name it has in the logs.

    Args:
        fn: of `(y_true, y_pred)`; returns a value per sample, or one for the batch.
        name: its name in the logs; the function's own if None.
        dtype: the type of the mean.
        direction: `"max"` or `"min"`; None asks the name.
        **options: further arguments of the function.

    Its epoch value is the mean over samples. The sample weights of a training do not count.
    """

    def __init__(
        self,
        fn: Callable[..., Any],
        name: str | None = None,
        dtype: DtypeLike = None,
        direction: Mode | None = None,
        **options: Any,
    ) -> None:
        super().__init__(dtype, name or getattr(fn, "__name__", None))
        self.function = fn
        self.direction = direction or self.direction
        self.options = options
        self._mean = Mean(self.name, dtype)

    def of_batch(self, y_true: Any, y_pred: Any) -> Tensor:
        """The mean over the samples of a batch: a scalar."""
        value = self.values(y_true, y_pred)
        # A copy: a user's function may return a weight of the model, which the next batch changes.
        return value.float().mean() if value.ndim else value.detach().clone()

    def add_mean(self, mean: Tensor, size: int) -> None:
        """Take in what `of_batch` gave for a batch of that size."""
        self._mean.add_mean(mean, size)

    def values(self, y_true: Any, y_pred: Any) -> Tensor:
        """The value of each of these samples, or one for all."""
        try:
            value = self.function(y_true, y_pred, **self.options)
        except Exception as error:
            if not isinstance(error, OnfitError):
                error.add_note(f"raised by the metric {self.name!r} of {_shapes(y_true, y_pred)}")
            raise
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
        return {**super().get_config(), **self.options}


def _shapes(y_true: Any, y_pred: Any) -> str:
    """What is noted on an error: `y_true (32,), y_pred (32, 3)`."""
    named = {"y_true": y_true, "y_pred": y_pred}
    return ", ".join(f"{name} {tuple(getattr(of, 'shape', ()))}" for name, of in named.items())
