"""The layers of a model as a configuration, in Keras' words."""

from typing import TYPE_CHECKING, Any, cast

from torch import nn

from onfit import layers
from onfit.engine.model.layered import Layered
from onfit.errors import ArgumentError
from onfit.layers import Layer
from onfit.layers.around.wrapper import Around
from onfit.layers.keys import named_layers
from onfit.layers.wrappers import class_of
from onfit.policies import DTypePolicy
from onfit.saving.describe_functional import functional_config
from onfit.saving.values import (
    WEIGHTS_INSTEAD,
    Config,
    function_config,
    require_whole,
    to_plain,
)

if TYPE_CHECKING:
    from onfit.engine.model.model import Model


def can_be_described(module: nn.Module) -> bool:
    """Whether it is a model of which a list of its layers says all."""
    return isinstance(module, Layered) and not module.made_by_code


def model_config(model: "Model") -> Config:
    """How to make the layers of a Sequential or functional model again.

    Raises:
        ArgumentError: naming a layer that cannot be described, or for another kind of model.
    """
    if model.class_in_config not in _DESCRIBED:
        raise ArgumentError(
            f"{model.described}.get_config: only its own code can make this model, and a "
            f"configuration cannot hold code. {WEIGHTS_INSTEAD}"
        )
    described = _DESCRIBED[model.class_in_config](model)
    own, policy = class_of(model).__name__, model._policy
    # Beside Keras' keys, which Keras passes over: a subclass adds methods, and no layers. Nor does
    # the policy of a model change those of its layers.
    if own != model.class_in_config:
        described["own_class"] = own
    if policy is not None:
        described["own_policy"] = policy.name
    return described


def _functional_config(model: Any) -> Config:
    dtype = _dtype_of(model, "float32")
    return functional_config(model, lambda layer: _layer_config(layer, model, dtype))


def _sequential_config(model: Any) -> Config:
    begin = model.input if hasattr(model, "input") else None
    shape = None if begin is None else list(begin.shape)
    weights_dtype = _dtype_of(model, "float32")
    return {
        "class_name": "Sequential",
        "config": {
            "name": model.name,
            "trainable": model.trainable,
            "layers": [
                *([] if begin is None else [_input_config(begin)]),
                *(_layer_config(layer, model, weights_dtype) for layer in model.layers),
            ],
            "build_input_shape": shape,
        },
    }


def _input_config(begin: Any) -> Config:
    dtype = str(begin.dtype).removeprefix("torch.")
    config = {
        "batch_shape": list(begin.shape),
        "dtype": dtype,
        "name": begin.name or "input_layer",
    }
    return {"class_name": "InputLayer", "config": config}


_DESCRIBED = {"Sequential": _sequential_config, "Functional": _functional_config}


def _layer_config(layer: nn.Module, model: Any, dtype: str) -> Config:
    if can_be_described(layer):
        return model_config(cast("Model", layer))
    if not isinstance(layer, Layer) or isinstance(layer, layers.TorchModule):
        raise ArgumentError(_undescribable(layer, model))
    owner = f"{model.described}.save: {layer.described}"
    held = layer.held_layers if isinstance(layer, Around) else {}
    own = {key: value for key, value in layer.get_config().items() if key not in held}
    config, kind = to_plain(own, owner), class_of(layer)
    for name, part in held.items():
        parts = [_with_home(_layer_config(each, model, dtype)) for each in _listed(part)]
        config[name] = parts if isinstance(part, list) else parts[0]
    if getattr(layers, kind.__name__, None) is not kind:
        require_whole(layer, config, Layer, owner)
    if isinstance(layer, layers.Lambda):  # Keras does not take its function by a bare name
        config["function"] = function_config(config["function"])
    config["dtype"] = _as_keras_writes(layer._policy) or _dtype_of(layer, dtype)
    return {"class_name": kind.__name__, "config": config}


def _with_home(described: Config) -> Config:
    """A layer within another one. Keras wants to be told that it is one of Keras'."""
    ours = described["class_name"] in layers.__all__
    home = {"module": "keras.layers", "registered_name": None}
    return {**home, **described} if ours else described


def _listed(part: Any) -> list[Any]:
    return part if isinstance(part, list) else [part]


def _as_keras_writes(policy: DTypePolicy | None) -> Any:
    """A policy as Keras writes it; of one that has one type, its name is enough."""
    if policy is None or not policy.is_mixed:
        return None if policy is None else policy.name
    kind = {"module": "keras", "class_name": type(policy).__name__, "registered_name": None}
    return {**kind, "config": policy.get_config()}


def _dtype_of(module: nn.Module, default: str) -> str:
    """The type of its weights, as numpy and Keras name it."""
    floats = (p.dtype for p in module.parameters() if p.is_floating_point())
    return str(next(floats, default)).removeprefix("torch.")


def _undescribable(layer: nn.Module, model: Any) -> str:
    inner = getattr(layer, "net", layer)
    name = next(name for name, child in named_layers(model) if child is layer)
    return (
        f"{model.described}.save: layer {name!r} is a torch module, "
        f"{type(inner).__module__}.{type(inner).__name__}, and a file cannot hold how to make "
        f"one. {WEIGHTS_INSTEAD}"
    )
