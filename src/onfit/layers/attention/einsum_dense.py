"""EinsumDense: a dense layer over any axes, which an equation names."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from onfit import activations, constraints, initializers, regularizers
from onfit.errors import ArgumentError, ShapeError
from onfit.layers.activated import Activated, as_weight
from onfit.layers.arguments import OF_ADAPTERS, NotHere
from onfit.layers.shapes import Shape


class EinsumDense(Activated):
    """`activation(einsum(equation, x, kernel) + bias)`.

    Args:
        equation: the axes of input, kernel and output, by letters: `"abc,cd->abd"`; `"..."` for
            axes that stay as they are.
        output_shape: the shape of a sample of the output; None for an axis that is as long as in
            the input.
        activation: a name or a callable; None for none.
        bias_axes: the letters of the output's axes that the bias has; None for no bias.
        kernel_initializer: sets the kernel's first values.
        bias_initializer: sets the bias's first values.
        kernel_regularizer: penalty on the kernel.
        bias_regularizer: penalty on the bias.
        kernel_constraint: limit of the kernel.
        bias_constraint: limit of the bias.
        **layer: arguments of every layer.

    Example:
        >>> layer = EinsumDense("abc,cd->abd", output_shape=(None, 3), bias_axes="d")
        >>> layer(torch.zeros(2, 5, 4)).shape
        torch.Size([2, 5, 3])
    """

    of_keras_alone: ClassVar[Mapping[str, NotHere]] = {
        **OF_ADAPTERS,
        "gptq_unpacked_column_size": NotHere("Use torch.ao.quantization on the trained model."),
    }
    supports_masking = True
    kernel: Tensor
    bias: Tensor | None

    def __init__(
        self,
        equation: str,
        output_shape: int | Sequence[int | None],
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **layer: Any,
    ) -> None:
        super().__init__(**layer)
        self.equation = equation
        self.bias_axes = bias_axes
        self._axes()
        is_one = isinstance(output_shape, int)
        self.partial_output_shape = (output_shape,) if is_one else tuple(output_shape)  # type: ignore[arg-type]
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def build(self, input_shape: Shape) -> None:
        inputs, kernel, output = self._axes()
        if "..." not in inputs and len(inputs) != len(input_shape):
            raise ShapeError(
                f"{self.described}: its equation {self.equation!r} names {len(inputs)} axes of the "
                f"input, which has the shape {tuple(input_shape)}. Name each axis, or write '...'."
            )
        sizes = _sizes(inputs, input_shape)
        lengths = _sizes(output, (input_shape[0], *self.partial_output_shape))
        known = {**lengths, **{axis: size for axis, size in sizes.items() if size is not None}}
        if lacking := [axis for axis in kernel if known.get(axis) is None]:
            raise ShapeError(
                f"{self.described}: the length of {', '.join(lacking)} in its equation "
                f"{self.equation!r} is not known from inputs of shape {tuple(input_shape)} and "
                f"output_shape={self.partial_output_shape}, which has a number for each axis of "
                "the output behind the first."
            )
        self.add_weight("kernel", tuple(known[axis] for axis in kernel), self.kernel_initializer)
        if self.bias_axes is None:
            self.bias = None
            return
        named = output.replace("...", "")
        first = min(map(named.index, self.bias_axes))
        shape = tuple(
            lengths.get(axis) or known[axis] if axis in self.bias_axes else 1
            for axis in named[first:]
        )
        self.add_weight("bias", shape, self.bias_initializer)

    def _axes(self) -> tuple[str, str, str]:
        given, arrow, output = self.equation.replace(" ", "").partition("->")
        inputs, comma, kernel = given.partition(",")
        unknown = {*(self.bias_axes or ""), *kernel} - {*inputs, *output}
        if not arrow or not comma or unknown:
            raise ArgumentError(
                f"EinsumDense(equation={self.equation!r}): write the axes of input, kernel and "
                "output, such as 'abc,cd->abd'; each of the kernel and the bias is in one of them."
            )
        return inputs, kernel, output

    def preactivation(self, x: Tensor) -> Tensor:
        product: Tensor = torch.einsum(self.equation, as_weight(x, self.kernel), self.kernel)
        return product if self.bias is None else product + self.bias

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "equation": self.equation,
            "output_shape": self.partial_output_shape,
            "activation": self.activation,
            "bias_axes": self.bias_axes,
            "kernel_initializer": self.kernel_initializer,
            "bias_initializer": self.bias_initializer,
            "kernel_regularizer": self.kernel_regularizer,
            "bias_regularizer": self.bias_regularizer,
            "kernel_constraint": self.kernel_constraint,
            "bias_constraint": self.bias_constraint,
        }


def _sizes(axes: str, shape: Shape) -> dict[str, int | None]:
    """The length of each axis that has a letter. Those of "..." have none."""
    before, dots, behind = axes.partition("...")
    if not dots:
        return dict(zip(axes, shape, strict=False))
    ends = dict(zip(reversed(behind), reversed(shape), strict=False))
    return {**dict(zip(before, shape, strict=False)), **ends}
