"""One function or object as something JSON can hold, and back.

An object of onfit is written by its name. So is an object of the user, which is found again in
`custom_objects`: no code is ever written to a file or read from one.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

import torch

from onfit import activations, constraints, initializers, regularizers
from onfit.dtypes import as_numpy, torch_dtype
from onfit.errors import ArgumentError, OnfitError, did_you_mean
from onfit.optimizers import schedules
from onfit.registered import get_custom_objects

Config = dict[str, Any]
Custom = Mapping[str, Any]

# The modules of the objects inside a configuration, by Keras' names for them.
_ROOMS: dict[str, ModuleType] = {
    "keras.initializers": initializers,
    "keras.constraints": constraints,
    "keras.regularizers": regularizers,
    "keras.optimizers.schedules": schedules,
}
# Options of Keras that onfit does not have, with the values that change nothing. (An option that is
# None, False, 0 or empty changes nothing either.)
_ASKS_FOR_NOTHING: dict[str, tuple[Any, ...]] = {
    "axis": (-1,),
    "data_format": ("channels_last",),
    "reduction": ("sum_over_batch_size", "auto"),
    "threshold": (0.5,),
}
# Options that change nothing, with any value.
_IDLE = {"dtype", "ema_momentum", "jit_compile", "name", "renorm_momentum"}


# --- writing ---------------------------------------------------------------------------------


def to_plain(value: Any, owner: str) -> Any:
    """A value of a configuration, in the form in which Keras writes it.

    Args:
        value: plain data, an initializer or regularizer, a function, or lists and dicts of them.
        owner: the object that the value belongs to, for the error.

    Raises:
        ArgumentError: for a function without a name, and for anything else.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [to_plain(item, owner) for item in value]
    if isinstance(value, dict):
        return {str(key): to_plain(item, owner) for key, item in value.items()}
    if hasattr(value, "get_config") and not isinstance(value, type):
        return _object_config(value, owner)
    if callable(value):
        return activations.serialize(value) or function_name(value, owner, activations.get)
    if hasattr(value, "item") and not getattr(value, "shape", ()):
        return value.item()  # a number of numpy or torch
    raise ArgumentError(
        f"{owner}: {value!r} of type {type(value).__name__} cannot be kept in a file. "
        f"{WEIGHTS_INSTEAD}"
    )


WEIGHTS_INSTEAD = (
    "Save the weights alone: save_weights, or ModelCheckpoint(save_weights_only=True)."
)


def _object_config(value: Any, owner: str) -> Config:
    kind = type(value).__name__
    homes = [name for name, room in _ROOMS.items() if getattr(room, kind, None) is type(value)]
    try:
        config = value.get_config()
    except NotImplementedError as error:
        raise ArgumentError(f"{owner}: {error} {WEIGHTS_INSTEAD}") from error
    return {
        "module": homes[0] if homes else None,
        "class_name": kind,
        "config": to_plain(config, owner),
        "registered_name": None if homes else kind,
    }


def function_name(function: Any, owner: str, get: Callable[[str], Any]) -> str:
    """The name under which `custom_objects` can give a user's function back.

    Args:
        function: the function.
        owner: the object that uses the function, for the error.
        get: finds onfit's functions by name. With a name that it knows, a file would give back
            onfit's function instead of the user's.

    Raises:
        ArgumentError: if it has no name of its own.
    """
    name = getattr(function, "__name__", None)
    if name is None or name == "<lambda>":
        raise ArgumentError(
            f"{owner}: {function!r} has no name under which it could be found again. Write it "
            f"as a function with a name (def ...). {WEIGHTS_INSTEAD}"
        )
    if name not in get_custom_objects() and lookup(get, name) is not None:
        raise ArgumentError(
            f"{owner}: your function is called {name!r}, as one of onfit's is, which would be "
            f"found in its place. Rename it. {WEIGHTS_INSTEAD}"
        )
    return str(name)


def function_config(name: str) -> Config:
    """What Keras writes for a user's function: its name."""
    return {"module": "builtins", "class_name": "function", "config": name, "registered_name": name}


def lookup(get: Callable[[str], Any], name: str) -> Any:
    """The object that `get` finds under `name`; None if there is none."""
    try:
        return get(name)
    except OnfitError:
        return None


def require_whole(made: Any, config: Config, base: type, owner: str) -> None:
    """Check that `config` has every argument of a user's class, so that it can be made again.

    Raises:
        ArgumentError: naming the arguments that get_config leaves out.
    """
    own = [name for name in argument_names(type(made)) if name not in argument_names(base)]
    missing = [name for name in own if name not in config]
    if missing:
        raise ArgumentError(
            f"{owner}: get_config() of {type(made).__name__} leaves out {', '.join(missing)}, so "
            "it could not be made again. Write a get_config that returns all arguments of "
            f"__init__. {WEIGHTS_INSTEAD}"
        )


def argument_names(cls: type) -> list[str]:
    """The arguments of `cls`, those of its base classes included."""
    names: dict[str, None] = {}
    for each in cls.__mro__:
        init = vars(each).get("__init__")
        if init is None or each.__module__.partition(".")[0] in ("torch", "builtins"):
            continue
        parameters = list(inspect.signature(init).parameters.values())[1:]
        named = [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        names |= dict.fromkeys(named)
    return list(names)


# --- reading ---------------------------------------------------------------------------------


def from_plain(value: Any, custom: Custom) -> Any:
    """The value that `to_plain`, or Keras, wrote.

    Raises:
        ArgumentError: for a name that neither onfit nor `custom` knows.
    """
    if isinstance(value, list):
        return [from_plain(item, custom) for item in value]
    if isinstance(value, str):
        return custom.get(value, value)
    if not isinstance(value, dict):
        return value
    if "class_name" not in value:
        # A name is only a name, even where a function happens to have the same.
        return {k: v if k == "name" else from_plain(v, custom) for k, v in value.items()}
    return _made(value["class_name"], value["config"], custom)


def _made(kind: str, config: Any, custom: Custom) -> Any:
    if kind == "__lambda__":
        raise ArgumentError(
            "it holds a function without a name (a lambda) as compiled code, and code from a file "
            "is never run here. Write it as a function with a name, and save the model anew."
        )
    if kind in ("__numpy__", "__tensor__"):  # how Keras writes an array
        return as_numpy(torch.tensor(config["value"], dtype=torch_dtype(config["dtype"])))
    if kind == "function":
        return find(str(config), custom, activations.get)
    if kind in custom:
        return make(custom[kind], from_plain(config, custom))
    for room in _ROOMS.values():
        known = getattr(room, kind, None)
        if isinstance(known, type):
            config = served(argument_names(known), config)
            return room.from_config(kind, from_plain(config, custom))
    raise ArgumentError(unknown(kind, custom))


def find(name: str, custom: Custom, get: Callable[[str], Any]) -> Any:
    """The user's object of that name, or else onfit's.

    Raises:
        ArgumentError: if there is neither.
    """
    if name in custom:
        return custom[name]
    found = lookup(get, name)
    if found is None:
        raise ArgumentError(unknown(name, custom))
    return found


def unknown(name: str, custom: Custom) -> str:
    """The error text for a name in a file that is not known here."""
    return (
        f"the file names {name!r}, which is not known here. If it is yours, pass "
        f"custom_objects={{{name!r}: ...}}.{did_you_mean(name, custom)}"
    )


def without_place(kind: Any, config: Config, names: Iterable[str]) -> Config:
    """The options of these names that the `__init__` of a class does not take."""
    if not isinstance(kind, type):
        return {}
    taken = inspect.signature(kind).parameters
    if any(p.kind is p.VAR_KEYWORD for p in taken.values()):
        return {}
    return {name: config[name] for name in names if name in config and name not in taken}


def make(kind: Any, config: Config) -> Any:
    """An object of a class that `custom_objects` gave; an instance is taken as it is."""
    if not isinstance(kind, type):
        return kind
    return kind.from_config(config) if hasattr(kind, "from_config") else kind(**config)


def served(known: Iterable[str], config: Config) -> Config:
    """The part of a configuration by Keras that onfit has arguments for.

    Raises:
        ArgumentError: if another part asks for something: it would be lost silently.
    """
    known = set(known)
    for key, value in config.items():
        asks = value and key not in _IDLE and value not in _ASKS_FOR_NOTHING.get(key, ())
        if key not in known and asks:
            raise ArgumentError(f"it has the option {key}={value!r}, which onfit does not have.")
    return {key: value for key, value in config.items() if key in known}
