"""Functional models as a configuration: their layers, and which was called on what."""

from collections.abc import Callable
from typing import Any

from torch import nn

from onfit.engine.model.functional import Functional, Slot
from onfit.errors import FileFormatError
from onfit.layers import Input
from onfit.layers.graph import Symbol, symbols_in
from onfit.layers.shapes import Spec, mapped
from onfit.saving.values import Config

# Where a value comes from, as Keras says it: layer, which call of it, which output of that.
History = tuple[str, int, int]

# --- writing ---------------------------------------------------------------------------------


def functional_config(model: Functional, layer_config: Callable[[nn.Module], Config]) -> Config:
    """The layers of a functional model and its calls, in Keras' words.

    Args:
        model: the model.
        layer_config: describes one layer.
    """
    keys = {id(layer): key for key, layer in model.named_children()}
    origin: dict[int, History] = {}
    layers: dict[str, Config] = {}
    for slot, symbol in enumerate(model.inputs):
        origin[slot] = (symbol.name, 0, 0)
        layers[symbol.name] = _input_config(symbol)
    for call in model.calls:
        key = keys[id(call.layer)]
        if key not in layers:
            described = layer_config(call.layer)
            described["config"]["name"] = key
            layers[key] = {**described, "name": key, "inbound_nodes": []}
        nodes = layers[key]["inbound_nodes"]
        nodes.append(
            {
                "args": _with_tensors(call.args, origin, model.specs),
                "kwargs": _with_tensors(call.kwargs, origin, model.specs),
            }
        )
        for index, slot in enumerate(slots_in(call.outputs)):
            origin[slot] = (key, len(nodes) - 1, index)
    ends = [list(origin[slot]) for slot in model.output_slots]
    begins = [list(origin[slot]) for slot in range(len(model.inputs))]
    return {
        "class_name": "Functional",
        "config": {
            "name": model.name,
            "trainable": True,
            "layers": list(layers.values()),
            "input_layers": begins if isinstance(model.input, list) else begins[0],
            "output_layers": ends if isinstance(model.output, list) else ends[0],
        },
    }


def slots_in(structure: Any) -> list[int]:
    """The places in a nest of arguments or outputs, in order."""
    found: list[int] = []
    mapped(found.append, Slot, structure)
    return found


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

    return mapped(tensor, Slot, structure)


# --- reading ---------------------------------------------------------------------------------


def functional_from_config(
    config: Config, make_layer: Callable[[str, Config], nn.Module]
) -> Functional:
    """The functional model that `functional_config`, or Keras, described.

    Args:
        config: what stands under "config".
        make_layer: makes a layer of its class name and configuration.

    Raises:
        FileFormatError: if the calls do not lead from the inputs to the outputs.
    """
    values: dict[History, Symbol] = {}
    waiting: list[tuple[str, Any, int, Any]] = []
    for item in config["layers"]:
        name = item.get("name") or item["config"]["name"]
        if item["class_name"] == "InputLayer":
            values[name, 0, 0] = _input_of(name, item["config"])
            continue
        layer = make_layer(item["class_name"], dict(item["config"]))
        waiting += [(name, layer, index, node) for index, node in enumerate(item["inbound_nodes"])]
    _call_all(waiting, values)
    inputs = _symbols_of(config["input_layers"], values)
    return Functional(inputs, _symbols_of(config["output_layers"], values), name=config["name"])


def _call_all(waiting: list[tuple[str, Any, int, Any]], values: dict[History, Symbol]) -> None:
    """Call each layer once all it takes is there; the order of the file need not be that."""
    while waiting:
        late = []
        for name, layer, index, node in waiting:
            args, kwargs = _arguments(node)
            if not all(history in values for history in _histories((args, kwargs))):
                late.append((name, layer, index, node))
                continue
            out = layer(*_filled(args, values), **_filled(kwargs, values))
            for position, symbol in enumerate(symbols_in(out)):
                values[name, index, position] = symbol
        if len(late) == len(waiting):
            names = ", ".join(name for name, *_ in late)
            raise FileFormatError(f"the layers {names} take what no layer gives.")
        waiting = late


def _input_of(name: str, config: Config) -> Symbol:
    shape = config.get("batch_shape") or config.get("batch_input_shape")
    return Input(batch_shape=shape, dtype=config.get("dtype"), name=name)


def _arguments(node: Any) -> tuple[Any, Any]:
    """What a layer was called on: Keras 3 says it by args and kwargs, Keras 2 by a list."""
    if isinstance(node, dict):
        # Keras notes the mode of the call it traced the layer with, and masks that are not there.
        kwargs = {k: v for k, v in node["kwargs"].items() if v is not None and k != "training"}
        return tuple(node["args"]), kwargs
    tensors = [
        {"class_name": "__keras_tensor__", "config": {"keras_history": part[:3]}} for part in node
    ]
    return (tensors[0] if len(tensors) == 1 else tensors,), dict(node[0][3])


def _is_tensor(value: Any) -> bool:
    return isinstance(value, dict) and value.get("class_name") == "__keras_tensor__"


def _history(value: Any) -> History:
    name, node, tensor = value["config"]["keras_history"][:3]
    return (name, node, tensor)


def _histories(structure: Any) -> list[History]:
    if _is_tensor(structure):
        return [_history(structure)]
    if isinstance(structure, dict):
        structure = list(structure.values())
    if isinstance(structure, (list, tuple)):
        return [history for item in structure for history in _histories(item)]
    return []


def _filled(structure: Any, values: dict[History, Symbol]) -> Any:
    if _is_tensor(structure):
        return values[_history(structure)]
    if isinstance(structure, dict):
        return {key: _filled(item, values) for key, item in structure.items()}
    if isinstance(structure, (list, tuple)):
        return type(structure)(_filled(item, values) for item in structure)
    return structure


def _symbols_of(listed: Any, values: dict[History, Symbol]) -> Any:
    """Symbols for `[name, node, tensor]`, or for a list or dict of those."""
    if isinstance(listed, dict):
        return {key: _symbols_of(item, values) for key, item in listed.items()}
    if listed and isinstance(listed[0], str):
        return values[listed[0], listed[1], listed[2]]
    return [_symbols_of(item, values) for item in listed]
