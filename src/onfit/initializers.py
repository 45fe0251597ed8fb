"""The first values of weights, by Keras' names. They are drawn from torch's global generator."""

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from onfit.errors import ArgumentError, ArgumentTypeError, did_you_mean, refusal_of_names

Shape = tuple[int, ...]


class Initializer:
    """Makes a tensor of a given shape. Subclass it and write `__call__`."""

    def __call__(self, shape: Shape, dtype: torch.dtype | None = None) -> Tensor:
        """A new tensor of `shape`, on torch's default device."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments for an equal initializer."""
        return dict(vars(self))


class Zeros(Initializer):
    """All zeros."""

    def __call__(self, shape: Shape, dtype: torch.dtype | None = None) -> Tensor:
        return torch.zeros(shape, dtype=dtype)


class Ones(Initializer):
    """All ones."""

    def __call__(self, shape: Shape, dtype: torch.dtype | None = None) -> Tensor:
        return torch.ones(shape, dtype=dtype)


class Constant(Initializer):
    """All `value`."""

    def __init__(self, value: float = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Shape, dtype: torch.dtype | None = None) -> Tensor:
        return torch.full(shape, self.value, dtype=dtype or torch.get_default_dtype())


class _Random(Initializer):
    """Draws random numbers; with a `seed`, the same numbers at every call."""

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed

    def _generator(self) -> torch.Generator | None:
        if self.seed is None:
            return None
        return torch.Generator(torch.get_default_device()).manual_seed(self.seed)


class RandomNormal(_Random):
    """Normal with `mean` and `stddev`."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(seed)
        self.mean = mean
        self.stddev = stddev

    def __call__(self, shape: Shape, dtype: torch.dtype | None = None) -> Tensor:
        return torch.empty(shape, dtype=dtype).normal_(
            self.mean, self.stddev, generator=self._generator()
        )


class RandomUniform(_Random):
    """Uniform between `minval` and `maxval`."""

    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None
    ) -> None:
        super().__init__(seed)
        self.minval = minval
        self.maxval = maxval

    def __call__(self, shape: Shape, dtype: torch.dtype | None = None) -> Tensor:
        return torch.empty(shape, dtype=dtype).uniform_(
            self.minval, self.maxval, generator=self._generator()
        )


class TruncatedNormal(RandomNormal):
    """Normal; a number further than two `stddev` from the `mean` is drawn again."""

    def __call__(self, shape: Shape, dtype: torch.dtype | None = None) -> Tensor:
        return _truncated_normal(shape, dtype, self.mean, self.stddev, self._generator())


# The standard deviation of a standard normal distribution that is cut off at -2 and 2.
_TRUNCATED_STDDEV = 0.87962566103423978


class VarianceScaling(_Random):
    """Scales the variance to the number of inputs and outputs of a layer.

    Args:
        scale: factor of the variance.
        mode: divide by `"fan_in"`, `"fan_out"` or their mean, `"fan_avg"`.
        distribution: `"uniform"`, `"truncated_normal"` or `"untruncated_normal"`.
        seed: an int for the same numbers at every call.

    The subclasses are those of Glorot and Bengio (2010), He et al. (2015) and LeCun et al. (1998).
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ) -> None:
        super().__init__(seed)
        self.scale = scale
        self.mode = mode
        self.distribution = distribution

    def __call__(self, shape: Shape, dtype: torch.dtype | None = None) -> Tensor:
        fan_in, fan_out = _fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        generator = self._generator()
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return torch.empty(shape, dtype=dtype).uniform_(-limit, limit, generator=generator)
        if self.distribution == "untruncated_normal":
            stddev = math.sqrt(variance)
            return torch.empty(shape, dtype=dtype).normal_(0.0, stddev, generator=generator)
        stddev = math.sqrt(variance) / _TRUNCATED_STDDEV
        return _truncated_normal(shape, dtype, 0.0, stddev, generator)


class _Scaled(VarianceScaling):
    """A `VarianceScaling` with fixed arguments; only the seed can be chosen."""

    _fixed: tuple[float, str, str]

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(*self._fixed, seed=seed)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self.seed}


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


class Orthogonal(_Random):
    """An orthogonal matrix times `gain`; of more than two axes, all but the last become one."""

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(seed)
        self.gain = gain

    def __call__(self, shape: Shape, dtype: torch.dtype | None = None) -> Tensor:
        rows, columns = math.prod(shape[:-1]), shape[-1]
        size = (max(rows, columns), min(rows, columns))
        drawn = torch.empty(size, dtype=dtype).normal_(generator=self._generator())
        q: Tensor
        q, r = torch.linalg.qr(drawn)
        q = q * torch.sign(torch.diagonal(r))
        return self.gain * (q if rows >= columns else q.T).reshape(shape)


class Identity(Initializer):
    """The identity matrix times `gain`."""

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Shape, dtype: torch.dtype | None = None) -> Tensor:
        return self.gain * torch.eye(*shape, dtype=dtype)


_CLASSES: dict[str, type[Initializer]] = {
    "zeros": Zeros, "zero": Zeros, "ones": Ones, "one": Ones, "constant": Constant,
    "random_normal": RandomNormal, "normal": RandomNormal,
    "random_uniform": RandomUniform, "uniform": RandomUniform,
    "truncated_normal": TruncatedNormal, "variance_scaling": VarianceScaling,
    "glorot_uniform": GlorotUniform, "glorot_normal": GlorotNormal,
    "he_uniform": HeUniform, "he_normal": HeNormal,
    "lecun_uniform": LecunUniform, "lecun_normal": LecunNormal,
    "orthogonal": Orthogonal, "identity": Identity,
}  # fmt: skip
_NAMED = {**_CLASSES, **{cls.__name__: cls for cls in _CLASSES.values()}}


def get(identifier: Any) -> Initializer:
    """The initializer of that name, snake_case or CamelCase; any callable is returned as it is.

    Raises:
        ArgumentError: for an unknown name.

    >>> get("uniform").get_config()["maxval"]
    0.05
    """
    if isinstance(identifier, str):
        if identifier not in _NAMED:
            raise ArgumentError(
                f"initializer {identifier!r} is not known. Known are "
                f"{', '.join(sorted(_CLASSES))}.{did_you_mean(identifier, _NAMED)}"
            )
        return _NAMED[identifier]()
    if isinstance(identifier, type) and issubclass(identifier, Initializer):
        return identifier()
    if callable(identifier):
        found: Initializer = identifier
        return found
    raise ArgumentTypeError(
        f"an initializer is a name or a callable of a shape; got {identifier!r}."
    )


def from_config(class_name: str, config: dict[str, Any]) -> Initializer:
    """The initializer that a saved model names."""
    if class_name not in _NAMED:
        raise ArgumentError(f"a saved model names the initializer {class_name!r}, unknown here.")
    return _NAMED[class_name](**config)


def _fans(shape: Shape) -> tuple[float, float]:
    """The numbers of inputs and outputs of a kernel; in a convolution, once for each position."""
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    taps = math.prod(shape[:-2])
    return shape[-2] * taps, shape[-1] * taps


def _truncated_normal(
    shape: Shape,
    dtype: torch.dtype | None,
    mean: float,
    stddev: float,
    generator: torch.Generator | None,
) -> Tensor:
    low, high = mean - 2 * stddev, mean + 2 * stddev
    empty = torch.empty(shape, dtype=dtype)
    torch.nn.init.trunc_normal_(empty, mean, stddev, low, high, generator=generator)
    return empty


if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others
    __getattr__ = refusal_of_names(__name__, _NAMED)
