"""The options of layers that may be given by name, in the constructor and later."""

from collections.abc import Callable
from typing import Any

from onfit import activations, constraints, initializers, regularizers
from onfit.assigning import is_ours
from onfit.layers.arguments import parameters_of

# What reads an option, by the last word of the option's name.
_READERS: dict[str, Callable[[Any], Any]] = {
    "activation": activations.get,
    "initializer": initializers.get,
    "regularizer": regularizers.get,
    "constraint": constraints.get,
}


def as_option(kind: type, name: str, value: Any) -> Any:
    """What `value` means for the attribute `name` of a layer: `"relu"` is that activation.

    Args:
        kind: the layer's class. Options that only a user's class has are kept as they are.
        name: the attribute.
        value: its new value.

    Raises:
        ArgumentError: for a name that is not known.

    Example:
        >>> from onfit.layers import Dense
        >>> layer = Dense(2, activation="softmax")
        >>> layer.activation = None
        >>> layer.activation.__name__
        'linear'
    """
    reader = _READERS.get(name.rpartition("_")[2])
    if reader is None or not (value is None or isinstance(value, (str, dict))):
        return value
    if not any(is_ours(cls) and name in parameters_of(cls) for cls in kind.__mro__):
        return value
    return reader(value)
