"""A weight: a parameter of torch that also answers to Keras' names."""

from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch._C import DisableTorchFunctionSubclass

from onfit.dtypes import Numbers, as_numpy
from onfit.errors import ArgumentTypeError, ShapeError

# Within, torch does not ask a subclass of Tensor what it does instead of an operation. A `Weight`
# does nothing else, and then costs what a parameter of torch costs.
as_plain_tensors = DisableTorchFunctionSubclass


class Weight(nn.Parameter):
    """A parameter of torch that also has Keras' names.

    Attributes:
        trainable: whether training may change it. One that may not is a buffer of its layer.
        name: its name; empty if it has none.

    Example:
        >>> weight = Weight(torch.zeros(2))
        >>> weight.assign([1.0, 2.0]).numpy()
        array([1., 2.], dtype=float32)
    """

    trainable: bool = True
    name: str = ""

    def __new__(cls, value: Tensor, trainable: bool = True, name: str = "") -> Self:
        made: Self = Tensor._make_subclass(cls, value.detach(), trainable)
        made.trainable, made.name = trainable, name
        return made

    @property
    def value(self) -> Self:
        """The weight itself, which is a tensor."""
        return self

    def numpy(self, *, force: bool = True) -> np.ndarray[Any, Any]:
        """A copy as a numpy array."""
        return as_numpy(self).copy()

    def assign(self, value: Numbers) -> Self:
        """Replace its numbers.

        Args:
            value: an array or tensor of its shape.

        Raises:
            ShapeError: for another shape.
        """
        with torch.no_grad():
            self.copy_(self._of_own_shape(value))
        return self

    def assign_add(self, value: Numbers) -> Self:
        """Add a number, or an array of its shape."""
        with torch.no_grad():
            self.add_(self._like(value))
        return self

    def assign_sub(self, value: Numbers) -> Self:
        """Subtract a number, or an array of its shape."""
        with torch.no_grad():
            self.sub_(self._like(value))
        return self

    def _like(self, value: Any) -> Tensor:
        return tensor_like(value, self, self.name)

    def _of_own_shape(self, value: Any) -> Tensor:
        return numbers_of(value, self, self.name)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        if id(self) not in memo:
            memo[id(self)] = self.like(self.detach().clone(memory_format=torch.preserve_format))
        copied: Self = memo[id(self)]
        return copied

    def like(self, value: Tensor) -> Self:
        """A weight of this name that has the numbers of `value`."""
        made = type(self)(value, self.trainable, self.name)
        made.requires_grad = self.requires_grad
        return made

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _restored, (type(self), self.detach(), self.requires_grad, self.trainable, self.name)


def numbers_of(value: Any, weight: Tensor, name: str) -> Tensor:
    """A tensor of the shape, type and device of a weight, for its numbers.

    Args:
        value: an array, a tensor or nested lists.
        weight: the weight.
        name: its name, for errors.

    Raises:
        ShapeError: for another shape.
        ArgumentTypeError: for what holds no numbers.
    """
    tensor = tensor_like(value, weight, name)
    if tensor.shape != weight.shape:
        raise ShapeError(
            f"assign: weight {name!r} has shape {tuple(weight.shape)}, the new value "
            f"{tuple(tensor.shape)}. Pass an array of the weight's shape."
        )
    return tensor


def tensor_like(value: Any, weight: Tensor, name: str) -> Tensor:
    """A tensor of the type and device of a weight, of any shape.

    Raises:
        ArgumentTypeError: for what holds no numbers.
    """
    try:
        return torch.as_tensor(value, dtype=weight.dtype, device=weight.device).detach()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ArgumentTypeError(
            f"assign: weight {name!r} takes numbers, and the new value is of type "
            f"{type(value).__name__}: {error}. Pass an array of the weight's shape."
        ) from error


def _restored(
    kind: type[Weight], value: Tensor, requires_grad: bool, trainable: bool, name: str
) -> Weight:
    made = kind(value, trainable, name)
    made.requires_grad = requires_grad
    return made
