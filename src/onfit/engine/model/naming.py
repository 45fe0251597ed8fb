"""Names for layers that have none yet."""

import re
from collections.abc import Container, Sequence

from torch import nn

from onfit.errors import ArgumentError
from onfit.layers.graph import Symbol
from onfit.layers.keys import NamesIn, key_for, kind_of


def keep(model: nn.Module, layer: nn.Module, described: str) -> None:
    """Make a layer a part of a model, and give it a name if it has none.

    A layer without a name of its own gets a number where another layer has the name of its class;
    so does a layer that another model has named.

    Args:
        model: what keeps the layer.
        layer: a layer, a model or a torch module.
        described: the model in errors.

    Raises:
        ArgumentError: if the layer's author gave it the name of another layer.
    """
    name = _name_for(layer, NamesIn(model), described)
    if getattr(layer, "name", None) == "":
        layer.name = name  # type: ignore[assignment]
    model.add_module(key_for(name, model), layer)


def _name_for(layer: nn.Module, taken: Container[str], owner: str) -> str:
    name = str(getattr(layer, "name", ""))
    if name and name not in taken:
        return name
    if name and getattr(layer, "named_by_author", False):
        raise ArgumentError(
            f"{owner} cannot have a second layer called {name!r}. Give the layer another name."
        )
    return free_name(layer, taken)


def free_name(layer: nn.Module, taken: Container[str]) -> str:
    """Keras' way: dense, dense_1, dense_2.

    >>> free_name(nn.Linear(1, 1), {"linear"})
    'linear_1'
    """
    base = snake_case(kind_of(layer))
    name, index = base, 0
    while name in taken:
        index += 1
        name = f"{base}_{index}"
    return name


def name_inputs(symbols: Sequence[Symbol]) -> None:
    """Unnamed inputs become input, input_1 ..., as in Keras."""
    taken = {symbol.name for symbol in symbols}
    for symbol in symbols:
        if not symbol.name:
            names = ("input" if index == 0 else f"input_{index}" for index in range(len(taken) + 1))
            symbol.name = next(name for name in names if name not in taken)
            taken.add(symbol.name)


def snake_case(name: str) -> str:
    """The name of a class as Keras writes it in names of layers, and in files.

    >>> [snake_case(name) for name in ("Conv2D", "BatchNormalization", "MyHTTPLayer", "LSTM")]
    ['conv2d', 'batch_normalization', 'my_http_layer', 'lstm']
    """
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
