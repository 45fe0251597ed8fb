"""Initializers that look at how many inputs and outputs a weight has."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from onfit.errors import ArgumentError, did_you_mean
from onfit.initializers.initializer import Shape
from onfit.initializers.random import Random, truncated_normal

# The standard deviation of a standard normal distribution that is cut off at -2 and 2.
_TRUNCATED_STDDEV = 0.87962566103423978


class VarianceScaling(Random):
    """Scales the variance to the number of inputs and outputs of a layer.

    Args:
        scale: factor of the variance.
        mode: divide by `"fan_in"`, `"fan_out"` or their mean, `"fan_avg"`.
        distribution: `"uniform"`, `"truncated_normal"` (or `"normal"`), `"untruncated_normal"`.
        seed: an int for the same numbers at every call.
        input_axes: the axes of the weight's shape that are inputs; with `output_axes`, for weights
            that are neither matrices nor kernels of convolutions.
        output_axes: the axes that are outputs.

    The subclasses are those of Glorot and Bengio (2010), He et al. (2015) and LeCun et al. (1998).
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(seed)
        if not scale > 0:
            raise ArgumentError(f"VarianceScaling(scale={scale!r}): scale is above 0.")
        self.scale = scale
        self.mode = _option("mode", mode, _MODES)
        named = "truncated_normal" if distribution == "normal" else distribution
        self.distribution = _option("distribution", named, _DISTRIBUTIONS)
        self.input_axes = input_axes
        self.output_axes = output_axes

    def _fill(self, empty: Tensor, generator: torch.Generator | None) -> Tensor:
        fan_in, fan_out = self._fans(empty.shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return empty.uniform_(-limit, limit, generator=generator)
        if self.distribution == "untruncated_normal":
            return empty.normal_(0.0, math.sqrt(variance), generator=generator)
        stddev = math.sqrt(variance) / _TRUNCATED_STDDEV
        return truncated_normal(empty, 0.0, stddev, generator)

    def _fans(self, shape: Shape) -> tuple[float, float]:
        """The numbers of inputs and outputs; of a convolution, once for each position."""
        if self.input_axes is not None and self.output_axes is not None:
            axes = (self.input_axes, self.output_axes)
            fan_in, fan_out = (math.prod(shape[axis] for axis in each) for each in axes)
            return fan_in, fan_out
        if len(shape) < 2:
            size = shape[0] if shape else 1
            return size, size
        taps = math.prod(shape[:-2])
        return shape[-2] * taps, shape[-1] * taps


_MODES = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS = ("uniform", "truncated_normal", "untruncated_normal")


def _option(argument: str, value: str, options: Sequence[str]) -> str:
    if value not in options:
        raise ArgumentError(
            f"VarianceScaling({argument}={value!r}): {argument} is "
            f"{' or '.join(map(repr, options))}.{did_you_mean(value, options)}"
        )
    return value


class _Scaled(VarianceScaling):
    """A `VarianceScaling` of fixed scale, mode and distribution."""

    _fixed: tuple[float, str, str]

    def __init__(
        self,
        seed: int | None = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(*self._fixed, seed, input_axes, output_axes)

    def get_config(self) -> dict[str, Any]:
        names = ("seed", "input_axes", "output_axes")
        return {name: getattr(self, name) for name in names}


class GlorotUniform(_Scaled):
    """Uniform within sqrt(6 / (fan_in + fan_out))."""

    _fixed = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Scaled):
    """Truncated normal of variance 2 / (fan_in + fan_out)."""

    _fixed = (1.0, "fan_avg", "truncated_normal")


class HeUniform(_Scaled):
    """Uniform within sqrt(6 / fan_in)."""

    _fixed = (2.0, "fan_in", "uniform")


class HeNormal(_Scaled):
    """Truncated normal of variance 2 / fan_in."""

    _fixed = (2.0, "fan_in", "truncated_normal")


class LecunUniform(_Scaled):
    """Uniform within sqrt(3 / fan_in)."""

    _fixed = (1.0, "fan_in", "uniform")


class LecunNormal(_Scaled):
    """Truncated normal of variance 1 / fan_in."""

    _fixed = (1.0, "fan_in", "truncated_normal")
