"""Names for layers that were given none."""

import re
from collections.abc import Container

from torch import nn


def free_name(layer: nn.Module, taken: Container[str]) -> str:
    """Keras' way: dense, dense_1, dense_2.

    >>> free_name(nn.Linear(1, 1), {"linear"})
    'linear_1'
    """
    base = snake_case(type(layer).__name__)
    name, index = base, 0
    while name in taken:
        index += 1
        name = f"{base}_{index}"
    return name


def snake_case(name: str) -> str:
    """`Conv2D` as conv2d, `BatchNormalization` as batch_normalization."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
