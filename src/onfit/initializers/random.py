"""Initializers that draw random numbers, from torch's global generator or from a seed."""

import math

import torch
from torch import Tensor

from onfit.dtypes import DtypeLike, torch_dtype
from onfit.errors import ArgumentError
from onfit.initializers.initializer import Initializer, Shape, require_matrix


class Random(Initializer):
    """Draws random numbers; with a `seed`, the same numbers at every call."""

    def __init__(self, seed: int | None = None) -> None:
        if not (seed is None or hasattr(seed, "__index__")):
            raise ArgumentError(
                f"{type(self).__name__}(seed={seed!r}): seed is a whole number, or None for other "
                "numbers at every call."
            )
        self.seed = seed

    def __call__(self, shape: Shape, dtype: DtypeLike = None) -> Tensor:
        wanted = torch_dtype(dtype)
        generator = None
        if self.seed is not None:
            generator = torch.Generator(torch.get_default_device()).manual_seed(self.seed)
        # Not every distribution can be drawn in half precision.
        drawn = torch.empty(shape, dtype=max(wanted, torch.float32, key=_bytes))
        return self._fill(drawn, generator).to(wanted)

    def _fill(self, empty: Tensor, generator: torch.Generator | None) -> Tensor:
        """Draw numbers into `empty`, or into a new tensor of its shape."""
        raise NotImplementedError


def _bytes(dtype: torch.dtype) -> int:
    return dtype.itemsize


class RandomNormal(Random):
    """Normal with `mean` and `stddev`."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def _fill(self, empty: Tensor, generator: torch.Generator | None) -> Tensor:
        return empty.normal_(self.mean, self.stddev, generator=generator)


class RandomUniform(Random):
    """Uniform between `minval` and `maxval`."""

    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None
    ) -> None:
        super().__init__(seed)
        self.minval = minval
        self.maxval = maxval

    def _fill(self, empty: Tensor, generator: torch.Generator | None) -> Tensor:
        return empty.uniform_(self.minval, self.maxval, generator=generator)


class TruncatedNormal(RandomNormal):
    """Normal; a number further than two `stddev` from the `mean` is drawn again."""

    def _fill(self, empty: Tensor, generator: torch.Generator | None) -> Tensor:
        return truncated_normal(empty, self.mean, self.stddev, generator)


class Orthogonal(Random):
    """An orthogonal matrix times `gain`; of more than two axes, all but the last become one."""

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def _fill(self, empty: Tensor, generator: torch.Generator | None) -> Tensor:
        require_matrix(self, empty.shape, empty.ndim >= 2)
        rows, columns = math.prod(empty.shape[:-1]), empty.shape[-1]
        tall = empty.reshape(max(rows, columns), min(rows, columns))
        q: Tensor
        q, r = torch.linalg.qr(tall.normal_(generator=generator))
        q = q * torch.sign(torch.diagonal(r))
        return self.gain * (q if rows >= columns else q.T).reshape(empty.shape)


def truncated_normal(
    empty: Tensor, mean: float, stddev: float, generator: torch.Generator | None
) -> Tensor:
    """Draw numbers that lie within two `stddev` of the `mean` into `empty`."""
    low, high = mean - 2 * stddev, mean + 2 * stddev
    return torch.nn.init.trunc_normal_(empty, mean, stddev, low, high, generator=generator)
