"""Layers and models made again from a configuration that `describe.py`, or Keras, wrote.

This module alone imports the classes of models. All else in this package asks a model for what it
needs to know.
"""

import json
from typing import Any

import torch
from torch import nn

from onfit import layers
from onfit.dtypes import dtype_name, name_of, torch_dtype
from onfit.engine.model.functional import Functional
from onfit.engine.model.model import Model
from onfit.engine.model.sequential import Sequential
from onfit.errors import ArgumentError, FileFormatError, OnfitError, warn
from onfit.layers import Input, Layer
from onfit.layers.around.wrapper import Around
from onfit.policies import DTypePolicy, choosing, chosen_policy, policy_of
from onfit.registered import with_registered
from onfit.saving.rebuild_functional import connected
from onfit.saving.values import (
    Config,
    Custom,
    argument_names,
    from_plain,
    make,
    served,
    without_place,
)


def model_from_config(given: Config, custom: Custom) -> Model:
    """The model that `model_config`, or Keras, described; its weights are new ones.

    Raises:
        ArgumentError: naming the layer that cannot be made, and why.
        FileFormatError: for another kind of model.
    """
    kind, config = given["class_name"], given["config"]
    if kind not in _MADE:
        raise FileFormatError(
            f"it holds a model of class {kind}, which only its own code can make. "
            "Build the model and use load_weights."
        )
    own = _own_class(given.get("own_class"), kind, custom)
    mixed = chosen_policy() is _EACH_LAYER_SAYS or _has_mixed_types(config)
    with choosing(_EACH_LAYER_SAYS if mixed else None):  # the file says the types
        model = _MADE[kind](config, custom, own)
    policy = given.get("own_policy")
    model.compute_in(None if policy is None else policy_of(policy))
    if config.get("trainable") is False:  # True is the default, and would free frozen layers
        model.trainable = False
    return model


def model_from_json(json_string: str, custom_objects: Custom | None = None) -> Model:
    """The model that `to_json` described, with new weights.

    Args:
        json_string: what `model.to_json()` gave.
        custom_objects: your own layer classes, activations and initializers, by name.

    Raises:
        FileFormatError: for a text that describes no model.
        ArgumentError: naming the layer that cannot be made, and why.

    Example:
        >>> model = Sequential([layers.Dense(2, input_dim=3)])
        >>> model_from_json(model.to_json()).output_shape
        (None, 2)
    """
    try:
        config = json.loads(json_string)
        described = {**config, "class_name": config["class_name"], "config": config["config"]}
    except (ValueError, TypeError, KeyError) as error:
        raise FileFormatError(
            f"model_from_json: the text describes no model: {error!r}. Pass what model.to_json() "
            "gave."
        ) from error
    return model_from_config(described, with_registered(custom_objects))


def _functional(config: Config, custom: Custom, own: Any = None) -> Model:
    inputs, outputs, losses = connected(config, lambda kind, layer: _made(kind, layer, custom))
    model: Functional = _of_class(own or Functional, config["name"], inputs, outputs)
    if losses:
        model.also_lower(losses)
    return model


def _of_class(kind: Any, name: str, *symbols: Any) -> Any:
    """A model of a user's class, which is called as Keras' classes are."""
    takes = "inputs, outputs, name=..." if symbols else "name=..."
    try:
        return kind(*symbols, name=name)
    except TypeError as error:
        raise ArgumentError(
            f"{kind.__name__} of custom_objects is called with {takes}, and {error}. Give it an "
            "__init__ that takes them; or build the model, and use load_weights."
        ) from error


def _own_class(name: str | None, kind: str, custom: Custom) -> Any:
    """The user's class of a model; None for a model that has none, or one that makes its layers
    itself: those of the file are added.
    """
    own = custom.get(name) if name is not None else None
    if own is not None and (kind != "Sequential" or own.__init__ is Sequential.__init__):
        return own
    if name is not None:
        found = "makes its layers itself" if own else "is not in custom_objects"
        warn(
            f"the model was one of the class {name}, which {found}: it is read without what that "
            "class adds. To have that, build the model and use load_weights, or pass "
            "custom_objects={name: class}."
        )
    return None


def _sequential(config: Config, custom: Custom, own: Any = None) -> Model:
    model: Sequential = _of_class(own or Sequential, config["name"])
    for item in config["layers"]:
        _add(model, item["class_name"], dict(item["config"]), custom)
    if not model.built and config.get("build_input_shape"):
        model.build((None, *config["build_input_shape"][1:]))
    return model


_MADE = {"Functional": _functional, "Model": _functional, "Sequential": _sequential}


def _add(model: Sequential, kind: str, config: Config, custom: Custom) -> None:
    # Keras 3 has the shape in an InputLayer, Keras 2 in that or in the first layer.
    shape = config.pop("batch_input_shape", None) or config.pop("batch_shape", None)
    is_input = kind == "InputLayer"  # which may take numbers of any type
    given = torch_dtype(config.get("dtype") or "float32") if is_input else None
    dtype = given or _policy_in(config).variable
    if shape is not None and not model.layers:
        model.add(Input(batch_shape=tuple(shape), dtype=dtype))
    if is_input:
        return
    model.add(_made(kind, config, custom))
    model.layers[-1].to(dtype)


def _made(kind: str, config: Config, custom: Custom) -> nn.Module:
    """A layer, or a model that is one."""
    if kind in ("Sequential", "Functional", "Model"):
        return model_from_config({"class_name": kind, "config": config}, custom)
    config = {**config, "dtype": _policy_in(config).name}
    if config["dtype"] == dtype_name(torch.get_default_dtype()) and chosen_policy() is None:
        del config["dtype"]  # it is a layer's usual type, with which it casts no inputs
    try:
        return _layer(kind, config, custom)
    except (OnfitError, TypeError) as error:
        raise ArgumentError(f"layer {config.get('name')!r} ({kind}): {error}") from error


def _layer(kind: str, config: Config, custom: Custom) -> Layer:
    if kind in custom:
        cls = custom[kind]
        own = _of_user(cls, from_plain(_without_keras_own(cls, config), custom))
        if "dtype" in config and own._policy is None:
            own.dtype_policy = config["dtype"]
        return own
    if kind in layers.__all__:
        cls = getattr(layers, kind)
        config = served(argument_names(cls), config)
        if issubclass(cls, Around):
            config |= _layers_within(cls, config, custom)
    else:
        raise ArgumentError(f"there is no such layer here. {_YOURS}")
    config = from_plain(config, custom)
    try:
        layer: Layer = make(cls, config)
    except OnfitError as error:  # such as an activation's name that is not known
        raise ArgumentError(f"{error} {_YOURS}") from error
    return layer


def _layers_within(cls: Any, config: Config, custom: Custom) -> Config:
    """The options of a layer that are layers themselves."""
    given = {key: config[key] for key in cls.layer_options if config.get(key) is not None}
    return {key: _within(described, custom) for key, described in given.items()}


def _within(described: Any, custom: Custom) -> Any:
    if isinstance(described, list):
        return [_within(each, custom) for each in described]
    return _made(described["class_name"], dict(described["config"]), custom)


def _of_user(cls: Any, config: Config) -> Layer:
    """A layer of a user's class. What its `__init__` does not take of every layer is set later."""
    later = ("name", "trainable", "dtype")
    lacks = {} if "from_config" in vars(cls) else without_place(cls, config, later)
    layer: Layer = make(cls, {key: value for key, value in config.items() if key not in lacks})
    for key, value in lacks.items():
        setattr(layer, "dtype_policy" if key == "dtype" else key, value)
    return layer


def _without_keras_own(cls: Any, config: Config) -> Config:
    """The options of a user's layer, without those that every layer of Keras has."""
    known = argument_names(cls) if isinstance(cls, type) else ()
    idle = {"dtype", "autocast"}
    if not config.get("activity_regularizer"):
        idle.add("activity_regularizer")
    return {key: value for key, value in config.items() if key in known or key not in idle}


_YOURS = "What is yours goes in custom_objects={name: object}."


# What new layers compute in while a file is read that has mixed types: each says its own.
_EACH_LAYER_SAYS = DTypePolicy("float32")


def _policy_in(config: Config) -> DTypePolicy:
    """The policy of a layer of this configuration."""
    given = config.get("dtype")
    return policy_of("float32" if given is None else given)


def _has_mixed_types(structure: Any) -> bool:
    """Whether a layer in a configuration computes in another type than that of its weights."""
    if isinstance(structure, list):
        return any(map(_has_mixed_types, structure))
    if not isinstance(structure, dict):
        return False
    named = name_of(structure.get("dtype"))
    return named.startswith("mixed_") or any(map(_has_mixed_types, structure.values()))
