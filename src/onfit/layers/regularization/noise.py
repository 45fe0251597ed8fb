"""Layers that disturb their inputs in training, or put a penalty on them."""

import math
from typing import Any

import torch
from torch import Tensor

from onfit.errors import ArgumentError
from onfit.layers.checks import fraction, sizes_of_noise
from onfit.layers.layer import Layer
from onfit.layers.shapes import Shape
from onfit.layers.spatial import Layout
from onfit.regularizers import L1L2


class _Noise(Layer):
    """A layer that draws random numbers in training, and does nothing else."""

    supports_masking = True

    def __init__(self, seed: int | None = None, **layer: Any) -> None:
        super().__init__(**layer)
        self.seed = seed
        self._generator = None if seed is None else torch.Generator().manual_seed(seed)

    def forward(self, x: Tensor) -> Tensor:
        return self._disturbed(x) if self.training else x

    def _disturbed(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _normal(self, x: Tensor, mean: float, stddev: float) -> Tensor:
        if self._generator is None:
            return torch.empty_like(x).normal_(mean, stddev)
        drawn = torch.empty(x.shape).normal_(mean, stddev, generator=self._generator)
        return drawn.to(x)

    def _kept(self, x: Tensor, shape: Shape, rate: float) -> Tensor:
        """Where what comes in is kept: 1 or 0, of a shape that fits `x`."""
        sizes = sizes_of_noise(self, shape, x)
        device = x.device if self._generator is None else None
        drawn = torch.rand(sizes, generator=self._generator, device=device)
        return (drawn >= rate).to(x)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}


class GaussianNoise(_Noise):
    """Adds normal noise in training.

    Args:
        stddev: the standard deviation of the noise. It may be changed in mid-training.
        seed: an int, to draw from a generator of the layer's own.
        **layer: arguments of every layer.
    """

    def __init__(self, stddev: float, seed: int | None = None, **layer: Any) -> None:
        super().__init__(seed, **layer)
        if not stddev >= 0:
            raise ArgumentError(f"GaussianNoise(stddev={stddev!r}): stddev is from 0 upwards.")
        self.stddev = stddev

    def _disturbed(self, x: Tensor) -> Tensor:
        return x + self._normal(x, 0.0, self.stddev)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "stddev": self.stddev}


class GaussianDropout(_Noise):
    """Multiplies by normal noise of mean 1 in training.

    Args:
        rate: the fraction that a Dropout of the same strength would drop.
        seed: an int, to draw from a generator of the layer's own.
        **layer: arguments of every layer.
    """

    def __init__(self, rate: float, seed: int | None = None, **layer: Any) -> None:
        super().__init__(seed, **layer)
        self.rate = fraction(self, "rate", rate)

    def _disturbed(self, x: Tensor) -> Tensor:
        return x * self._normal(x, 1.0, math.sqrt(self.rate / (1 - self.rate)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate}


class AlphaDropout(_Noise):
    """A dropout that keeps mean and variance of what `selu` gives (Klambauer et al., 2017).

    Args:
        rate: the fraction to drop.
        noise_shape: shape of the mask, to drop along some axes only; None for an axis that is as
            long as in the input.
        seed: an int, to draw from a generator of the layer's own.
        **layer: arguments of every layer.
    """

    def __init__(
        self,
        rate: float,
        noise_shape: Shape | None = None,
        seed: int | None = None,
        **layer: Any,
    ) -> None:
        super().__init__(seed, **layer)
        self.rate = fraction(self, "rate", rate)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)

    def _disturbed(self, x: Tensor) -> Tensor:
        floor = -1.6732632423543772 * 1.0507009873554805  # what selu gives far below 0
        kept = self._kept(x, self.noise_shape or (None,) * x.ndim, self.rate)
        scale: float = ((1 - self.rate) * (1 + self.rate * floor**2)) ** -0.5
        shift = -scale * floor * self.rate
        return scale * (x * kept + floor * (1 - kept)) + shift

    def get_config(self) -> dict[str, Any]:
        config = {"rate": self.rate, "noise_shape": self.noise_shape}
        return {**super().get_config(), **config}


class _SpatialDropout(_Noise):
    """Drops whole channels; `rank` is the number of the axes of space."""

    rank: int

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        **layer: Any,
    ) -> None:
        super().__init__(seed, **layer)
        self.rate = fraction(self, "rate", rate)
        self.layout = Layout.of(self, self.rank, data_format)
        self.data_format = self.layout.data_format

    def forward(self, x: Tensor) -> Tensor:
        self.layout.check(self, x.shape)
        return super().forward(x)

    def _disturbed(self, x: Tensor) -> Tensor:
        space = (1,) * self.rank
        shape = (None, *space, None) if self.layout.last else (None, None, *space)
        return x * self._kept(x, shape, self.rate) / (1 - self.rate)

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "rate": self.rate}
        if self.rank > 1:
            config["data_format"] = self.layout.data_format
        if config["trainable"]:  # Keras' layer has no such argument
            del config["trainable"]
        return config


class SpatialDropout1D(_SpatialDropout):
    """Drops whole channels of a sequence in training.

    Args:
        rate: the fraction to drop.
        seed: an int, to draw from a generator of the layer's own.
        **layer: arguments of every layer.
    """

    rank = 1

    def __init__(self, rate: float, seed: int | None = None, **layer: Any) -> None:
        super().__init__(rate, None, seed, **layer)


class SpatialDropout2D(_SpatialDropout):
    """Drops whole channels of an image in training.

    Args:
        rate: the fraction to drop.
        data_format: `"channels_last"` (also for None) or `"channels_first"`.
        seed: an int, to draw from a generator of the layer's own.
        **layer: arguments of every layer.
    """

    rank = 2


class ActivityRegularization(Layer):
    """Puts a penalty on its inputs, and gives them on as they are.

    Args:
        l1: factor of the absolute values.
        l2: factor of the squares.
        **layer: arguments of every layer.
    """

    supports_masking = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **layer: Any) -> None:
        if layer.get("activity_regularizer") is not None:
            raise ArgumentError(
                "ActivityRegularization(activity_regularizer=...): this layer is one, by l1 and "
                "l2. For another penalty write Identity(activity_regularizer=...)."
            )
        layer.pop("activity_regularizer", None)
        super().__init__(activity_regularizer=L1L2(l1, l2), **layer)
        self.l1 = l1
        self.l2 = l2

    def forward(self, x: Tensor) -> Tensor:
        return x

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["activity_regularizer"]
        return {**config, "l1": self.l1, "l2": self.l2}
