"""Random numbers under Keras' names: `from onfit import random`.

Without a `seed` they come from torch's generator, which `utils.set_random_seed` seeds. With a
whole number they are the same at each call. With a `SeedGenerator` they are new at each call, and
the same in each run.

>>> normal((2, 3)).shape
torch.Size([2, 3])
>>> bool((uniform((3,), seed=1) == uniform((3,), seed=1)).all())
True
"""

from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Beta, Binomial, Gamma

from onfit.dtypes import torch_dtype
from onfit.errors import ArgumentError, ArgumentTypeError, refusal_of_names
from onfit.layers.graph import symbols_in
from onfit.operations.making import sizes_of

__all__ = [
    "SeedGenerator",
    "beta",
    "binomial",
    "categorical",
    "dropout",
    "gamma",
    "normal",
    "randint",
    "shuffle",
    "truncated_normal",
    "uniform",
]

_FEW = 4  # so many numbers are drawn for each one that is to lie within two deviations


class SeedGenerator(torch.Generator):
    """A row of seeds, for random numbers that are new at each call and the same in each run.

    As an attribute of a layer it is saved with a run, and goes on where it was.

    Args:
        seed: the first seed; None for one that is drawn from torch's generator.
        name: taken, without effect.

    Example:
        >>> seeds = SeedGenerator(7)
        >>> bool((normal((3,), seed=seeds) == normal((3,), seed=seeds)).any())
        False
    """

    def __new__(cls, seed: int | None = None, name: str | None = None) -> "SeedGenerator":
        return super().__new__(cls)

    def __init__(self, seed: int | None = None, name: str | None = None) -> None:
        super().__init__()
        if seed is not None and not isinstance(seed, int):
            raise ArgumentTypeError(
                f"SeedGenerator(seed={seed!r}): a seed is a whole number, or None."
            )
        self.manual_seed(int(torch.randint(2**31, ())) if seed is None else seed)

    def next(self) -> int:
        """The next seed."""
        seed = self.initial_seed()
        self.manual_seed(seed + 1)
        return seed


def _generator(seed: Any) -> torch.Generator | None:
    if seed is None:
        return None
    if isinstance(seed, SeedGenerator):
        return torch.Generator().manual_seed(seed.next())
    if isinstance(seed, torch.Generator):
        return seed
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise ArgumentTypeError(
            f"seed={seed!r}: a seed is a whole number, a SeedGenerator, or None."
        )
    return torch.Generator().manual_seed(seed)


def normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Numbers around `mean`: normally distributed, with that standard deviation.

    Args:
        shape: the shape of the tensor.
        mean: their mean.
        stddev: their standard deviation.
        dtype: their type; torch's default type of floats if None.
        seed: a whole number, a `SeedGenerator`, or None.

    Raises:
        ArgumentTypeError: for a length that is not known, and for another kind of seed.

    Example:
        >>> normal((2,), mean=5.0, stddev=0.0)
        tensor([5., 5.])
    """
    sizes, given = sizes_of(shape), torch_dtype(dtype)
    return torch.normal(mean, stddev, size=sizes, generator=_generator(seed), dtype=given)


def truncated_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Like `normal`, but none lies more than two deviations from the mean."""
    drawn = normal((*sizes_of(shape), _FEW), dtype=dtype, seed=seed)
    first = ((drawn > -2) & (drawn < 2)).max(-1, keepdim=True).indices
    return drawn.gather(-1, first).squeeze(-1) * stddev + mean


def uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Numbers from `minval` to below `maxval`, each equally likely; arguments as of `normal`."""
    drawn = torch.rand(sizes_of(shape), generator=_generator(seed), dtype=torch_dtype(dtype))
    return (maxval - minval) * drawn + minval


def randint(shape: Any, minval: int, maxval: int, dtype: Any = "int32", seed: Any = None) -> Tensor:
    """Whole numbers from `minval` to below `maxval`, each equally likely."""
    given = torch_dtype(dtype)
    return torch.randint(minval, maxval, sizes_of(shape), generator=_generator(seed), dtype=given)


def categorical(logits: Any, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Tensor:
    """For each row of logits so many classes, drawn by their probabilities."""
    rows = torch.softmax(_values(logits, "categorical"), -1)
    drawn = torch.multinomial(rows.cpu(), num_samples, True, generator=_generator(seed))
    return drawn.to(rows.device, torch_dtype(dtype))


def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Tensor:
    """The parts along an axis in another order."""
    values = _values(x, "shuffle")
    order = torch.rand(values.shape[: axis + 1], generator=_generator(seed)).argsort(axis)
    order = order.reshape(*order.shape, *[1] * (values.ndim - axis - 1))
    return values.gather(axis, order.expand(values.shape).to(values.device))


def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Tensor:
    """Values of which a part `rate` is 0, and the others are scaled up.

    Args:
        inputs: a tensor or array.
        rate: the part to drop, from 0 to 1.
        noise_shape: the shape of the mask, to drop along some axes only; None for an axis that is
            as long as in the input.
        seed: a whole number, a `SeedGenerator`, or None.

    Raises:
        ArgumentError: for a rate that is no part.
        ArgumentTypeError: for a symbol.

    Example:
        >>> dropout([1.0, 2.0], rate=0.0)
        tensor([1., 2.])
    """
    x = _values(inputs, "dropout")
    if not 0 <= rate <= 1:
        raise ArgumentError(f"dropout(rate={rate!r}): rate is the part to drop, from 0 to 1.")
    if rate == 1 or (seed is None and noise_shape is None):
        return F.dropout(x, rate)
    wanted = x.shape if noise_shape is None else noise_shape
    sizes = [have if want is None else want for want, have in zip(wanted, x.shape, strict=True)]
    kept = torch.bernoulli(torch.full(sizes, 1.0 - rate), generator=_generator(seed)).to(x.device)
    return torch.where(kept.bool(), x / (1.0 - rate), torch.zeros_like(x))


def gamma(shape: Any, alpha: Any, dtype: Any = None, seed: Any = None) -> Tensor:
    """Numbers of the gamma distribution of that shape parameter, with scale 1."""
    return _sampled(Gamma(_spread(alpha, shape), torch.ones(sizes_of(shape))), dtype, seed)


def beta(shape: Any, alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Tensor:
    """Numbers from 0 to 1, of the beta distribution of those parameters."""
    return _sampled(Beta(_spread(alpha, shape), _spread(beta, shape)), dtype, seed)


def binomial(
    shape: Any, counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None
) -> Tensor:
    """How often something of that probability happens, in so many tries."""
    tries = Binomial(_spread(counts, shape), _spread(probabilities, shape))
    return _sampled(tries, dtype, seed)


def _spread(given: Any, shape: Any) -> Tensor:
    return torch.as_tensor(given, dtype=torch.get_default_dtype()).expand(sizes_of(shape))


def _sampled(distribution: Any, dtype: Any, seed: Any) -> Tensor:
    generator = _generator(seed)
    with torch.random.fork_rng(devices=[], enabled=generator is not None):
        if generator is not None:
            torch.set_rng_state(generator.get_state())
        drawn: Tensor = distribution.sample()
    return drawn.to(torch_dtype(dtype))


def _values(given: Any, asked: str) -> Tensor:
    if next(symbols_in(given), None) is not None:
        raise ArgumentTypeError(
            f"random.{asked} was given a symbol, which has no values yet. In a graph write "
            "layers.Dropout(rate)(x), or a Layer whose call draws."
        )
    return torch.as_tensor(given)


if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others
    __getattr__ = refusal_of_names(__name__, __all__)
