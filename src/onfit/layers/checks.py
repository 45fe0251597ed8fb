"""Checks of the arguments and inputs of layers; the errors name the layer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from onfit.errors import ArgumentError, ShapeError, did_you_mean
from onfit.layers.layer import Layer


def whole(layer: Layer, argument: str, value: Any, least: int = 1) -> int:
    """`value` as an int.

    Raises:
        ArgumentError: if it is not a whole number from `least` upwards.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < least:
        raise ArgumentError(
            f"{type(layer).__name__}({argument}={value!r}): {argument} is a whole number from "
            f"{least} upwards."
        )
    return int(value)


def per_axis(layer: Layer, argument: str, value: Any, rank: int) -> tuple[int, ...]:
    """A number for each of `rank` axes; `value` is one for all axes, or a tuple of one each.

    Raises:
        ArgumentError: if there are more or fewer than `rank`, or one of them is not a whole
            number from 1 upwards.
    """
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,) * rank
    if len(values) != rank:
        raise ArgumentError(
            f"{type(layer).__name__}({argument}={value!r}): {argument} is one whole number, or "
            f"{rank} of them in a tuple."
        )
    return tuple(whole(layer, argument, each) for each in values)


def one_of(layer: Layer, argument: str, value: Any, options: Sequence[str]) -> str:
    """`value` in lower case, which must be one of `options`.

    Raises:
        ArgumentError: if it is not; the text names the nearest option.
    """
    if not isinstance(value, str) or value.lower() not in options:
        raise ArgumentError(
            f"{type(layer).__name__}({argument}={value!r}): {argument} is "
            f"{' or '.join(map(repr, options))}.{did_you_mean(value, options)}"
        )
    return value.lower()


def fraction(layer: Layer, argument: str, value: Any) -> float:
    """`value`, the fraction of the inputs to drop.

    Raises:
        ArgumentError: if it is not at least 0 and below 1.
    """
    if not isinstance(value, (int, float, np.number)) or not 0 <= value < 1:
        raise ArgumentError(
            f"{type(layer).__name__}({argument}={value!r}): {argument} is the fraction to drop, "
            "at least 0 and below 1."
        )
    return float(value)


def require_rank(layer: Layer, shape: Sequence[Any], axes: Sequence[str]) -> None:
    """Check that `shape` has as many axes as `axes` has names, the batch axis included.

    Raises:
        ShapeError: if not.
    """
    if len(shape) != len(axes):
        raise ShapeError(
            f"{layer.described} expected inputs of shape ({', '.join(axes)}); got shape "
            f"{tuple(shape)}."
        )


def known(layer: Layer, shape: Sequence[Any], axis: int, meaning: str) -> int:
    """The length of an axis that weights depend on.

    Raises:
        ShapeError: if it varies.
    """
    size: int | None = shape[axis]
    if size is None:
        raise ShapeError(
            f"{layer.described} makes weights for a known number of {meaning}; got inputs of "
            f"shape {tuple(shape)}. Say how many in the Input."
        )
    return size


def require_size(
    layer: Layer, shape: Sequence[Any], axis: int, expected: int, meaning: str
) -> None:
    """Check that an axis has the length that the weights were made for.

    Raises:
        ShapeError: if not.
    """
    if shape[axis] != expected:
        raise ShapeError(
            f"{layer.described} was built for {expected} {meaning} (axis {axis}); got inputs of "
            f"shape {tuple(shape)}."
        )


def sizes_of_noise(layer: Layer, shape: Sequence[Any], x: Tensor) -> list[int]:
    """The lengths of the axes of what a layer draws, for inputs `x`.

    Args:
        layer: the layer.
        shape: its `noise_shape`; None for an axis that is as long as in the input.
        x: the inputs.

    Raises:
        ShapeError: if the shape has other axes than the inputs.
    """
    fits = len(shape) == x.ndim and all(
        want in (None, 1, have) for want, have in zip(shape, x.shape, strict=True)
    )
    if not fits:
        raise ShapeError(
            f"{layer.described} has noise_shape={tuple(shape)}, and got inputs of shape "
            f"{tuple(x.shape)}. It has an axis for each axis of the inputs: None for all of it, or "
            "1 to draw once for all along it."
        )
    return [have if want is None else want for want, have in zip(shape, x.shape, strict=True)]
