"""Convolutions in one and two dimensions; `volumes` has those in three."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from onfit._types import Identifier
from onfit.errors import ArgumentError, ShapeError
from onfit.initializers.initializer import InitializerLike
from onfit.layers.activated import Affine, as_weight
from onfit.layers.checks import known, one_of, per_axis, require_size, whole
from onfit.layers.shapes import Shape
from onfit.layers.spatial import Layout, Margins, same_margins, with_margins


class Convolution(Affine):
    """The base class of convolutions; `rank` is the number of their dimensions."""

    rank: int
    paddings: tuple[str, ...] = ("valid", "same")

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        groups: int = 1,
        activation: Identifier | None = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: Identifier | None = None,
        bias_regularizer: Identifier | None = None,
        activity_regularizer: Identifier | None = None,
        kernel_constraint: Identifier | None = None,
        bias_constraint: Identifier | None = None,
        **layer: Any,
    ) -> None:
        super().__init__(
            activation,
            use_bias,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            **layer,
        )
        self.filters = whole(self, "filters", filters)
        self.kernel_size = per_axis(self, "kernel_size", kernel_size, self.rank)
        self.strides = per_axis(self, "strides", strides, self.rank)
        self.padding = one_of(self, "padding", padding, self.paddings)
        self.layout = Layout.of(self, self.rank, data_format)
        self.data_format = self.layout.data_format
        self.dilation_rate = per_axis(self, "dilation_rate", dilation_rate, self.rank)
        self.groups = whole(self, "groups", groups)
        if self.filters % self.groups:
            raise ArgumentError(
                f"{type(self).__name__}(filters={filters}, groups={groups}): every group makes "
                "as many of the filters, so groups must divide them."
            )

    def build(self, input_shape: Shape) -> None:
        self.layout.check(self, input_shape)
        channels = known(self, input_shape, self.layout.channels, "channels")
        if channels % self.groups:
            raise ShapeError(
                f"{self.described} has groups={self.groups}, which must divide the channels of "
                f"its inputs; got shape {input_shape}."
            )
        shape = (*self.kernel_size, channels // self.groups, self.filters)
        self.add_weight("kernel", shape, self._laid_out)
        self.add_bias(self.filters)

    def _laid_out(self, shape: tuple[int, ...]) -> Tensor:
        """A new kernel of Keras' shape, stored in the memory order that torch reads fastest."""
        space = range(self.rank)
        inputs, outputs = self.rank, self.rank + 1
        order = (outputs, *space, inputs) if self.layout.last else (outputs, inputs, *space)
        back = sorted(range(len(order)), key=order.__getitem__)
        return self.kernel_initializer(shape).permute(order).contiguous().permute(back)

    def preactivation(self, x: Tensor) -> Tensor:
        if type(self).convolution_op is Convolution.convolution_op:
            return self._convolved(x, self.kernel, self.bias)
        outputs = self.convolution_op(x, self.kernel)
        if self.bias is None:
            return outputs
        return (outputs.movedim(self.layout.channels, -1) + self.bias).movedim(
            -1, self.layout.channels
        )

    def convolution_op(self, inputs: Tensor, kernel: Tensor) -> Tensor:
        """The convolution alone; a subclass may write another one, or change the kernel.

        Args:
            inputs: what the layer is called on.
            kernel: of the shape of `self.kernel`.

        Returns:
            The output before bias and activation.

        Example:
            >>> class Standardized(Conv2D):
            ...     def convolution_op(self, inputs, kernel):
            ...         return super().convolution_op(inputs, kernel - kernel.mean())
            >>> Standardized(4, 3)(torch.ones(1, 5, 5, 2)).shape
            torch.Size([1, 3, 3, 4])
        """
        return self._convolved(inputs, kernel, None)

    def _convolved(self, x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
        self.layout.check(self, x.shape)
        kernel = kernel.movedim((-1, -2), (0, 1))
        expected = kernel.shape[1] * self.groups
        require_size(self, x.shape, self.layout.channels, expected, "channels")
        x = self.layout.to_torch(as_weight(x, kernel))
        x, padding = with_margins(x, self._margins(x.shape[2:]))
        convolve: Any = (torch.conv1d, torch.conv2d, torch.conv3d)[self.rank - 1]
        rest = (self.strides, padding, self.dilation_rate, self.groups)
        return self.layout.from_torch(convolve(x, kernel, bias, *rest))

    def _margins(self, lengths: Sequence[int]) -> Margins:
        if self.padding == "causal":
            return [((self.kernel_size[0] - 1) * self.dilation_rate[0], 0)]
        if self.padding == "same":
            return same_margins(lengths, self.kernel_size, self.strides, self.dilation_rate)
        return [(0, 0)] * self.rank

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.layout.data_format,
            "dilation_rate": self.dilation_rate,
            "groups": self.groups,
        }


class Conv1D(Convolution):
    """A kernel that slides along a sequence.

    Args:
        filters: how many channels the output has.
        kernel_size: how many steps the kernel spans.
        strides: how many steps the kernel moves each time.
        padding: `"valid"` for none; `"same"` for as many windows as there are steps (divided by
            `strides`); `"causal"` so that no output sees a later step.
        data_format: `"channels_last"` (also for None) for inputs of shape
            (batch, steps, channels); `"channels_first"` for (batch, channels, steps).
        dilation_rate: the distance between the steps that the kernel sees.
        groups: how many groups the channels are split into. Each group has filters of its own,
            which see no other group.
        activation: a name or a callable; None for none.
        use_bias: whether to add a bias.
        kernel_initializer: sets the first values of the kernel, of shape
            (kernel_size, channels / groups, filters).
        bias_initializer: sets the first values of the bias, of shape (filters,).
        kernel_regularizer: penalty on the kernel.
        bias_regularizer: penalty on the bias.
        activity_regularizer: penalty on the output.
        kernel_constraint: limit of the kernel, such as `"non_neg"` or `constraints.MaxNorm(3)`.
        bias_constraint: limit of the bias.
        **layer: arguments of every layer.

    Raises:
        ShapeError: if inputs have other axes or another number of channels. The text names the
            layer.

    Example:
        >>> Conv1D(8, 3, padding="causal")(torch.zeros(2, 10, 4)).shape
        torch.Size([2, 10, 8])
    """

    rank = 1
    walks_sequences = True
    paddings = ("valid", "same", "causal")


class Conv2D(Convolution):
    """A kernel that slides over an image.

    Args:
        filters: how many channels come out.
        kernel_size: height and width of the kernel; one number for both.
        strides: how far it moves on, down and to the right.
        padding: `"valid"` for none; `"same"` for as many windows as there are pixels (divided by
            `strides`).
        data_format: `"channels_last"` (also for None) for inputs of shape
            (batch, height, width, channels); `"channels_first"` for
            (batch, channels, height, width).
        dilation_rate: the distance between the pixels that the kernel sees.
        groups: how many groups the channels are split into. Each group has filters of its own,
            which see no other group.
        activation: a name or a callable; None for none.
        use_bias: whether to add a bias.
        kernel_initializer: sets the first values of the kernel, of shape
            (height, width, channels / groups, filters).
        bias_initializer: sets the first values of the bias, of shape (filters,).
        kernel_regularizer: penalty on the kernel.
        bias_regularizer: penalty on the bias.
        activity_regularizer: penalty on the output.
        kernel_constraint: limit of the kernel, such as `"non_neg"` or `constraints.MaxNorm(3)`.
        bias_constraint: limit of the bias.
        **layer: arguments of every layer.

    Raises:
        ShapeError: if inputs have other axes or another number of channels. The text names the
            layer.

    Example:
        >>> Conv2D(8, 3, activation="relu")(torch.zeros(2, 28, 28, 1)).shape
        torch.Size([2, 26, 26, 8])
    """

    rank = 2


Convolution1D = Conv1D
Convolution2D = Conv2D
