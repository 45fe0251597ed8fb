"""Names for layers that have none yet."""

import re
from collections.abc import Container

from torch import nn

from onfit.errors import ArgumentError


class TakenNames:
    """The names that mean something in a module. One is found without a list of them all, which
    would be made anew for each of its layers.
    """

    def __init__(self, module: nn.Module) -> None:
        inner = (vars(module), module._modules, module._parameters, module._buffers)
        self._places = [*inner, *(vars(kind) for kind in type(module).__mro__)]

    def __contains__(self, name: object) -> bool:
        return any(name in place for place in self._places)


def key_for(layer: nn.Module, taken: Container[str], owner: str) -> str:
    """The name under which a model keeps `layer`: its own, or a free one.

    A layer without a name of its own gets a number where another layer has the name of its class;
    so does a layer that another model has named.

    Raises:
        ArgumentError: if its author gave it the name of another layer.
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
    """The name of a class as Keras writes it in names of layers, and in files.

    >>> [snake_case(name) for name in ("Conv2D", "BatchNormalization", "MyHTTPLayer", "LSTM")]
    ['conv2d', 'batch_normalization', 'my_http_layer', 'lstm']
    """
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
