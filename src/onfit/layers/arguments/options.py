"""The options of layers: arguments of the constructor that may also be set later."""

from collections.abc import Callable
from functools import cache
from typing import Any

from onfit import activations, constraints, initializers, regularizers
from onfit.assigning import is_ours, is_set_by_onfit
from onfit.configured import remade
from onfit.errors import ArgumentError
from onfit.layers.arguments import parameters_of, refuse_unknown

# What reads an option, by the last word of the option's name.
_READERS: dict[str, Callable[[Any], Any]] = {
    "activation": activations.get,
    "initializer": initializers.get,
    "regularizer": regularizers.get,
    "constraint": constraints.get,
}
# The options that say which weights there are, and of what shape.
OF_WEIGHTS = frozenset(
    [
        "attention_axes",
        "axis",
        "bias_axes",
        "center",
        "depth_multiplier",
        "equation",
        "filters",
        "groups",
        "input_dim",
        "kernel_size",
        "key_dim",
        "num_heads",
        "output_dim",
        "reset_after",
        "scale",
        "score_mode",
        "shared_axes",
        "units",
        "use_bias",
        "use_scale",
        "value_dim",
    ]
)
# What constructors make of options, beside the attribute of the option's name.
_MADE_OF_OPTIONS = ("layout", "_margins")


def as_option(layer: Any, name: str, value: Any) -> Any:
    """What `value` means for the attribute `name` of a layer: `"relu"` is that activation.

    An option that is set again, by a user, is read as the constructor reads it.

    Args:
        layer: the layer. Options that only a user's class has are kept as they are.
        name: the attribute.
        value: its new value.

    Raises:
        ArgumentError: for a value that the constructor refuses, for an argument that no attribute
            keeps, and for an option that says what weights there are once there are weights.

    Example:
        >>> from onfit.layers import Dense
        >>> layer = Dense(2, activation="softmax")
        >>> layer.activation = None
        >>> layer.activation.__name__
        'linear'
    """
    kind: Any = type(layer)
    if name not in _arguments_of(kind):
        if is_ours(kind):
            refuse_unknown_option(layer, name, value)
        return value
    reader = _READERS.get(name.rpartition("_")[2])
    if reader is not None and (isinstance(value, (str, dict)) or not callable(value)):
        value = reader(value)
    if "built" not in vars(layer) or _is_held_elsewhere(layer, name) or is_set_by_onfit():
        return value
    if name not in vars(layer) and not is_ours(kind):
        return value  # an attribute of the user's own, which no option has
    later = _set_later(layer, name, value)
    return later if reader is None else value


def refuse_unknown_option(layer: Any, name: str, value: Any) -> None:
    """Refuse an option of Keras that a layer does not have, as its constructor does."""
    if name in getattr(layer, "of_keras_alone", ()):
        refuse_unknown(type(layer), {name: value})


@cache  # since every assignment to an attribute asks
def _arguments_of(kind: Any) -> frozenset[str]:
    """The arguments of the classes of onfit that a class has among its bases."""
    return frozenset(name for cls in kind.__mro__ if is_ours(cls) for name in parameters_of(cls))


def _is_held_elsewhere(layer: Any, name: str) -> bool:
    """Whether torch keeps it, or a property sets it, which look at it themselves."""
    held = (layer._parameters, layer._buffers, layer._modules)
    return any(name in part for part in held) or isinstance(
        getattr(type(layer), name, None), property
    )


def _set_later(layer: Any, name: str, value: Any) -> Any:
    twin = remade(layer, name, value) if name in vars(layer) else None
    if twin is None:
        raise ArgumentError(
            f"{layer.described}.{name} = {value!r}: {name} is read when the layer is made. Pass it "
            f"to {type(layer).__name__}(...)."
        )
    if name in OF_WEIGHTS and layer.built:
        _require_same(layer, name, getattr(twin, name))
    _take_over(layer, twin, name)
    return getattr(twin, name, value)


def _require_same(layer: Any, name: str, value: Any) -> None:
    if getattr(layer, name) != value:
        raise ArgumentError(
            f"{layer.described}.{name} = {value!r}: the layer has its weights already, which were "
            f"made for {name}={getattr(layer, name)!r}. Make a new layer."
        )


def _take_over(layer: Any, twin: Any, name: str) -> None:
    """Have the layer hold what the constructor made of the option."""
    made = (*_MADE_OF_OPTIONS, *(("_generator",) if name == "seed" else ()))
    for other in made:
        if other in vars(twin):
            object.__setattr__(layer, other, vars(twin)[other])
