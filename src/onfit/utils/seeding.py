"""One seed for all random generators."""

import random

import numpy as np
import torch

from onfit.errors import ArgumentError


def set_random_seed(seed: int) -> None:
    """Seed the random generators of Python, numpy and torch (on every device).

    Two runs of a program that begins with this call, on the same CPU with the same number of
    threads, are bit-identical: weights, order of the samples, dropout, results. On a GPU some of
    torch's operations add in a varying order; see `torch.use_deterministic_algorithms`.

    Args:
        seed: a whole number from 0 to 2**32 - 1, the range that numpy allows.

    Raises:
        ArgumentError: for anything else; no generator is changed then.

    Example:
        >>> set_random_seed(42)
        >>> first = torch.rand(2)
        >>> set_random_seed(42)
        >>> bool((torch.rand(2) == first).all())
        True
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise ArgumentError(
            f"set_random_seed({seed!r}): the seed is a whole number from 0 to 2**32 - 1."
        )
    random.seed(int(seed))
    np.random.seed(int(seed))
    torch.manual_seed(int(seed))
