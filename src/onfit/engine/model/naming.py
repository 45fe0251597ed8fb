"""Names for layers that were given none."""

import re
from collections.abc import Container

from torch import nn

from onfit.errors import ArgumentError


def key_for(layer: nn.Module, taken: Container[str], owner: str) -> str:
    """The name under which a model keeps `layer`: its own, or a free one.

    A layer that was given no name gets a number where another has the same; so does one that
    another model has named.

    Raises:
        ArgumentError: if its author named it as another layer is named.
    """
    name = str(getattr(layer, "name", ""))
    if name and name not in taken:
        return name
    if name and getattr(layer, "named_by_author", False):
        raise ArgumentError(
            f"{owner} cannot have a second layer called {name!r}, or that name means something "
            "else there. Give the layer another name."
        )
    return free_name(layer, taken)


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
