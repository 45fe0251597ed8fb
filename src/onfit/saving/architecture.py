"""The layers of a Sequential as a configuration, and made again from one."""

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from onfit import layers
from onfit.errors import ArgumentError, FileFormatError, OnfitError
from onfit.layers import Input, Layer
from onfit.saving.values import (
    WEIGHTS_INSTEAD,
    Config,
    Custom,
    argument_names,
    from_plain,
    function_config,
    make,
    require_whole,
    served,
    to_plain,
)

if TYPE_CHECKING:
    from onfit.engine.model.model import Model
    from onfit.engine.model.sequential import Sequential

# --- writing ---------------------------------------------------------------------------------


def can_be_described(model: "Model") -> bool:
    """Whether a list of its layers is all there is to `model`: whether it is a plain Sequential."""
    # Models, and models import this package.
    from onfit.engine.model.functional import Functional
    from onfit.engine.model.sequential import Sequential

    return (isinstance(model, Sequential) and type(model).forward is Sequential.forward) or (
        type(model) is Functional
    )


def model_config(model: Any) -> Config:
    """How to make the layers of a Sequential again, in Keras' words.

    Raises:
        ArgumentError: naming a layer that cannot be described.
    """
    from onfit.engine.model.functional import Functional

    if isinstance(model, Functional):
        from onfit.saving.functional import functional_config

        dtype = _dtype_of(model, "float32")
        return functional_config(model, lambda layer: _layer_config(layer, model, dtype))
    begin = model.input
    shape = list(begin.shape)
    dtype = str(begin.dtype).removeprefix("torch.")
    weights_dtype = _dtype_of(model, "float32")
    first = {"batch_shape": shape, "dtype": dtype, "name": begin.name or "input_layer"}
    return {
        "class_name": "Sequential",
        "config": {
            "name": model.name,
            "trainable": True,
            "layers": [
                {"class_name": "InputLayer", "config": first},
                *(_layer_config(layer, model, weights_dtype) for layer in model.layers),
            ],
            "build_input_shape": shape,
        },
    }


def _layer_config(layer: nn.Module, model: Any, dtype: str) -> Config:
    if can_be_described(layer):  # type: ignore[arg-type]  # it asks just that
        return model_config(layer)
    if not isinstance(layer, Layer) or isinstance(layer, layers.TorchModule):
        raise ArgumentError(_undescribable(layer, model))
    owner = f"{model.described}.save: {layer.described}"
    config = to_plain(layer.get_config(), owner)
    if getattr(layers, type(layer).__name__, None) is not type(layer):
        require_whole(layer, config, Layer, owner)
    if isinstance(layer, layers.Lambda):  # whose function Keras does not take by a bare name
        config["function"] = function_config(config["function"])
    config.setdefault("dtype", _dtype_of(layer, dtype))
    return {"class_name": type(layer).__name__, "config": config}


def _dtype_of(module: nn.Module, default: str) -> str:
    """The type of its weights, as numpy and Keras name it."""
    floats = (p.dtype for p in module.parameters() if p.is_floating_point())
    return str(next(floats, default)).removeprefix("torch.")


def _undescribable(layer: nn.Module, model: Any) -> str:
    inner = getattr(layer, "net", layer)
    name = next(name for name, child in model.named_children() if child is layer)
    return (
        f"{model.described}.save: layer {name!r} is a torch module, "
        f"{type(inner).__module__}.{type(inner).__name__}, and a file cannot hold how to make "
        f"one. {WEIGHTS_INSTEAD}"
    )


# --- reading ---------------------------------------------------------------------------------


def model_from_config(config: Config, custom: Custom) -> "Model":
    """The model that `model_config`, or Keras, described; its weights are new ones.

    Raises:
        ArgumentError: naming the layer that cannot be made, and why.
        FileFormatError: for another kind of model.
    """
    from onfit.engine.model.sequential import Sequential

    if config["class_name"] in ("Functional", "Model"):
        from onfit.saving.functional import functional_from_config

        return functional_from_config(
            config["config"], lambda kind, layer: _made(kind, layer, custom)
        )
    if config["class_name"] != "Sequential":
        raise FileFormatError(
            f"it holds a model of class {config['class_name']}, which only its own code can make. "
            "Build the model and use load_weights."
        )
    config = config["config"]
    model = Sequential(name=config["name"])
    for item in config["layers"]:
        _add(model, item["class_name"], dict(item["config"]), custom)
    if not model.built and config.get("build_input_shape"):
        model.build((None, *config["build_input_shape"][1:]))
    return model


def _add(model: "Sequential", kind: str, config: Config, custom: Custom) -> None:
    # Keras 3 has the shape in an InputLayer, Keras 2 in that or in the first layer.
    shape = config.pop("batch_input_shape", None) or config.pop("batch_shape", None)
    dtype = config["dtype"] = _dtype_name(config.get("dtype"))
    if shape is not None and not model.layers:
        model.add(Input(shape[1:], dtype=dtype))
    if kind == "InputLayer":
        return
    model.add(_made(kind, config, custom))
    model.layers[-1].to(getattr(torch, dtype))


def _made(kind: str, config: Config, custom: Custom) -> nn.Module:
    """A layer, or a model that is one."""
    if kind in ("Sequential", "Functional", "Model"):
        return model_from_config({"class_name": kind, "config": config}, custom)
    config = {**config, "dtype": _dtype_name(config.get("dtype"))}
    try:
        return _layer(kind, config, custom)
    except (OnfitError, TypeError) as error:
        raise ArgumentError(f"layer {config.get('name')!r} ({kind}): {error}") from error


def _layer(kind: str, config: Config, custom: Custom) -> Layer:
    if kind in custom:
        cls = custom[kind]
        config = _without_keras_own(cls, config)
    elif kind in layers.__all__:
        cls = getattr(layers, kind)
        config = served(argument_names(cls), config)
    else:
        raise ArgumentError(f"there is no such layer here. {_YOURS}")
    config = from_plain(config, custom)
    try:
        layer: Layer = make(cls, config)
    except OnfitError as error:  # such as an activation's name that is not known
        raise ArgumentError(f"{error} {_YOURS}") from error
    return layer


def _without_keras_own(cls: Any, config: Config) -> Config:
    """The options of a user's layer, without those that every layer of Keras has."""
    known = argument_names(cls) if isinstance(cls, type) else ()
    idle = {"dtype", "autocast"}
    if not config.get("activity_regularizer"):
        idle.add("activity_regularizer")
    return {key: value for key, value in config.items() if key in known or key not in idle}


_YOURS = "What is yours goes in custom_objects={name: object}."


def _dtype_name(given: Any) -> str:
    """The type of the weights under a dtype or a policy of Keras'."""
    name = given["config"]["name"] if isinstance(given, dict) else given
    return "float32" if name is None or name.startswith("mixed_") else str(name)
