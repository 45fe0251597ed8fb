"""A functional model as a configuration: its layers, and which was called on what."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from onfit.dtypes import dtype_name
from onfit.engine.model.calls import Slot, slots_in
from onfit.layers.graph import Operation, Symbol
from onfit.layers.keys import named_layers
from onfit.layers.shapes import Spec, mapped
from onfit.operations import computation
from onfit.saving.values import Config

if TYPE_CHECKING:
    from onfit.engine.model.functional import Functional

# Where a value comes from, as Keras says it: the layer, the number of its call, the number of the
# output.
History = tuple[str, int, int]

# What a node has that is to be called in its own mode, whatever the mode of the model.
MODE_ASKED_FOR = "mode_asked_for"
# The class that Keras writes for a tensor among the arguments of a call.
CONSTANT = "__tensor__"
# Those for a slice and for `...` among them.
SLICE, ELLIPSIS = "__slice__", "__ellipsis__"
# Where Keras keeps its computations.
_OPS = "keras.src.ops."


def functional_config(model: "Functional", layer_config: Callable[[nn.Module], Config]) -> Config:
    """The layers of a functional model and its calls, in Keras' words.

    Args:
        model: the model.
        layer_config: describes one layer.
    """
    keys = {id(layer): name for name, layer in named_layers(model)}
    origin: dict[int, History] = {}
    layers: dict[str, Config] = {}
    for slot, symbol in enumerate(model.inputs):
        origin[slot] = (symbol.name, 0, 0)
        layers[symbol.name] = _input_config(symbol)
    for call in model.calls:
        key = keys[id(call.layer)]
        if key not in layers:
            described = _described(call.layer, layer_config)
            described["config"]["name"] = key
            layers[key] = {**described, "name": key, "inbound_nodes": []}
        nodes = layers[key]["inbound_nodes"]
        node = {
            "args": _with_tensors(call.args, origin, model.specs),
            "kwargs": _with_tensors(call.kwargs, origin, model.specs),
        }
        # Keras writes a mode for each call; here one that the author of the model asked for.
        nodes.append({**node, MODE_ASKED_FOR: True} if "training" in call.kwargs else node)
        for index, slot in enumerate(slots_in(call.outputs)):
            origin[slot] = (key, len(nodes) - 1, index)
    ends = mapped(lambda slot: list(origin[slot]), Slot, model.arranged(model.output_slots))
    begins = [list(origin[slot]) for slot in range(len(model.inputs))]
    return {
        "class_name": "Functional",
        "config": {
            "name": model.name,
            "trainable": model.trainable,
            "layers": list(layers.values()),
            "input_layers": begins if isinstance(model.input, list) else begins[0],
            "output_layers": ends,
        },
    }


def _described(layer: nn.Module, layer_config: Callable[[nn.Module], Config]) -> Config:
    if not isinstance(layer, Operation):
        return layer_config(layer)
    kind = layer.class_name
    return {
        "module": _OPS + computation(layer.computes).home,
        "class_name": kind,
        "config": {key: _plain(value) for key, value in layer.options.items()},
        "registered_name": kind,
    }


def is_operation(described: Config) -> bool:
    """Whether this describes a computation, not a layer: several have the same name."""
    return str(described.get("module")).startswith(_OPS)


def _input_config(symbol: Symbol) -> Config:
    dtype = str(symbol.dtype).removeprefix("torch.")
    return {
        "class_name": "InputLayer",
        "config": {"batch_shape": list(symbol.shape), "dtype": dtype, "name": symbol.name},
        "name": symbol.name,
        "inbound_nodes": [],
    }


def _with_tensors(structure: Any, origin: dict[int, History], specs: dict[int, Spec]) -> Any:
    def tensor(slot: int) -> Config:
        spec = specs[slot]
        config = {
            "shape": list(spec.shape),
            "dtype": str(spec.dtype).removeprefix("torch."),
            "keras_history": list(origin[slot]),
        }
        return {"class_name": "__keras_tensor__", "config": config}

    return _plain(mapped(tensor, Slot, structure))


def _plain(value: Any) -> Any:
    """An argument that is no tensor of the graph, as Keras writes it."""
    if isinstance(value, Tensor):
        return _constant(value)
    if isinstance(value, torch.dtype):
        return dtype_name(value)
    if isinstance(value, slice):
        config = {"start": value.start, "stop": value.stop, "step": value.step}
        return {"class_name": SLICE, "config": config}
    if value is Ellipsis:
        return {"class_name": ELLIPSIS, "config": {}}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _constant(value: Tensor) -> Config:
    dtype = str(value.dtype).removeprefix("torch.")
    return {"class_name": CONSTANT, "config": {"value": value.tolist(), "dtype": dtype}}
