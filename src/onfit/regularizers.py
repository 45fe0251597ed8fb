"""Penalties on weights, by Keras' names. Their factors may be changed in mid-training."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from onfit._types import Identifier
from onfit.configured import Catalog, Configured, serialized
from onfit.errors import ArgumentError, ShapeError, did_you_mean, refusal_of_names


class Regularizer(Configured):
    """A penalty on a weight, added to the loss. Subclass it and write `__call__`."""

    def __call__(self, x: Tensor) -> Tensor:
        """The penalty: a scalar."""
        raise NotImplementedError


class L1L2(Regularizer):
    """l1 * sum(|x|) + l2 * sum(x squared).

    Args:
        l1: factor of the absolute values.
        l2: factor of the squares.

    A change of either takes effect at the next batch.

    Raises:
        ArgumentError: for a factor that is negative or not finite.

    Example:
        >>> float(L1L2(l2=0.5)(torch.tensor([1.0, 2.0])))
        2.5
    """

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0) -> None:
        self.l1 = _factor(self, "l1", l1)
        self.l2 = _factor(self, "l2", l2)

    def __call__(self, x: Tensor) -> Tensor:
        penalty = x.new_zeros(())
        if self.l1:
            penalty = penalty + self.l1 * torch.sum(torch.abs(x))
        if self.l2:
            penalty = penalty + self.l2 * torch.sum(torch.square(x))
        return penalty

    def get_config(self) -> dict[str, Any]:
        return {"l1": float(self.l1), "l2": float(self.l2)}


class L1(L1L2):
    """l1 * sum(|x|)."""

    def __init__(self, l1: float | None = 0.01) -> None:
        super().__init__(l1=0.01 if l1 is None else l1)

    def get_config(self) -> dict[str, Any]:
        return {"l1": float(self.l1)}


class L2(L1L2):
    """l2 * sum(x squared)."""

    def __init__(self, l2: float | None = 0.01) -> None:
        super().__init__(l2=0.01 if l2 is None else l2)

    def get_config(self) -> dict[str, Any]:
        return {"l2": float(self.l2)}


class OrthogonalRegularizer(Regularizer):
    """factor * mean of |cosine| over all pairs of rows, or of columns, of a matrix.

    Args:
        factor: the factor; a change takes effect at the next batch.
        mode: `"rows"` or `"columns"`: the vectors that are to be orthogonal.

    Raises:
        ShapeError: when it is called with anything but a matrix.

    Example:
        >>> float(OrthogonalRegularizer(0.5)(torch.eye(3)))
        0.0
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = _factor(self, "factor", factor)
        if mode not in ("rows", "columns"):
            raise ArgumentError(
                f"OrthogonalRegularizer(mode={mode!r}): mode is 'rows' or 'columns'."
                f"{did_you_mean(mode, ('rows', 'columns'))}"
            )
        self.mode = mode

    def __call__(self, x: Tensor) -> Tensor:
        if x.ndim != 2:
            raise ShapeError(
                f"OrthogonalRegularizer is for matrices; got a weight of shape {tuple(x.shape)}."
            )
        vectors = F.normalize(x if self.mode == "rows" else x.T, dim=1, eps=1e-7)
        cosines = (vectors @ vectors.T).abs()
        pairs = len(vectors) * (len(vectors) - 1.0) / 2.0
        others: Tensor = cosines.sum() - cosines.diagonal().sum()
        penalty: Tensor = others * (self.factor * 0.5 / pairs)
        return penalty

    def get_config(self) -> dict[str, Any]:
        return {"factor": float(self.factor), "mode": self.mode}


def _factor(regularizer: Regularizer, name: str, value: Any) -> Any:
    """A factor; a tensor is kept as it is, so that changes of its value take effect."""
    value = 0.0 if value is None else value
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise ArgumentError(
            f"{type(regularizer).__name__}({name}={value!r}): {name} is a factor, a number from 0 "
            "upwards."
        )
    return value if isinstance(value, Tensor) else number


# Keras' lower-case spelling, which is called like a class.
l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer

_CATALOG = Catalog(
    "regularizer", Regularizer, "a weight",
    {"l1": L1, "l2": L2, "l1_l2": L1L2, "orthogonal_regularizer": OrthogonalRegularizer},
    # As Keras' documents say: a name alone asks for both.
    {"l1_l2": lambda: L1L2(0.01, 0.01), "L1L2": lambda: L1L2(0.01, 0.01)},
)  # fmt: skip


def get(identifier: Identifier | None) -> Callable[[Tensor], Tensor] | None:
    """The regularizer of that name; a callable is returned as it is, and None means none.

    Args:
        identifier: a name, a class, a callable of a weight, or what `serialize` returned. A name
            alone makes factors of 0.01.

    Raises:
        ArgumentError: for an unknown name.

    >>> get("l2").get_config()
    {'l2': 0.01}
    """
    return None if identifier is None else _CATALOG.get(identifier)


from_config = _CATALOG.from_config
deserialize = get
serialize = serialized

if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others
    __getattr__ = refusal_of_names(__name__, [*_CATALOG, "get", "serialize", "deserialize"])
