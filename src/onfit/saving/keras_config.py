"""The configuration of a model, converted between `.h5` files and `.keras` files.

Both forms are Keras'. The newer one (`.keras`) says for each object which module it comes from, and
under which name a user's own object is registered.
"""

from typing import Any

from onfit import activations, initializers, layers, losses, metrics, optimizers, regularizers
from onfit.saving.contents import Config, Contents
from onfit.saving.describe_functional import is_operation
from onfit.saving.values import function_config, lookup

_MODELS = {"Sequential": "keras", "Functional": "keras.src.models.functional"}

# The options of layers around others that are layers.
_LAYERS_WITHIN = ("layer", "backward_layer", "cell", "cells")

# --- writing ---------------------------------------------------------------------------------


def to_keras(contents: Contents) -> Config:
    """The content of `config.json`."""
    assert contents.model_config is not None
    config = _layer(contents.model_config)
    if contents.training_config is not None:
        config["compile_config"] = _training(contents.training_config)
    return config


def _layer(described: Config) -> Config:
    """A layer or a model, with all in it."""
    kind, config = described["class_name"], described["config"]
    known = _MODELS.get(kind)
    if is_operation(described):
        return described
    if known is None:
        named = {key: _named(key, value) for key, value in config.items()}
        named |= {key: _within(config[key]) for key in _LAYERS_WITHIN if key in config}
        return {**described, **_home(kind, "keras.layers", layers), "config": named}
    inner = {**config, "layers": [_layer(layer) for layer in config["layers"]]}
    return {
        **described,
        "module": known,
        "registered_name": None if known == "keras" else kind,
        "config": inner,
        "build_config": {"input_shape": config.get("build_input_shape")},
    }


def _within(described: Any) -> Any:
    """A layer, or layers, in the configuration of another one."""
    if isinstance(described, list):
        return [_within(each) for each in described]
    is_layer = isinstance(described, dict) and "class_name" in described
    return _layer(described) if is_layer else described


# The last word of an option's name, and the module that knows the values the option may have.
_NAMED = {"activation": activations, "initializer": initializers, "regularizer": regularizers}


def _named(option: str, value: Any) -> Any:
    """The value of an option; the name of a user's function becomes what Keras writes for one."""
    room = _NAMED.get(option.rpartition("_")[2])
    if room is None or not isinstance(value, str) or lookup(room.get, value) is not None:
        return value
    return function_config(value)


def _training(config: Config) -> Config:
    optimizer = config["optimizer_config"]
    return {
        "optimizer": {
            **optimizer,
            **_home(optimizer["class_name"], "keras.optimizers", optimizers),
        },
        "loss": _objects(config["loss"], "keras.losses", losses),
        "loss_weights": config["loss_weights"],
        "metrics": _objects(config["metrics"], "keras.metrics", metrics),
        "weighted_metrics": _objects(config["weighted_metrics"], "keras.metrics", metrics),
        "run_eagerly": False,
        "steps_per_execution": 1,
        "jit_compile": False,
    }


def _objects(value: Any, module: str, room: Any) -> Any:
    """A loss or metric, or a nest of lists and dicts of them."""
    if isinstance(value, list):
        return [_objects(item, module, room) for item in value]
    if isinstance(value, str) and lookup(room.get, value) is None:
        return function_config(value)
    if not isinstance(value, dict):
        return value
    if "class_name" not in value:
        return {name: _objects(item, module, room) for name, item in value.items()}
    # The configuration of a torch loss names its module already.
    return {**_home(value["class_name"], module, room), **value}


def _home(kind: str, module: str, room: Any) -> Config:
    """Where Keras looks for a class: in its own module, or in the user's `custom_objects`."""
    ours = kind == "InputLayer" or hasattr(room, kind)
    return {"module": module if ours else None, "registered_name": None if ours else kind}


# --- reading ---------------------------------------------------------------------------------


def from_keras(config: Config) -> Contents:
    """The contents that `config.json` describes, without weights.

    Raises:
        ValueError: if it describes no model.
    """
    if "class_name" not in config or not isinstance(config.get("config"), dict):
        raise ValueError("its config.json describes no model")
    compiled = config.get("compile_config") or None
    if compiled is not None and "optimizer" in compiled:
        compiled = {**compiled, "optimizer_config": compiled["optimizer"]}
    keys = ("class_name", "config", "own_class", "own_policy")
    model: Config = {key: config[key] for key in keys if key in config}
    return Contents(model_config=model, training_config=compiled)
