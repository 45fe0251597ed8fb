"""Limits on weights, by Keras' names. A weight is brought within its limit after each step."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from onfit._types import Identifier
from onfit.configured import Catalog, Configured, serialized
from onfit.errors import refusal_of_names

EPSILON = 1e-7  # what Keras adds to a norm before it divides by it

Axes = int | Sequence[int]


class Constraint(Configured):
    """Brings a weight within a limit. Subclass it and write `__call__`.

    Example:
        >>> class Below(Constraint):
        ...     def __init__(self, limit=1.0):
        ...         self.limit = limit
        ...     def __call__(self, w):
        ...         return w.clamp(max=self.limit)
        >>> Below(2.0)(torch.tensor([1.0, 3.0]))
        tensor([1., 2.])
    """

    def __call__(self, w: Tensor) -> Tensor:
        """The weight within the limit; `w` itself is not changed."""
        return w


class MaxNorm(Constraint):
    """Scales down what has a norm above `max_value`.

    Args:
        max_value: the largest norm.
        axis: the axis along which norms are taken, or several. In a Dense kernel, of shape
            (inputs, units), 0 takes one norm for each unit; in a Conv2D kernel [0, 1, 2] takes
            one for each filter.

    Example:
        >>> MaxNorm(1.0)(torch.tensor([[3.0], [4.0]]))
        tensor([[0.6000],
                [0.8000]])
    """

    def __init__(self, max_value: float = 2, axis: Axes = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Tensor) -> Tensor:
        norms = _norms(w, self.axis)
        return w * (norms.clamp(0, self.max_value) / (EPSILON + norms))


class NonNeg(Constraint):
    """Makes negative numbers 0."""

    def __call__(self, w: Tensor) -> Tensor:
        return w.clamp(min=0)


class UnitNorm(Constraint):
    """Scales to a norm of 1.

    Args:
        axis: the axis along which norms are taken, or several; see `MaxNorm`.
    """

    def __init__(self, axis: Axes = 0) -> None:
        self.axis = axis

    def __call__(self, w: Tensor) -> Tensor:
        return w / (EPSILON + _norms(w, self.axis))


class MinMaxNorm(Constraint):
    """Scales what has a norm below `min_value` or above `max_value`.

    Args:
        min_value: the smallest norm.
        max_value: the largest norm.
        rate: how much of the way to the limit is gone at each step, from 0 to 1.
        axis: the axis along which norms are taken, or several; see `MaxNorm`.
    """

    def __init__(
        self,
        min_value: float = 0.0,
        max_value: float = 1.0,
        rate: float = 1.0,
        axis: Axes = 0,
    ) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Tensor) -> Tensor:
        norms = _norms(w, self.axis)
        limited = norms.clamp(self.min_value, self.max_value)
        desired = self.rate * limited + (1 - self.rate) * norms
        return w * (desired / (EPSILON + norms))


def _norms(w: Tensor, axis: Axes) -> Tensor:
    dims = axis if isinstance(axis, int) else tuple(axis)
    return torch.sqrt(torch.sum(torch.square(w), dim=dims, keepdim=True))


# Keras' lower-case spelling, and the shorter one of Keras 1, which are called like a class.
max_norm = maxnorm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = nonneg = NonNeg
unit_norm = unitnorm = UnitNorm

_CATALOG = Catalog(
    "constraint", Constraint, "a weight",
    {
        "max_norm": MaxNorm, "maxnorm": MaxNorm, "min_max_norm": MinMaxNorm, "non_neg": NonNeg,
        "nonneg": NonNeg, "unit_norm": UnitNorm, "unitnorm": UnitNorm,
    },
)  # fmt: skip


def get(identifier: Identifier | None) -> Callable[[Tensor], Tensor] | None:
    """The constraint of that name; a callable is returned as it is, and None means none.

    Args:
        identifier: a name, a class, a callable of a weight, or what `serialize` returned.

    Raises:
        ArgumentError: for an unknown name.

    >>> get("max_norm").get_config()
    {'max_value': 2, 'axis': 0}
    """
    return None if identifier is None else _CATALOG.get(identifier)


from_config = _CATALOG.from_config
deserialize = get
serialize = serialized

if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others
    __getattr__ = refusal_of_names(__name__, [*_CATALOG, "get", "serialize", "deserialize"])
