"""What an estimator of scikit-learn has learned, as plain data, and back. Nothing is unpickled.

Objects of scikit-learn's own among it, such as the optimizer of a perceptron, are kept as the name
of their class and their attributes. What is no plain data, such as a loss function, stays as it is:
`partial_fit` makes it anew.
"""

import importlib
import os
from typing import Any

import numpy as np

from onfit.core.packages.plain import is_plain
from onfit.errors import CapabilityError, FileFormatError
from onfit.integrations.faces.array_files import Array
from onfit.storage.trees import packed, unpacked

_OBJECT, _RANDOM, _LIST = "sklearn:object", "sklearn:random", "sklearn:list"
_ABOUT = "about"  # the array that holds, as JSON, what is no array
_NOT_LEARNED = {"stop_training", "optimizer"}
_LEFT_OUT = object()  # no plain data


def learned(estimator: Any) -> dict[str, Any]:
    """The attributes that are no arguments of the class, copied; and a random generator that is an
    argument, since learning draws from it.

    Raises:
        CapabilityError: if its objects refer to each other in a circle, as those of Birch.
    """
    given = {*estimator.get_params(deep=False), *_NOT_LEARNED}
    own = {
        name: value
        for name, value in vars(estimator).items()
        if name not in given or isinstance(value, np.random.RandomState)
    }
    try:
        return _described_dict(own)
    except RecursionError:
        raise CapabilityError(
            f"{type(estimator).__name__} has learned objects that refer to each other in a circle, "
            "which are no plain data. Leave out callbacks that restore, save or resume it."
        ) from None


def put_learned(estimator: Any, state: dict[str, Any]) -> None:
    """Set those attributes of an estimator, which may be new. A generator that it was given goes on
    from the state of the other, since the loop may draw from it, too.
    """
    arguments, own = estimator.get_params(deep=False), vars(estimator)
    for name, value in state.items():
        if name not in arguments:
            own[name] = _made(value)
        elif isinstance(own[name], np.random.RandomState):
            own[name].set_state(_made(value).get_state())


def to_arrays(state: dict[str, Any]) -> dict[str, Array]:
    """Such a state as arrays by name: `coef_`, `coefs_[0]`; the rest is text in one of them."""
    arrays, rest = {}, {}
    for name, value in state["learned"].items():
        if isinstance(value, np.ndarray):
            arrays[name] = value
        elif isinstance(value, list) and value and all(type(one) is np.ndarray for one in value):
            rest[name] = {_LIST: len(value)}
            arrays |= {f"{name}[{index}]": one for index, one in enumerate(value)}
        else:
            rest[name] = value
    text, more = packed({**state, "learned": rest})
    about = np.frombuffer(text.encode(), np.uint8).copy()
    return {**arrays, **more, _ABOUT: about}


def to_state(arrays: dict[str, Array], source: str = "the list of weights") -> dict[str, Any]:
    """The state that `to_arrays` took apart.

    Raises:
        FileFormatError: if the arrays are no such state; it names `source`.
    """
    try:
        state = unpacked(arrays[_ABOUT].tobytes().decode(), arrays)
        rest = {name: _with_list(name, value, arrays) for name, value in state["learned"].items()}
        named = {name: one for name, one in arrays.items() if _is_attribute(name)}
        return {"kind": state["kind"], "learned": {**named, **rest}}
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise FileFormatError(
            f"{source} is not what an estimator has learned ({type(error).__name__}: {error}). "
            "Choose a file that was saved in a training of scikit-learn."
        ) from error


def require_same(its: dict[str, Any], mine: dict[str, Any], source: str) -> None:
    """Refuse what another kind of estimator has learned, or of other features or classes.

    Raises:
        FileFormatError: naming `source`, and what differs.
    """
    here, there = _facts(mine), _facts(its)
    if any(here[name] != there.get(name) for name in here):
        raise FileFormatError(
            f"{os.fspath(source)} is of another estimator.\n"
            f"  it has:             {there}\n"
            f"  this estimator has: {here}\n"
            "Make the estimator as it was, or choose another file."
        )


def _facts(state: dict[str, Any]) -> dict[str, Any]:
    """The class, and how many features and which classes it has learned of, if any."""
    found = state["learned"]
    classes = found.get("classes_")
    facts = {"class": state["kind"], "features": found.get("n_features_in_")}
    facts["classes"] = None if classes is None else list(classes)
    return {name: fact for name, fact in facts.items() if fact is not None}


def _with_list(name: str, value: Any, arrays: dict[str, Array]) -> Any:
    if not isinstance(value, dict) or _LIST not in value:
        return value
    return [arrays[f"{name}[{index}]"] for index in range(value[_LIST])]


def _is_attribute(name: str) -> bool:
    return name.isidentifier() and name != _ABOUT


def _described(value: Any) -> Any:
    if isinstance(value, np.ndarray) and is_plain(value):
        return value.copy()
    if isinstance(value, np.random.RandomState):
        return {_RANDOM: value.get_state()}
    if isinstance(value, list | tuple):
        return type(value)(map(_described, value))
    if isinstance(value, dict):
        return _described_dict(value)
    kind = type(value)
    if kind.__module__.startswith("sklearn.") and hasattr(value, "__dict__"):
        return {
            _OBJECT: f"{kind.__module__}:{kind.__qualname__}",
            "has": _described_dict(vars(value)),
        }
    return value if is_plain(value) else _LEFT_OUT


def _described_dict(values: dict[Any, Any]) -> dict[Any, Any]:
    described = {name: _described(value) for name, value in values.items()}
    return {name: value for name, value in described.items() if is_plain(value)}


def _made(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, list | tuple):
        return type(value)(map(_made, value))
    if not isinstance(value, dict):
        return value
    if _RANDOM in value:
        generator = np.random.RandomState()
        generator.set_state(value[_RANDOM])
        return generator
    if _OBJECT in value:
        return _object_of(value)
    return {name: _made(one) for name, one in value.items()}


def _object_of(description: dict[str, Any]) -> Any:
    """An object of scikit-learn's own: of a class of that library alone, and by no code of it."""
    module, _, name = description[_OBJECT].partition(":")
    kind = getattr(importlib.import_module(module), name, None) if _is_sklearn(module) else None
    if not isinstance(kind, type) or not _is_sklearn(kind.__module__):
        raise FileFormatError(
            f"the state has an object of {description[_OBJECT]!r}, which is no class of "
            "scikit-learn. Choose another file."
        )
    made: Any = object.__new__(kind)
    vars(made).update(_made(description["has"]))
    return made


def _is_sklearn(module: str) -> bool:
    return module.partition(".")[0] == "sklearn"
