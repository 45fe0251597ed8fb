"""Layers that replace many values of a volume by one."""

from onfit.layers.pooling import (
    _AveragePooling,
    _GlobalAveragePooling,
    _GlobalMaxPooling,
    _MaxPooling,
)


class MaxPooling3D(_MaxPooling):
    """The largest value in each window of a volume.

    Args:
        pool_size: depth, height and width of the window; one number for all.
        strides: how far the window moves each time; None means `pool_size`: no windows overlap.
        padding: `"valid"` for windows that lie in the input; `"same"` for as many windows as
            there are voxels (divided by `strides`); the padding does not count.
        data_format: `"channels_last"` (also for None) for inputs of shape
            (batch, depth, height, width, channels); `"channels_first"` for
            (batch, channels, depth, height, width).
        **layer: arguments of every layer.

    Example:
        >>> import torch
        >>> MaxPooling3D((1, 2, 2))(torch.zeros(2, 8, 8, 8, 4)).shape
        torch.Size([2, 8, 4, 4, 4])
    """

    rank = 3


class AveragePooling3D(_AveragePooling):
    """The mean of each window of a volume.

    Args:
        pool_size: depth, height and width of the window; one number for all.
        strides: how far the window moves each time; None means `pool_size`: no windows overlap.
        padding: `"valid"` for windows that lie in the input; `"same"` for as many windows as
            there are voxels (divided by `strides`); the padding does not count.
        data_format: `"channels_last"` (also for None) for inputs of shape
            (batch, depth, height, width, channels); `"channels_first"` for
            (batch, channels, depth, height, width).
        **layer: arguments of every layer.

    Example:
        >>> import torch
        >>> AveragePooling3D()(torch.zeros(2, 8, 8, 8, 4)).shape
        torch.Size([2, 4, 4, 4, 4])
    """

    rank = 3


class GlobalAveragePooling3D(_GlobalAveragePooling):
    """The mean of each channel of a volume.

    Args:
        data_format: `"channels_last"` (also for None) for inputs of shape
            (batch, depth, height, width, channels); or `"channels_first"`.
        keepdims: keep the pooled axes, with length 1.
        **layer: arguments of every layer.

    Example:
        >>> import torch
        >>> GlobalAveragePooling3D()(torch.zeros(2, 5, 7, 7, 4)).shape
        torch.Size([2, 4])
    """

    rank = 3


class GlobalMaxPooling3D(_GlobalMaxPooling):
    """The largest value in each channel of a volume.

    Args:
        data_format: `"channels_last"` (also for None) for inputs of shape
            (batch, depth, height, width, channels); or `"channels_first"`.
        keepdims: keep the pooled axes, with length 1.
        **layer: arguments of every layer.

    Example:
        >>> import torch
        >>> GlobalMaxPooling3D()(torch.zeros(2, 5, 7, 7, 4)).shape
        torch.Size([2, 4])
    """

    rank = 3


MaxPool3D, AvgPool3D = MaxPooling3D, AveragePooling3D
GlobalMaxPool3D, GlobalAvgPool3D = GlobalMaxPooling3D, GlobalAveragePooling3D
