"""Convolutions apart for each channel, and those that mix the channels afterwards."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from onfit import activations, constraints, initializers, regularizers
from onfit._types import Identifier
from onfit.initializers.initializer import InitializerLike
from onfit.layers.activated import Activated, as_weight
from onfit.layers.checks import known, one_of, per_axis, require_size, whole
from onfit.layers.shapes import Shape
from onfit.layers.spatial import Layout, same_margins, with_margins


def _also(name: str) -> Any:
    """A property under Keras' name, of an attribute that is named after the weight."""
    return property(lambda layer: getattr(layer, name), lambda layer, to: setattr(layer, name, to))


class _ByChannel(Activated):
    """A layer whose kernel, of shape (*size, channels, depth_multiplier), sees each channel
    apart.
    """

    rank: int
    bias: Tensor | None
    bias_initializer: Any

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: Identifier | None = None,
        use_bias: bool = True,
        **layer: Any,
    ) -> None:
        super().__init__(**layer)
        self.kernel_size = per_axis(self, "kernel_size", kernel_size, self.rank)
        self.strides = per_axis(self, "strides", strides, self.rank)
        self.padding = one_of(self, "padding", padding, ("valid", "same"))
        self.depth_multiplier = whole(self, "depth_multiplier", depth_multiplier)
        self.layout = Layout.of(self, self.rank, data_format)
        self.data_format = self.layout.data_format
        self.dilation_rate = per_axis(self, "dilation_rate", dilation_rate, self.rank)
        self.activation = activations.get(activation)
        self.use_bias = use_bias

    def _take(self, part: str, initializer: Any, regularizer: Any, constraint: Any) -> None:
        """Note what is asked for a part of the weights, under Keras' names."""
        setattr(self, f"{part}_initializer", initializers.get(initializer))
        setattr(self, f"{part}_regularizer", regularizers.get(regularizer))
        setattr(self, f"{part}_constraint", constraints.get(constraint))

    def _asked_for(self, part: str) -> dict[str, Any]:
        kinds = ("initializer", "regularizer", "constraint")
        return {f"{part}_{kind}": getattr(self, f"{part}_{kind}") for kind in kinds}

    def _add_bias(self, size: int) -> None:
        if self.use_bias:
            self.add_weight("bias", (size,), self.bias_initializer)
        else:
            self.bias = None

    def _channels(self, input_shape: Shape) -> int:
        self.layout.check(self, input_shape)
        return known(self, input_shape, self.layout.channels, "channels")

    def _apart(self, x: Tensor, kernel: Tensor, bias: Tensor | None) -> Tensor:
        """Each channel with its own kernels; channels first."""
        channels, times = kernel.shape[-2:]
        self.layout.check(self, x.shape)
        require_size(self, x.shape, self.layout.channels, channels, "channels")
        x = self.layout.to_torch(as_weight(x, kernel))
        filters = kernel.movedim((-2, -1), (0, 1)).reshape(channels * times, 1, *self.kernel_size)
        margins = [(0, 0)] * self.rank
        if self.padding == "same":
            window = self.kernel_size, self.strides, self.dilation_rate
            margins = same_margins(x.shape[2:], *window)
        x, padding = with_margins(x, margins)
        rest = (self.strides, padding, self.dilation_rate, channels)
        return self._convolve(x, filters, bias, *rest)

    def _convolve(self, *given: Any) -> Tensor:
        convolve: Any = (torch.conv1d, torch.conv2d)[self.rank - 1]
        outputs: Tensor = convolve(*given)
        return outputs

    def get_config(self) -> dict[str, Any]:
        names = (
            "kernel_size", "strides", "padding", "depth_multiplier", "dilation_rate", "activation",
            "use_bias",
        )  # fmt: skip
        own = {name: getattr(self, name) for name in names}
        return {**super().get_config(), **own, "data_format": self.layout.data_format}


class _Depthwise(_ByChannel):
    kernel: Tensor
    depthwise_initializer: Any
    depthwise_regularizer = _also("kernel_regularizer")
    depthwise_constraint = _also("kernel_constraint")

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: Identifier | None = None,
        use_bias: bool = True,
        depthwise_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        depthwise_regularizer: Identifier | None = None,
        bias_regularizer: Identifier | None = None,
        activity_regularizer: Identifier | None = None,
        depthwise_constraint: Identifier | None = None,
        bias_constraint: Identifier | None = None,
        **layer: Any,
    ) -> None:
        shape = (kernel_size, strides, padding, depth_multiplier, data_format, dilation_rate)
        layer["activity_regularizer"] = activity_regularizer
        super().__init__(*shape, activation, use_bias, **layer)
        depthwise = (depthwise_initializer, depthwise_regularizer, depthwise_constraint)
        self._take("depthwise", *depthwise)
        self._take("bias", bias_initializer, bias_regularizer, bias_constraint)

    def build(self, input_shape: Shape) -> None:
        channels = self._channels(input_shape)
        shape = (*self.kernel_size, channels, self.depth_multiplier)
        self.add_weight("kernel", shape, self.depthwise_initializer)
        self._add_bias(channels * self.depth_multiplier)

    def preactivation(self, x: Tensor) -> Tensor:
        return self.layout.from_torch(self._apart(x, self.kernel, self.bias))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self._asked_for("depthwise"), **self._asked_for("bias")}


class DepthwiseConv1D(_Depthwise):
    """A kernel for each channel of a sequence; its arguments are those of `DepthwiseConv2D`."""

    rank = 1
    walks_sequences = True


class DepthwiseConv2D(_Depthwise):
    """A kernel for each channel of an image, which sees no other channel.

    Args:
        kernel_size: height and width of the kernels; one number for both.
        strides: how far they move on, down and to the right.
        padding: `"valid"` or `"same"`.
        depth_multiplier: how many kernels there are for each channel.
        data_format: `"channels_last"` (also for None) or `"channels_first"`.
        dilation_rate: the distance between the pixels that a kernel sees.
        activation: a name or a callable; None for none.
        use_bias: whether to add a bias.
        depthwise_initializer: sets the first values of `kernel`, of shape
            (height, width, channels, depth_multiplier).
        bias_initializer: sets the first values of the bias.
        depthwise_regularizer: penalty on `kernel`.
        bias_regularizer: penalty on the bias.
        activity_regularizer: penalty on the output.
        depthwise_constraint: limit of `kernel`.
        bias_constraint: limit of the bias.
        **layer: arguments of every layer.

    Example:
        >>> DepthwiseConv2D(3, depth_multiplier=2)(torch.zeros(1, 8, 8, 5)).shape
        torch.Size([1, 6, 6, 10])
    """

    rank = 2


class _Separable(_ByChannel):
    depthwise_kernel: Tensor
    pointwise_kernel: Tensor
    depthwise_initializer: Any
    pointwise_initializer: Any
    depthwise_regularizer = _also("depthwise_kernel_regularizer")
    depthwise_constraint = _also("depthwise_kernel_constraint")
    pointwise_regularizer = _also("pointwise_kernel_regularizer")
    pointwise_constraint = _also("pointwise_kernel_constraint")

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        depth_multiplier: int = 1,
        activation: Identifier | None = None,
        use_bias: bool = True,
        depthwise_initializer: InitializerLike = "glorot_uniform",
        pointwise_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        depthwise_regularizer: Identifier | None = None,
        pointwise_regularizer: Identifier | None = None,
        bias_regularizer: Identifier | None = None,
        activity_regularizer: Identifier | None = None,
        depthwise_constraint: Identifier | None = None,
        pointwise_constraint: Identifier | None = None,
        bias_constraint: Identifier | None = None,
        **layer: Any,
    ) -> None:
        shape = (kernel_size, strides, padding, depth_multiplier, data_format, dilation_rate)
        layer["activity_regularizer"] = activity_regularizer
        super().__init__(*shape, activation, use_bias, **layer)
        self.filters = whole(self, "filters", filters)
        depthwise = (depthwise_initializer, depthwise_regularizer, depthwise_constraint)
        pointwise = (pointwise_initializer, pointwise_regularizer, pointwise_constraint)
        self._take("depthwise", *depthwise)
        self._take("pointwise", *pointwise)
        self._take("bias", bias_initializer, bias_regularizer, bias_constraint)

    def build(self, input_shape: Shape) -> None:
        channels, times = self._channels(input_shape), self.depth_multiplier
        apart = (*self.kernel_size, channels, times)
        mixing = (*(1,) * self.rank, channels * times, self.filters)
        self.add_weight("depthwise_kernel", apart, self.depthwise_initializer)
        self.add_weight("pointwise_kernel", mixing, self.pointwise_initializer)
        self._add_bias(self.filters)

    def preactivation(self, x: Tensor) -> Tensor:
        apart = self._apart(x, self.depthwise_kernel, None)
        mixing = self.pointwise_kernel.movedim((-1, -2), (0, 1))
        return self.layout.from_torch(self._convolve(apart, mixing, self.bias))

    def get_config(self) -> dict[str, Any]:
        parts = {
            **self._asked_for("depthwise"),
            **self._asked_for("pointwise"),
            **self._asked_for("bias"),
        }
        return {**super().get_config(), "filters": self.filters, **parts}


class SeparableConv1D(_Separable):
    """A kernel for each channel of a sequence, and then a mixture of the channels; its arguments
    are those of `SeparableConv2D`.
    """

    rank = 1
    walks_sequences = True


class SeparableConv2D(_Separable):
    """A kernel for each channel of an image, and then a mixture of the channels at each pixel.

    Args:
        filters: how many channels come out.
        kernel_size: height and width of the kernels; one number for both.
        strides: how far they move on, down and to the right.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"` (also for None) or `"channels_first"`.
        dilation_rate: the distance between the pixels that a kernel sees.
        depth_multiplier: how many kernels there are for each channel.
        activation: a name or a callable; None for none.
        use_bias: whether to add a bias.
        depthwise_initializer: sets the first values of `depthwise_kernel`, of shape
            (height, width, channels, depth_multiplier).
        pointwise_initializer: sets the first values of `pointwise_kernel`, of shape
            (1, 1, channels * depth_multiplier, filters).
        bias_initializer: sets the first values of the bias.
        depthwise_regularizer: penalty on `depthwise_kernel`.
        pointwise_regularizer: penalty on `pointwise_kernel`.
        bias_regularizer: penalty on the bias.
        activity_regularizer: penalty on the output.
        depthwise_constraint: limit of `depthwise_kernel`.
        pointwise_constraint: limit of `pointwise_kernel`.
        bias_constraint: limit of the bias.
        **layer: arguments of every layer.
    """

    rank = 2
