"""The three ways in which files name weights, and finding a model's own behind each.

by layer     "dense": kernel, bias              .h5
by name      "dense.kernel"                     .safetensors
by number    "layers/dense": 0, 1               .weights.h5, .keras
"""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from onfit.layers.recurrent import Recurrent
from onfit.saving.keras_order import layers_of

if TYPE_CHECKING:
    from onfit.engine.model.model import Model

# Weights that belong to no layer.
TOP_LEVEL = "top_level_model_weights"


def by_layer(named: Mapping[str, Any]) -> dict[str, list[tuple[str, Any]]]:
    """For each layer with weights, the layer's names for them and what is under them."""
    layers: dict[str, list[tuple[str, Any]]] = {}
    for name, value in named.items():
        layer, dot, own = name.partition(".")
        if not dot:
            layer, own = TOP_LEVEL, name
        layers.setdefault(layer, []).append((own.replace(".", "/"), value))
    if TOP_LEVEL in layers:  # last, where a file has them
        layers[TOP_LEVEL] = layers.pop(TOP_LEVEL)
    return layers


def shared_names(model: "Model") -> dict[str, str]:
    """For each further name of a weight that several layers share, the name it is kept under."""
    kept = {id(tensor): name for name, tensor in model.named_weights()}
    return {
        name: kept[id(tensor)]
        for name, tensor in _all_names(model._inside)
        if id(tensor) in kept and kept[id(tensor)] != name
    }


def _all_names(net: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for prefix, module in net.named_modules(remove_duplicate=False):
        for name, tensor in _own(module):
            yield f"{prefix}.{name}" if prefix else name, tensor


def _own(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from module.named_parameters(recurse=False, remove_duplicate=False)
    yield from module.named_buffers(recurse=False, remove_duplicate=False)


def numbered_names(model: "Model") -> dict[str, list[str]]:
    """Keras' path of each layer that has weights, and the weights' names in Keras' order.

    A torch module is walked by the names of its parts: {"encoder/0": ["encoder.0.weight", ...]}.
    """
    names = {id(tensor): name for name, tensor in model.named_weights()}
    found: dict[str, list[str]] = {}
    for path, module in _walked(model._inside, "", set()):
        # What an earlier layer shares with this one is told there, as Keras tells it.
        own = [names.pop(id(tensor)) for _, tensor in _own(module) if id(tensor) in names]
        if own:
            found[path] = own
    return found


def _walked(module: nn.Module, path: str, seen: set[int]) -> Iterator[tuple[str, nn.Module]]:
    if id(module) in seen:
        return
    seen.add(id(module))
    # Keras' recurrent layers leave their weights to a cell.
    yield (f"{path}/cell" if isinstance(module, Recurrent) else path), module
    for name, child in _parts(module):
        yield from _walked(child, f"{path}/{name}".lstrip("/"), seen)


def _parts(module: nn.Module) -> list[tuple[str, nn.Module]]:
    layers = layers_of(module)
    if layers is None:
        return sorted(module.named_children(), key=lambda part: part[0])
    counts: dict[str, int] = {}
    parts = []
    for layer in layers:
        kind = snake_case(type(layer).__name__)
        index = counts[kind] = counts.get(kind, -1) + 1
        parts.append((f"layers/{kind}_{index}" if index else f"layers/{kind}", layer))
    return parts


def snake_case(name: str) -> str:
    """As Keras writes the names of classes in files.

    >>> [snake_case(name) for name in ("Conv2D", "BatchNormalization", "MyHTTPLayer", "LSTM")]
    ['conv2d', 'batch_normalization', 'my_http_layer', 'lstm']
    """
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
