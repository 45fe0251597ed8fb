"""Convolutions in three dimensions."""

from onfit.layers.convolution.transposed import _Transposed
from onfit.layers.convolutional import Convolution


class Conv3D(Convolution):
    """A kernel that slides through a volume, or through a film in space and time.

    Args:
        filters: how many channels come out.
        kernel_size: depth, height and width of the kernel; one number for all.
        strides: how far it moves on along each axis.
        padding: `"valid"` for none; `"same"` for as many windows as there are voxels (divided by
            `strides`).
        data_format: `"channels_last"` (also for None) for inputs of shape
            (batch, depth, height, width, channels); `"channels_first"` for
            (batch, channels, depth, height, width).
        dilation_rate: the distance between the voxels that the kernel sees.
        groups: how many groups the channels are split into. Each group has filters of its own,
            which see no other group.
        activation: a name or a callable; None for none.
        use_bias: whether to add a bias.
        kernel_initializer: sets the first values of the kernel, of shape
            (depth, height, width, channels / groups, filters).
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
        >>> import torch
        >>> Conv3D(4, 3, activation="relu")(torch.zeros(2, 8, 8, 8, 1)).shape
        torch.Size([2, 6, 6, 6, 4])
    """

    rank = 3


class Conv3DTranspose(_Transposed):
    """Makes a larger volume: each voxel gives a window of voxels, which overlap and are added.

    Args:
        filters: how many channels come out.
        kernel_size: depth, height and width of the kernel; one number for all.
        strides: how many times as long each axis of the output is.
        padding: `"valid"`, or `"same"` for an output that is `strides` times as large.
        data_format: `"channels_last"` (also for None) or `"channels_first"`.
        dilation_rate: the distance between the voxels that the kernel gives.
        **convolution: the further arguments of `Conv3D`; its kernel has the shape
            (depth, height, width, filters, channels).

    Example:
        >>> import torch
        >>> Conv3DTranspose(3, 3, strides=2, padding="same")(torch.zeros(1, 4, 4, 4, 8)).shape
        torch.Size([1, 8, 8, 8, 3])
    """

    rank = 3


Convolution3D = Conv3D
Convolution3DTranspose = Deconvolution3D = Conv3DTranspose
