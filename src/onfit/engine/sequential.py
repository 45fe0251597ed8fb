"""Sequential: a stack of layers."""

import re
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from onfit.activations import Activation
from onfit.engine.arrays import Samples
from onfit.engine.model import Model
from onfit.engine.shapes import Shape, described, output_shape
from onfit.errors import ArgumentError, ArgumentTypeError
from onfit.layers import Input, Layer


class Sequential(Model):
    """A model in which each layer takes the output of the one before.

    Weights are made as soon as the shape of the input is known: from `input_shape=` or
    `input_dim=` of the first layer, from an `Input` before it, from `build`, or from the first
    batch.

    Args:
        layers: onfit layers and torch modules, from input to output.
        name: its name.

    Example:
        >>> from onfit.layers import Dense
        >>> model = Sequential([Dense(8, activation="relu", input_dim=4), nn.LayerNorm(8)])
        >>> model.add(Dense(3, activation="softmax"))
        >>> model.output_shape
        (None, 3)
    """

    def __init__(self, layers: Iterable[Any] | None = None, name: str | None = None) -> None:
        super().__init__(name=name)
        self._layers: list[nn.Module] = []
        self.input_shape: Shape | None = None
        self.output_shape: Shape | None = None
        self._input_dtype: torch.dtype | None = None
        for layer in layers or ():
            self.add(layer)

    @property
    def layers(self) -> list[nn.Module]:
        """Its layers, from input to output."""
        return list(self._layers)

    def add(self, layer: Any) -> None:
        """Put a layer on top.

        Args:
            layer: an onfit layer, an `Input` (only as the first), or any torch module.

        Raises:
            ArgumentTypeError: for anything else.
            ShapeError: if it cannot take the output of the layer below.
        """
        if isinstance(layer, Input):
            self._declare(layer)
            return
        if not isinstance(layer, nn.Module):
            raise ArgumentTypeError(_not_a_layer(layer))
        declared = getattr(layer, "declared_shape", None)
        if not self._layers and self.input_shape is None and declared is not None:
            self._begin((None, *declared))
        if isinstance(layer, Layer) and not layer.name:
            layer.name = self._free_name(layer)
        if self.output_shape is not None:
            self._build_layer(layer)
        self._register(layer)

    def pop(self) -> None:
        """Take the last layer off."""
        if not self._layers:
            raise ArgumentError(f"{self.described} has no layer to take off.")
        layer = self._layers.pop()
        name = next(name for name, child in self.named_children() if child is layer)
        delattr(self, name)
        if self.input_shape is not None:
            self.output_shape = self.input_shape
            for remaining in self._layers:
                self._build_layer(remaining)

    def build(self, input_shape: Shape) -> None:
        """Make the weights for inputs of `input_shape`, batch axis first (None).

        Raises:
            ShapeError: naming the layer that cannot take what comes to it.
        """
        if self.built:
            return
        self._begin(tuple(input_shape))
        for layer in self._layers:
            self._build_layer(layer)

    @property
    def built(self) -> bool:
        """Whether the weights of all layers exist."""
        return self.output_shape is not None

    def ensure_built(self, batch: Samples) -> None:
        """Build for the shape of a batch."""
        if not self.built:
            self._input_dtype = batch.x.dtype
            self.build((None, *batch.x.shape[1:]))

    def forward(self, x: Any) -> Any:
        """The output of the last layer."""
        return self._through(self._layers, x)

    @property
    def output_activation(self) -> Activation | None:
        """The last layer's, if that can be left out."""
        last = self._layers[-1] if self._layers else None
        found: Activation | None = last.output_activation if isinstance(last, Layer) else None
        return found

    def logits(self, x: Any) -> Any:
        """The output before the last activation."""
        last: Any = self._layers[-1]
        return last.preactivation(self._through(self._layers[:-1], x))

    def _through(self, layers: list[nn.Module], x: Any) -> Any:
        for layer in layers:
            try:
                x = layer(x)
            except RuntimeError as error:
                error.add_note(f"in {described(layer)} of {self.described}, given {_shape_of(x)}")
                raise
        return x

    # --- building ------------------------------------------------------------------------

    def _declare(self, given: Input) -> None:
        if self._layers:
            raise ArgumentError("Input says what comes in: it must be the first in a Sequential.")
        if given.dtype is not None:
            self._input_dtype = getattr(torch, given.dtype)
        self._begin((None, *given.shape))

    def _begin(self, input_shape: Shape) -> None:
        self.input_shape = self.output_shape = input_shape

    def _build_layer(self, layer: nn.Module) -> None:
        assert self.output_shape is not None
        if isinstance(layer, Layer):
            layer.ensure_built(self.output_shape)
        first = not self._layers or layer is self._layers[0]
        dtype = self._input_dtype if first else None
        try:
            self.output_shape = output_shape(layer, self.output_shape, dtype)
        except BaseException:
            self.output_shape = self.output_shape if not self._layers else None
            raise

    def _register(self, layer: nn.Module) -> None:
        name = getattr(layer, "name", "") or self._free_name(layer)
        if name in dict(self.named_children()) or hasattr(self, name):
            raise ArgumentError(
                f"{self.described} cannot have a layer called {name!r}: the name is taken. "
                "Give the layer another."
            )
        self.add_module(name, layer)
        self._layers.append(layer)

    def _free_name(self, layer: nn.Module) -> str:
        """Keras' way: dense, dense_1, dense_2."""
        base = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(layer).__name__).lower()
        taken = dict(self.named_children())
        names = (base if index == 0 else f"{base}_{index}" for index in range(len(taken) + 1))
        return next(name for name in names if name not in taken)


def _not_a_layer(found: Any) -> str:
    if isinstance(found, type):
        return f"add() takes a layer, and {found.__name__} is a class. Write {found.__name__}(...)."
    return (
        f"add() takes an onfit layer or a torch module; got {found!r} of type "
        f"{type(found).__module__}.{type(found).__name__}. A function goes in "
        "layers.Activation(function)."
    )


def _shape_of(x: Any) -> str:
    return f"shape {tuple(x.shape)}" if hasattr(x, "shape") else type(x).__name__
