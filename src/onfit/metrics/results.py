"""What a metric's `result` returned is known as such where a training measures with it."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import torch
from torch import Tensor

from onfit.metrics.variable import MetricVariable


def marked(result: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A `result` whose tensors are known as results: see `is_result`."""

    @wraps(result)
    def kept(metric: Any) -> Any:
        value = result(metric)
        if type(value) is Tensor:
            value._is_result = True  # type: ignore[attr-defined]
        return value

    return kept


def results(values: Mapping[str, Any]) -> dict[str, Any]:
    """These values, known as results: tensors that are not those of a metric, so that a dict among
    them stands for its items, as in Keras.
    """
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            found |= results(value)
        else:
            found[name] = torch.as_tensor(getattr(value, "value", value)).detach().clone()
            found[name]._is_result = True
    return found


def is_result(value: Any) -> bool:
    """Whether this is what the `result` of a metric returned: a value for all samples so far."""
    return isinstance(value, MetricVariable) or getattr(value, "_is_result", False)
