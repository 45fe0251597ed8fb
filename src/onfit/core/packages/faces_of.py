"""Which module gives the objects of which package a face.

Such a module has `adapt(model, optimizer)`, for an object that a run trains, and `face(model)`, for
one that the loop holds itself. It is imported only for such an object, since core knows no
framework. A package of one's own gives its objects a face by an entry point of the group
`onfit.faces`, with the package for a name and the module for a value:

    [project.entry-points."onfit.faces"]
    mypackage = "mypackage.for_onfit"
"""

import importlib
import sys
from functools import cache
from typing import Any

GROUP = "onfit.faces"
_NO_LIBRARY = {"builtins", "__main__", "onfit", *sys.stdlib_module_names}

# Packages whose objects have a face here, and its module.
_HOMES = {
    "sklearn": "onfit.integrations.sklearn",
    "torch": "onfit.engine.model.face_of_net",
}

# Packages whose models the loop holds as trees of JAX.
_IN_JAX = {"equinox", "flax"}


def package_of(model: Any) -> str | None:
    """The package of the object, or of a class above it, that has a face; None if there is none."""
    packages = (kind.__module__.partition(".")[0] for kind in type(model).__mro__)
    return next((package for package in packages if _module(package)), None)


def adapt(package: str, model: Any, optimizer: Any) -> Any:
    """The face of an object of `package` that a run trains."""
    return importlib.import_module(_module(package)).adapt(model, optimizer)


def face(package: str, model: Any) -> Any:
    """The face of an object of `package` that the loop holds itself."""
    return importlib.import_module(_module(package)).face(model)


def hint_for(model: Any) -> str:
    """What to hand over instead of a model whose package has no face; empty if it is not known."""
    packages = {kind.__module__.partition(".")[0] for kind in type(model).__mro__}
    is_tree = "jax" in sys.modules and type(model) in (dict, list, tuple)
    if not is_tree and not packages & _IN_JAX:
        return ""
    return (
        "Of a tree of JAX, hand over onfit.integrations.jax.JaxModel(get=..., set=...), which says "
        "how to take it and to put one back."
    )


def _module(package: str) -> str:
    """The module of the faces of a package; empty if it has none."""
    if package in _HOMES:
        return _HOMES[package]
    return "" if package in _NO_LIBRARY else _of_others().get(package, "")


@cache
def _of_others() -> dict[str, str]:
    """The modules that installed packages name in the group of entry points."""
    from importlib.metadata import entry_points

    return {point.name: point.module for point in entry_points(group=GROUP)}
