"""The layers of a model and what connects them, in Keras' words, for TensorBoard's graph."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from torch import nn

from onfit.layers import TorchModule
from onfit.layers.keys import kind_of, named_layers
from onfit.saving.describe import can_be_described
from onfit.saving.describe_functional import functional_config

if TYPE_CHECKING:
    from onfit.engine.model.functional import Functional
    from onfit.engine.model.model import Model
    from onfit.engine.model.sequential import Sequential

Config = dict[str, Any]


def graph_config(model: "Model") -> Config | None:
    """What `Model.graph_config` documents."""
    return _model(model, model.name)


def _model(layer: nn.Module, name: str) -> Config | None:
    """A model by its layers; None for a module that is not described by its layers."""
    model: Any = layer
    if not can_be_described(layer) or not model.built:
        return None
    return _DRAWN[model.class_in_config](model, name)


def _sequential(model: "Sequential", name: str) -> Config:
    begin = model.input
    dtype = str(begin.dtype).removeprefix("torch.")
    config = {"name": begin.name or "input", "dtype": dtype, "batch_shape": list(begin.shape)}
    layers = [_layer(layer, name) for name, layer in named_layers(model)]
    layers.insert(0, {"class_name": "InputLayer", "config": config})
    return {"class_name": "Sequential", "config": {"name": name, "layers": layers}}


def _functional(model: "Functional", name: str) -> Config:
    described = functional_config(model, _layer)
    config = described["config"]
    # TensorBoard connects inputs by their bare names, and looks for tensors in flat lists.
    config |= {"name": name, "input_layers": [symbol.name for symbol in model.inputs]}
    if isinstance(config["output_layers"], dict):
        config["output_layers"] = list(config["output_layers"].values())
    for layer in config["layers"]:
        layer["inbound_nodes"] = [
            {"args": list(_tensors(node)), "kwargs": {}} for node in layer["inbound_nodes"]
        ]
    return described


_DRAWN: dict[str, Callable[[Any, str], Config]] = {
    "Sequential": _sequential,
    "Functional": _functional,
}


def _layer(layer: nn.Module, name: str = "") -> Config:
    described = _model(layer, name)
    if described is not None:
        return described
    kind = kind_of(layer.net if isinstance(layer, TorchModule) else layer)
    config = {"name": name}
    weight = next(layer.parameters(), None)
    if weight is not None:
        config["dtype"] = str(weight.dtype).removeprefix("torch.")
    return {"class_name": kind, "config": config}


def _tensors(structure: Any) -> Iterator[Config]:
    """The tensors anywhere in the arguments of a call."""
    if isinstance(structure, dict) and structure.get("class_name") == "__keras_tensor__":
        yield structure
    elif isinstance(structure, dict):
        yield from _tensors(list(structure.values()))
    elif isinstance(structure, (list, tuple)):
        for part in structure:
            yield from _tensors(part)
