"""The base class of initializers, and those that draw no random numbers."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from onfit._types import Identifier
from onfit.configured import Configured
from onfit.dtypes import DtypeLike, Numbers, torch_dtype
from onfit.errors import ShapeError

Shape = tuple[int, ...]
# What names an initializer: also an array of the first values.
InitializerLike = Identifier | np.ndarray[Any, Any] | Tensor


class Initializer(Configured):
    """Makes a tensor of a given shape. Subclass it and write `__call__`."""

    def __call__(self, shape: Shape, dtype: Any = None) -> Tensor:
        """A new tensor of `shape`, on torch's default device.

        Args:
            shape: its shape.
            dtype: its type, as torch, numpy or Keras names it; torch's default for None.
        """
        raise NotImplementedError

    def clone(self) -> "Initializer":
        """An equal initializer."""
        return self.from_config(self.get_config())


class Zeros(Initializer):
    """All zeros."""

    def __call__(self, shape: Shape, dtype: DtypeLike = None) -> Tensor:
        return torch.zeros(shape, dtype=torch_dtype(dtype))


class Ones(Initializer):
    """All ones."""

    def __call__(self, shape: Shape, dtype: DtypeLike = None) -> Tensor:
        return torch.ones(shape, dtype=torch_dtype(dtype))


class Constant(Initializer):
    """All `value`.

    Args:
        value: a number, or an array: the weight's first values. It is repeated along axes where
            its length is 1.

    Raises:
        ShapeError: when it is called for a shape that an array does not fit.

    Example:
        >>> Constant([1.0, 2.0])((2, 2))
        tensor([[1., 2.],
                [1., 2.]])
    """

    def __init__(self, value: Numbers = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Shape, dtype: DtypeLike = None) -> Tensor:
        value = torch.as_tensor(self.value).to(torch.get_default_device(), torch_dtype(dtype))
        try:
            return value.broadcast_to(shape).clone()
        except RuntimeError as error:
            raise ShapeError(
                f"Constant(value=...) has an array of shape {tuple(value.shape)}, and the weight "
                f"has shape {tuple(shape)}. Give an array of the weight's shape."
            ) from error

    def get_config(self) -> dict[str, Any]:
        value = self.value.tolist() if hasattr(self.value, "tolist") else self.value
        return {"value": value}


class Identity(Initializer):
    """The identity matrix times `gain`."""

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Shape, dtype: DtypeLike = None) -> Tensor:
        require_matrix(self, shape, len(shape) == 2)
        return self.gain * torch.eye(*shape, dtype=torch_dtype(dtype))


def require_matrix(initializer: Initializer, shape: Shape, holds: bool) -> None:
    """Raise a ShapeError for a weight that is no matrix."""
    if not holds:
        raise ShapeError(
            f"initializer {type(initializer).__name__} makes matrices; got shape {tuple(shape)}. "
            "Give this weight another initializer, such as 'glorot_uniform'."
        )
