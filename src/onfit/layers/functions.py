"""Layers without weights: Identity, Reshape, and Lambda for any other function."""

import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor

from onfit.errors import ArgumentError, ArgumentTypeError, ShapeError
from onfit.layers.layer import Layer


class Identity(Layer):
    """Gives on what comes in."""

    supports_masking = True

    def forward(self, x: Any) -> Any:
        return x


class AddLoss(Layer):
    """Adds what comes in to what training lowers, and gives it on. `model.add_loss(symbol)` puts
    one into a functional model.

    Args:
        weight: what it is multiplied by, as a part of the loss.
        **layer: arguments of every layer.

    Example:
        >>> import torch
        >>> layer = AddLoss(0.5)
        >>> out = layer(torch.tensor(3.0))
        >>> layer.losses
        [tensor(1.5000)]
    """

    supports_masking = True

    adds_losses = True

    def __init__(self, weight: float = 1.0, **layer: Any) -> None:
        super().__init__(**layer)
        self.weight = weight

    def forward(self, x: Tensor) -> Tensor:
        self.add_loss(x.sum() * self.weight)
        return x

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "weight": self.weight}


class Reshape(Layer):
    """Gives every sample another shape.

    Args:
        target_shape: the shape of one sample, without the batch axis; one axis may be -1: its
            length follows from the others.
        **layer: arguments of every layer.

    Raises:
        ShapeError: if the sizes do not agree. The text names the layer.

    Example:
        >>> import torch
        >>> Reshape((2, -1))(torch.zeros(5, 12)).shape
        torch.Size([5, 2, 6])
    """

    def __init__(self, target_shape: Sequence[int], **layer: Any) -> None:
        super().__init__(**layer)
        self.target_shape = tuple(target_shape)
        if self.target_shape.count(-1) > 1:
            raise ArgumentError(
                f"Reshape(target_shape={target_shape}): only one axis can take what the others "
                "leave (-1)."
            )

    def forward(self, x: Tensor) -> Tensor:
        have = math.prod(x.shape[1:])
        want = math.prod(size for size in self.target_shape if size != -1)
        if have != want and (-1 not in self.target_shape or have % want):
            raise ShapeError(
                f"{self.described} cannot give a sample of shape {tuple(x.shape[1:])}, {have} "
                f"values, the shape {self.target_shape}."
            )
        return x.reshape(x.shape[0], *self.target_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": self.target_shape}


class Lambda(Layer):
    """Any function of tensors as a layer.

    Args:
        function: takes a tensor, or a list of them, and returns one or several.
        output_shape: not used. Keras sometimes needs it; onfit finds the output's shape by running
            the function, and accepts this argument so that code written for Keras runs.
        mask: the mask of the output: a tensor, or a function of the input and its mask; None for
            none.
        arguments: dict of further named arguments of the function.
        **layer: arguments of every layer.

    Example:
        >>> import torch
        >>> Lambda(lambda x, by: x * by, arguments={"by": 2})(torch.ones(1, 2))
        tensor([[2., 2.]])
    """

    casts_outputs = False

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: Mapping[str, Any] | None = None,
        **layer: Any,
    ) -> None:
        if not callable(function):
            raise ArgumentTypeError(
                f"Lambda(function={function!r}): function is a function of tensors; got "
                f"{type(function).__name__}."
            )
        super().__init__(**layer)
        self.function = function
        self.arguments = dict(arguments or {})
        self.mask = mask
        if mask is not None:
            self.supports_masking, self.makes_masks, self.is_simple = True, True, False

    def forward(self, x: Any, mask: Any = None) -> Any:
        """The result of the function, which is given the mask if it has an argument `mask`."""
        if mask is not None and _takes_mask(self.function):
            return self.function(x, mask=mask, **self.arguments)
        return self.function(x, **self.arguments)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """What the argument `mask` says."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "function": self.function,
            "mask": self.mask,
            "arguments": self.arguments,
        }


def _takes_mask(function: Callable[..., Any]) -> bool:
    try:
        return "mask" in inspect.signature(function).parameters
    except ValueError:  # a function of torch's, which does not say what it takes
        return False
