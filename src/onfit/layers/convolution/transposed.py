"""Transposed convolutions: from each pixel, a window of pixels."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from onfit.errors import ArgumentError
from onfit.layers.activated import as_weight
from onfit.layers.arguments import OF_ADAPTERS, NotHere
from onfit.layers.checks import known, require_size
from onfit.layers.convolutional import Convolution
from onfit.layers.shapes import Shape
from onfit.layers.spatial import padded

_OF_TORCH = (torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d)


class _Transposed(Convolution):
    """The base class of transposed convolutions."""

    of_keras_alone: ClassVar[Mapping[str, NotHere]] = {
        **OF_ADAPTERS,
        "output_padding": NotHere("Put a ZeroPadding layer or a Cropping layer behind it."),
    }

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: int | Sequence[int] = 1,
        **convolution: Any,
    ) -> None:
        super().__init__(
            filters, kernel_size, strides, padding, data_format, dilation_rate, **convolution
        )
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ArgumentError(
                f"{type(self).__name__}(strides={strides}, dilation_rate={dilation_rate}): only "
                "one of them can be above 1."
            )
        if self.groups != 1:
            raise ArgumentError(f"{type(self).__name__}(groups={self.groups}): groups is 1 here.")

    def build(self, input_shape: Shape) -> None:
        self.layout.check(self, input_shape)
        channels = known(self, input_shape, self.layout.channels, "channels")
        shape = (*self.kernel_size, self.filters, channels)
        self.add_weight("kernel", shape, self.kernel_initializer)
        self.add_bias(self.filters)

    def preactivation(self, x: Tensor) -> Tensor:
        self.layout.check(self, x.shape)
        kernel = self.kernel.movedim((-1, -2), (0, 1))
        require_size(self, x.shape, self.layout.channels, kernel.shape[0], "channels")
        x = self.layout.to_torch(as_weight(x, kernel))
        convolve: Any = _OF_TORCH[self.rank - 1]
        whole = convolve(x, kernel, None, self.strides, 0, 0, 1, self.dilation_rate)
        outputs = padded(whole, self._cut(x.shape[2:]))
        if self.bias is not None:
            outputs = outputs + self.bias[:, *(None,) * self.rank]
        return self.layout.from_torch(outputs)

    def _cut(self, lengths: Sequence[int]) -> list[tuple[int, int]]:
        """What must be put before and after (below 0: cut off) the output of torch's kernel, to
        have the length that Keras gives it.
        """
        margins = []
        for length, size, stride, dilation in zip(
            lengths, self.kernel_size, self.strides, self.dilation_rate, strict=True
        ):
            reach = (size - 1) * dilation + 1
            surplus = 0 if self.padding == "valid" else max(0, reach - stride)
            wanted = length * stride + max(0, reach - stride) - surplus
            have = (length - 1) * stride + reach
            margins.append((-(surplus // 2), wanted - have + surplus // 2))
        return margins

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["groups"]
        return config


class Conv1DTranspose(_Transposed):
    """Makes a longer sequence: each step gives `kernel_size` steps, which overlap and are added.

    Args:
        filters: how many channels come out.
        kernel_size: how many steps the kernel spans.
        strides: how many times as long the output is.
        padding: `"valid"`, or `"same"` for an output that is `strides` times as long.
        data_format: `"channels_last"` (also for None) or `"channels_first"`.
        dilation_rate: the distance between the steps that the kernel gives.
        **convolution: the further arguments of `Conv1D`; its kernel has the shape
            (kernel_size, filters, channels).
    """

    rank = 1
    walks_sequences = True


class Conv2DTranspose(_Transposed):
    """Makes a larger image: each pixel gives a window of pixels, which overlap and are added.

    Args:
        filters: how many channels come out.
        kernel_size: height and width of the kernel; one number for both.
        strides: how many times as high and as wide the output is.
        padding: `"valid"`, or `"same"` for an output that is `strides` times as large.
        data_format: `"channels_last"` (also for None) or `"channels_first"`.
        dilation_rate: the distance between the pixels that the kernel gives.
        **convolution: the further arguments of `Conv2D`; its kernel has the shape
            (height, width, filters, channels).

    Example:
        >>> Conv2DTranspose(3, 3, strides=2, padding="same")(torch.zeros(1, 7, 7, 8)).shape
        torch.Size([1, 14, 14, 3])
    """

    rank = 2
