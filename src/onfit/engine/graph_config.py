"""The layers of a model and what connects them, in Keras' words, for whoever draws graphs."""

from typing import TYPE_CHECKING, Any

from torch import nn

from onfit.engine.functional import Functional, _slots
from onfit.engine.sequential import Sequential
from onfit.layers import TorchModule
from onfit.layers.shapes import Spec

if TYPE_CHECKING:
    from onfit.engine.model import Model

Config = dict[str, Any]


def graph_config(model: "Model") -> Config | None:
    """What `Model.graph_config` documents."""
    return _model(model, model.name)


def _model(layer: nn.Module, name: str) -> Config | None:
    """A model by its layers; None for anything whose own code says what it does."""
    if isinstance(layer, Sequential) and type(layer).forward is Sequential.forward:
        return _sequential(layer, name) if layer.built else None
    if isinstance(layer, Functional) and type(layer).forward is Functional.forward:
        return _functional(layer, name)
    return None


def _sequential(model: Sequential, name: str) -> Config:
    begin = model.input
    layers = [_layer(layer, key) for key, layer in model.named_children()]
    layers.insert(0, _input(begin.name or "input", begin.spec))
    return {"class_name": "Sequential", "config": {"name": name, "layers": layers}}


def _functional(model: Functional, name: str) -> Config:
    names = {id(layer): key for key, layer in model.named_children()}
    # Where each value comes from, as Keras says it: layer, which call of it, which output of that.
    history: dict[int, list[Any]] = {}
    layers: dict[str, Config] = {}
    for slot, symbol in enumerate(model.inputs):
        history[slot] = [symbol.name, 0, 0]
        layers[symbol.name] = {**_input(symbol.name, symbol.spec), "inbound_nodes": []}
    for call in model.calls:
        key = names[id(call.layer)]
        config = layers.setdefault(key, {**_layer(call.layer, key), "inbound_nodes": []})
        taken = [history[slot] for slot in _slots((call.args, call.kwargs))]
        for index, slot in enumerate(_slots(call.outputs)):
            history[slot] = [key, len(config["inbound_nodes"]), index]
        config["inbound_nodes"].append({"args": [_tensor(each) for each in taken], "kwargs": {}})
    return {
        "class_name": "Functional",
        "config": {
            "name": name,
            "layers": list(layers.values()),
            # Bare names, for TensorBoard takes those of any number of inputs.
            "input_layers": [symbol.name for symbol in model.inputs],
            "output_layers": [history[slot] for slot in model.output_slots],
        },
    }


def _layer(layer: nn.Module, name: str) -> Config:
    described = _model(layer, name)
    if described is not None:
        return described
    kind = type(layer.net if isinstance(layer, TorchModule) else layer).__name__
    config = {"name": name}
    weight = next(layer.parameters(), None)
    if weight is not None:
        config["dtype"] = str(weight.dtype).removeprefix("torch.")
    return {"class_name": kind, "config": config}


def _input(name: str, spec: Spec) -> Config:
    dtype = str(spec.dtype).removeprefix("torch.")
    shape = list(spec.shape)
    return {
        "class_name": "InputLayer",
        "config": {"name": name, "dtype": dtype, "batch_shape": shape},
    }


def _tensor(history: list[Any]) -> Config:
    return {"class_name": "__keras_tensor__", "config": {"keras_history": history}}
