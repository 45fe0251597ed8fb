"""The three ways in which files name weights, and how to find a model's weights by each."""

from collections.abc import Iterator, Mapping
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from onfit.engine.model.naming import snake_case
from onfit.layers import wrappers
from onfit.layers.containers import Held
from onfit.layers.keys import name_under
from onfit.layers.recurrent import Recurrent
from onfit.saving.keras_order import layers_of

if TYPE_CHECKING:
    from onfit.engine.model.model import Model

# The name under which files keep the weights that belong to no layer.
TOP_LEVEL = "top_level_model_weights"


class Naming(Enum):
    """A way in which files name weights.

    by layer     "dense": kernel, bias              .h5
    by name      "dense.kernel"                     .safetensors, .pt
    by number    "layers/dense": 0, 1               .weights.h5, .keras
    """

    BY_LAYER = auto()
    BY_NAME = auto()
    BY_NUMBER = auto()


def by_layer(model: "Model", named: Mapping[str, Any]) -> dict[str, list[tuple[str, Any]]]:
    """For each layer that has weights, pairs of the layer's name for a weight and its value.

    Args:
        model: the model.
        named: the values by the model's names for weights.
    """
    names = {key: name_under(key, layer) for key, layer in model._inside.named_children()}
    layers: dict[str, list[tuple[str, Any]]] = {}
    for name, value in named.items():
        layer, dot, own = name.partition(".")
        if not dot:
            layer, own = TOP_LEVEL, name
        layers.setdefault(names.get(layer, layer), []).append((own.replace(".", "/"), value))
    if TOP_LEVEL in layers:  # last, where a file has them
        layers[TOP_LEVEL] = layers.pop(TOP_LEVEL)
    return layers


def shared_names(model: "Model", named: Mapping[str, Tensor]) -> dict[str, str]:
    """For each further name of a weight that several layers share, its name in `named`."""
    kept = {id(tensor): name for name, tensor in named.items()}
    return {
        name: kept[id(tensor)]
        for name, tensor in _all_names(model._inside)
        if id(tensor) in kept and kept[id(tensor)] != name
    }


def _all_names(net: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for prefix, module in wrappers.named_modules(net, remove_duplicate=False):
        for name, tensor in _own(module):
            yield f"{prefix}.{name}" if prefix else name, tensor


def _own(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from module.named_parameters(recurse=False, remove_duplicate=False)
    yield from module.named_buffers(recurse=False, remove_duplicate=False)


def numbered_names(model: "Model", named: Mapping[str, Tensor]) -> dict[str, list[str]]:
    """Keras' path of each layer that has weights, and the weights' names in Keras' order.

    A torch module is walked by the names of its parts: {"encoder/0": ["encoder.0.weight", ...]}.
    """
    names = {id(tensor): name for name, tensor in named.items()}
    found: dict[str, list[str]] = {}
    for path, module in _walked(model._inside, "", set()):
        # A weight that layers share belongs to the first of them, as in Keras' files.
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
    inner = wrappers.inner_name(module)
    for name, child in _parts(module):
        yield from _walked(child, path if name == inner else f"{path}/{name}".lstrip("/"), seen)


def _parts(module: nn.Module) -> list[tuple[str, nn.Module]]:
    layers = [*module.children()] if isinstance(module, Held) else layers_of(module)
    if layers is None:
        return sorted(module.named_children(), key=lambda part: part[0])
    place = "" if isinstance(module, Held) else "layers/"
    counts: dict[str, int] = {}
    parts = []
    for layer in layers:
        kind = snake_case(wrappers.class_of(layer).__name__)
        index = counts[kind] = counts.get(kind, -1) + 1
        parts.append((f"{place}{kind}_{index}" if index else f"{place}{kind}", layer))
    return parts
