"""The calls of a functional model made again from its configuration, in Keras' words."""

import inspect
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from onfit.dtypes import torch_dtype
from onfit.errors import FileFormatError
from onfit.layers import AddLoss, Input
from onfit.layers.graph import Operation, Symbol, symbols_in
from onfit.operations import BY_CLASS
from onfit.saving.describe_functional import (
    CONSTANT,
    ELLIPSIS,
    MODE_ASKED_FOR,
    SLICE,
    History,
    is_operation,
)
from onfit.saving.values import Config

# An error names at most so many layers that wait for one tensor.
_SHOWN = 20


def connected(
    config: Config, make_layer: Callable[[str, Config], nn.Module]
) -> tuple[Any, Any, list[Symbol]]:
    """The inputs and outputs, as symbols, of the model that `functional_config` or Keras described;
    and the losses among them, which go to no output.

    Args:
        config: the model's configuration, without its class name.
        make_layer: makes a layer of its class name and configuration.

    Raises:
        FileFormatError: if the calls do not lead from the inputs to the outputs.
    """
    values: dict[History, Symbol] = {}
    calls: list[_Delayed] = []
    for item in config["layers"]:
        name = item.get("name") or item["config"]["name"]
        if item["class_name"] == "InputLayer":
            values[name, 0, 0] = _input_of(name, item["config"])
            continue
        layer = (
            _operation(item)
            if is_operation(item)
            else make_layer(item["class_name"], dict(item["config"]))
        )
        nodes = enumerate(item["inbound_nodes"])
        calls += [_Delayed(name, layer, index, *_arguments(node)) for index, node in nodes]
    _make_all(calls, values)
    ends = ("input_layers", "output_layers")
    inputs, outputs = (_symbols_of(config[key], values) for key in ends)
    losses = [call for call in calls if isinstance(call.layer, AddLoss)]
    return inputs, outputs, [values[call.name, call.index, 0] for call in losses]


def _operation(item: Config) -> Operation:
    """A computation by the class that Keras has for it."""
    entry = BY_CLASS.get(item["class_name"])
    if entry is None:
        raise FileFormatError(
            f"it has a computation {item['module']}.{item['class_name']}, which onfit.ops has not. "
            "Build the model with layers.Lambda in its place, and use load_weights."
        )
    given = {key: _filled(value, {}) for key, value in item["config"].items()}
    taken = inspect.signature(entry.function).parameters
    asks = {key: value for key, value in given.items() if key in taken}
    operation = Operation(entry.name, **asks)
    operation.name = item["name"]
    return operation


class _Delayed:
    """A call of a layer that waits for its inputs.

    Args:
        name: the layer's name.
        layer: the layer.
        index: which call of the layer it is.
        args: what it is called with, in which tensors are described.
        kwargs: the same by name.
    """

    def __init__(self, name: str, layer: Any, index: int, args: Any, kwargs: Any) -> None:
        self.name, self.layer, self.index = name, layer, index
        self.args, self.kwargs = args, kwargs
        self._needs = iter(_histories((args, kwargs)))

    def waits_for(self, values: Mapping[History, Symbol]) -> History | None:
        """A tensor that it takes and that is not there yet. Those found there are not asked for
        again.
        """
        return next((history for history in self._needs if history not in values), None)

    def make(self, values: Mapping[History, Symbol]) -> dict[History, Symbol]:
        """Call the layer; its outputs."""
        out = self.layer(*_filled(self.args, values), **_filled(self.kwargs, values))
        found = enumerate(symbols_in(out))
        return {(self.name, self.index, position): symbol for position, symbol in found}


def _make_all(calls: list[_Delayed], values: dict[History, Symbol]) -> None:
    """Make each call once its inputs are there: the file may list the layers in another order."""
    ready = deque(calls)
    waiting: dict[History, list[_Delayed]] = {}
    while ready:
        call = ready.popleft()
        history = call.waits_for(values)
        if history is not None:
            waiting.setdefault(history, []).append(call)
            continue
        made = call.make(values)
        values |= made
        for history in made:
            ready.extend(waiting.pop(history, ()))
    if waiting:
        names = ", ".join(call.name for late in waiting.values() for call in late[:_SHOWN])
        raise FileFormatError(f"the layers {names} take what no layer gives.")


def _input_of(name: str, config: Config) -> Symbol:
    shape = config.get("batch_shape") or config.get("batch_input_shape")
    return Input(batch_shape=shape, dtype=config.get("dtype"), name=name)


def _arguments(node: Any) -> tuple[Any, Any]:
    """The arguments that a layer was called with: args and kwargs in Keras 3, a list in Keras 2."""
    if isinstance(node, dict):
        # Keras also writes the mode in which it traced the layer, and absent masks.
        kwargs = {k: v for k, v in node["kwargs"].items() if v is not None}
        if not node.get(MODE_ASKED_FOR) and kwargs.get("training") is not True:
            kwargs.pop("training", None)
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


def _filled(structure: Any, values: Mapping[History, Symbol]) -> Any:
    if _is_tensor(structure):
        return values[_history(structure)]
    if isinstance(structure, dict) and structure.get("class_name") in (CONSTANT, "__numpy__"):
        config = structure["config"]
        return torch.tensor(config["value"], dtype=torch_dtype(config["dtype"]))
    if isinstance(structure, dict) and structure.get("class_name") == SLICE:
        return slice(*(structure["config"][key] for key in ("start", "stop", "step")))
    if isinstance(structure, dict) and structure.get("class_name") == ELLIPSIS:
        return ...
    if isinstance(structure, dict):
        return {key: _filled(item, values) for key, item in structure.items()}
    if isinstance(structure, (list, tuple)):
        return type(structure)(_filled(item, values) for item in structure)
    return structure


def _symbols_of(listed: Any, values: Mapping[History, Symbol]) -> Any:
    """Symbols for `[name, node, tensor]`, or for a list or dict of those."""
    if isinstance(listed, dict):
        return {key: _symbols_of(item, values) for key, item in listed.items()}
    if listed and isinstance(listed[0], str):
        return values[listed[0], listed[1], listed[2]]
    return [_symbols_of(item, values) for item in listed]
