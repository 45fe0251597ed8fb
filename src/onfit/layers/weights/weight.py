"""A weight: a parameter of torch that also answers to Keras' names."""

from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn
from torch._C import DisableTorchFunctionSubclass

from onfit.dtypes import Numbers, as_numpy
from onfit.errors import ShapeError

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
        return torch.as_tensor(value, dtype=self.dtype, device=self.device).detach()

    def _of_own_shape(self, value: Any) -> Tensor:
        tensor = self._like(value)
        if tensor.shape != self.shape:
            raise ShapeError(
                f"assign: weight {self.name!r} has shape {tuple(self.shape)}, the new value "
                f"{tuple(tensor.shape)}. Pass an array of the weight's shape."
            )
        return tensor

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


def _restored(
    kind: type[Weight], value: Tensor, requires_grad: bool, trainable: bool, name: str
) -> Weight:
    made = kind(value, trainable, name)
    made.requires_grad = requires_grad
    return made
