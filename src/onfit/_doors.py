"""Second names of modules, and one sentence where a module cannot be had.

    onfit.keras.layers, onfit.keras.utils.np_utils     onfit.layers, onfit.utils.np_utils
    onfit.layers.merge, onfit.layers.recurrent         modules of Keras 1 and 2: onfit.layers

A module keeps to one object under all its names, so that a class is never there twice.
"""

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from onfit._instead import MODULES, ROOMS
from onfit.errors import MissingModuleError, MissingPackageError

_KERAS = "onfit.keras."

# The rooms that work on tensors.
_ON_TORCH = {
    f"onfit.{room}"
    for room in [
        "activations",
        "backend",
        "constraints",
        "datasets",
        "engine",
        "initializers",
        "layers",
        "losses",
        "metrics",
        "mixed_precision",
        "models",
        "ops",
        "optimizers",
        "random",
        "regularizers",
        "saving",
        "utils",
    ]
}

# Modules by the names that Keras 1 and 2 and TensorFlow have for them.
_SECOND = {
    "onfit.nn": "onfit.activations",
    "onfit.dtype_policies": "onfit.mixed_precision",
    **dict.fromkeys(("onfit.objectives", "onfit.keras.objectives"), "onfit.losses"),
    "onfit.keras.dtype_policies": "onfit.mixed_precision",
    **dict.fromkeys(
        [
            *(f"onfit.engine.{name}" for name in ("base_layer", "topology", "training")),
            *(
                f"onfit.keras.engine{name}"
                for name in ("", ".base_layer", ".topology", ".training")
            ),
        ],
        "onfit.keras",
    ),
}


def lazily(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """A function that gives a name of a package, from the module where it lives.

    Args:
        package: the package, for error texts.
        homes: the module of each name; a name without one is a module itself.

    Raises:
        MissingPackageError: when it is called, if torch is needed and not installed.
    """

    def load(name: str) -> Any:
        home = homes.get(name)
        try:
            if home is None:
                return importlib.import_module(f"onfit.{name}")
            return getattr(importlib.import_module(home), name)
        except MissingPackageError as error:
            if error.name != "torch":
                raise
            raise _without_torch(f"{package}.{name}") from None

    return load


def open_old_modules(room: str, names: Iterable[str]) -> None:
    """Let a room be found under the names of modules that it had in Keras 1 and 2. Where one of
    them is a module of its own here, it has the names of the whole room, too.
    """
    whole = sys.modules[room]
    for name in names:
        if find_spec(f"{room}.{name}") is None:
            sys.modules[f"{room}.{name}"] = whole
            setattr(whole, name, whole)
        else:
            module = importlib.import_module(f"{room}.{name}")
            vars(module)["__getattr__"] = partial(_name_of_room, whole)
            vars(module)["__path__"] = []  # so that Python comes to `_refuse_name`


def _name_of_room(room: ModuleType, name: str) -> Any:
    """A name of the room. Python's own are each module's, but for the list of names."""
    if name.startswith("__") and name != "__all__":
        raise AttributeError(name)
    return getattr(room, name)


class _Doors:
    """Takes part in Python's search for modules: finds those with second names, and says in a
    sentence which cannot be had.
    """

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Where the module of this name is; None if Python is to look for it itself.

        Raises:
            MissingPackageError: for a room that needs torch, if torch is not installed.
            MissingModuleError: for a module of Keras that is not here.
        """
        if not name.startswith("onfit."):
            return None
        inner = name.removeprefix(_KERAS).removeprefix("onfit.")
        if inner in MODULES:
            raise MissingModuleError(f"{name}: onfit has no such module. Write {MODULES[inner]}.")
        _refuse_name(name)
        if name in _ON_TORCH and find_spec("torch") is None:
            raise _without_torch(name)
        loader: Any = self
        return ModuleSpec(name, loader) if name in _SECOND or name.startswith(_KERAS) else None

    def create_module(self, spec: ModuleSpec) -> None:
        """Let Python make a module, which `exec_module` puts another in the place of."""

    def exec_module(self, module: ModuleType) -> None:
        """Put the module that is meant where Python looks for it."""
        name = module.__name__
        meant = _SECOND.get(name) or f"onfit.{name.removeprefix(_KERAS)}"
        sys.modules[name] = importlib.import_module(meant)


def _refuse_name(name: str) -> None:
    """Refuse a name of Keras that onfit has not, which `from onfit.layers import ...` asks for.

    Python leaves out what a package itself says of a name that it lacks; but before it gives up,
    it looks for a module of that name, and comes here.

    Raises:
        MissingModuleError: the text says what to write.
    """
    package, _, wanted = name.rpartition(".")
    room = f"{package}.".removeprefix(_KERAS).removeprefix("onfit.").partition(".")[0]
    instead = ROOMS.get(room or "onfit", {}).get(wanted)
    if instead is not None:
        raise MissingModuleError(
            f"from {package} import {wanted}: onfit has no {wanted}. Write {instead}."
        )


def install() -> None:
    """Have Python ask for modules here, too."""
    sys.meta_path.insert(0, _Doors())


def _without_torch(name: str) -> MissingPackageError:
    return MissingPackageError(
        f"{name} is built on torch, which is not installed. "
        'Install it with: pip install "onfit[torch]"',
        name="torch",
    )
