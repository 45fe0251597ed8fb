"""What is assigned to a model, a layer or an optimizer acts, or is refused.

Python's objects take any attribute. So a name of Keras that does nothing here, or a misspelled one,
would be taken in silence.
"""

import difflib
import inspect
import sys
from collections.abc import Iterable
from functools import cache
from types import FrameType
from typing import Any, NoReturn, get_args

from torch import nn

from onfit._types import Distribution
from onfit.errors import ArgumentError, ArgumentTypeError

# How alike an unknown name and a known one are, from 0 to 1, if the one is taken for a misspelling
# of the other: one letter of eight is wrong.
_NEAR = 0.85

# Names that Keras gives to models and layers, and that do nothing here when they are set; those
# that a class here has are looked up there.
KERAS_NAMES = frozenset(
    [
        "add_metric",
        "add_variable",
        "add_weight",
        "autocast",
        "batch_input_shape",
        "build_from_config",
        "compile_from_config",
        "compiled_loss",
        "compiled_metrics",
        "compute_dtype",
        "compute_mask",
        "compute_output_shape",
        "compute_output_spec",
        "count_params",
        "distribute_strategy",
        "dtype",
        "dtype_policy",
        "export",
        "get_build_config",
        "get_compile_config",
        "get_metrics_result",
        "get_quantization_layer_structure",
        "get_state_tree",
        "inbound_nodes",
        "input_dtype",
        "input_mask",
        "input_spec",
        "load_own_variables",
        "loss_functions",
        "losses",
        "make_predict_function",
        "make_test_function",
        "make_train_function",
        "metrics",
        "metrics_tensors",
        "metrics_variables",
        "non_trainable_variables",
        "non_trainable_weights",
        "outbound_nodes",
        "output_mask",
        "path",
        "predict_function",
        "quantization_mode",
        "quantize",
        "quantized_build",
        "quantized_call",
        "rematerialized_call",
        "sample_weight_mode",
        "save_own_variables",
        "set_state_tree",
        "state_updates",
        "stateful",
        "stateless_call",
        "stateless_compute_loss",
        "supports_masking",
        "symbolic_call",
        "targets",
        "test_function",
        "torch_params",
        "total_loss",
        "train_function",
        "trainable_variables",
        "trainable_weights",
        "updates",
        "uses_learning_phase",
        "variable_dtype",
        "variables",
        "weighted_metrics",
        "weights",
    ]
)
# Names that change no result here, as in `compile`.
_TAKEN = frozenset({"run_eagerly", "jit_compile", "steps_per_execution", "autocast"})
_OF_OPTIMIZERS = ("learning_rate", "lr", "momentum", "beta_1", "beta_2", "weight_decay", "clipnorm")
_INSTEAD = {
    **{name: f"Write model.optimizer.{name} = ..." for name in _OF_OPTIMIZERS},
    "weights": "Call set_weights(...).",
    "variables": "Call set_weights(...).",
    "metrics": "Pass them to compile(metrics=[...]).",
    "compiled_metrics": "Pass them to compile(metrics=[...]).",
    "weighted_metrics": "Pass them to compile(weighted_metrics=[...]).",
    "compiled_loss": "Write model.loss = ...",
    "trainable_weights": "Set trainable of the layers.",
    "trainable_variables": "Set trainable of the layers.",
    "layers": "Call add(layer), or make a model of the layers that are wanted.",
    "output_names": "They are the names of the layers: pass name= to the last ones.",
    "input_names": "Pass name= to Input(...).",
    "dtype": "Pass dtype= to the layer when it is made.",
    "compiled": "Call compile(...).",
}


_FUNCTIONS = ("train_function", "test_function", "predict_function")
# What may be set, of the names that are neither options nor properties.
_SETTABLE = frozenset(
    [
        *_FUNCTIONS,
        "activity_regularizer",
        "autocast",
        "built",
        "distribution",
        "history",
        "name",
        "stop_training",
        "sync_batch_norm",
        "trainable",
        "training",
    ]
)
# What is one of a few values.
_VALUES = {"distribution": (*get_args(Distribution), None)}
# What is True or False, on models and layers.
_TRUTH_VALUES = frozenset({"trainable", "stop_training", "autocast", "built", "sync_batch_norm"})


def check_assignment(owner: Any, name: str, value: Any) -> None:
    """Refuse what would do nothing, or could not be, when it is assigned to a model or layer.

    Args:
        owner: the model or layer.
        name: the attribute.
        value: its new value.

    Raises:
        ArgumentError: for an attribute that is only read; and, on an object of a class of onfit,
            for a name of Keras that does nothing here, and for a name that is nearly a known one.
            A class that a user writes has what other attributes it likes.
        ArgumentTypeError: for a value that a name of onfit cannot have, and for something else
            than a module in the place of one.
    """
    kind: Any = type(owner)
    found = getattr(kind, name, None)
    if isinstance(found, property):
        if found.fset is None and is_ours(found.fget):
            _refuse(owner, name, "is only read.")
    elif not hasattr(kind, name) and name not in vars(owner) and is_ours(kind):
        _require_known(owner, name, value)
    elif _is_kept(owner, name) and not _is_made_anew(name, value) and not is_set_by_onfit():
        _refuse(owner, name, "is only read.")
    _require_kind(owner, name, value, found)


@cache  # since every assignment asks
def _kept_by(kind: Any) -> frozenset[str]:
    """What objects of a class of onfit note about themselves: what its constructors set beside
    options, and what its classes say.
    """
    ours = [cls for cls in kind.__mro__ if is_ours(cls)]
    codes = [inspect.unwrap(vars(c)["__init__"]).__code__ for c in ours if "__init__" in vars(c)]
    options = {name for code in codes for name in inspect.getargs(code).args}
    said = {name for cls in ours for name, value in vars(cls).items() if not _is_method(value)}
    said |= {name for cls in ours for name in vars(cls).get("__annotations__", ())}
    return frozenset({*said, *(n for code in codes for n in code.co_names)} - options - _SETTABLE)


def _is_kept(owner: Any, name: str) -> bool:
    kind: Any = type(owner)
    return is_ours(kind) and name in _kept_by(kind)


def _is_made_anew(name: str, value: Any) -> bool:
    """Whether the assignment is Keras' way to have a function made anew, as it always is here."""
    return value is None and name.endswith("_function")


def _is_method(value: Any) -> bool:
    return inspect.isroutine(value) or isinstance(value, (property, classmethod, staticmethod))


def _require_kind(owner: Any, name: str, value: Any, found: Any) -> None:
    """Refuse a value of a kind that the attribute cannot have.

    Args:
        owner: the model or layer.
        name: the attribute.
        value: its new value.
        found: what its class has under this name; None for nothing.
    """
    if name in _TRUTH_VALUES and not is_truth_value(value):
        _refuse_kind(owner, name, value, "is True or False.")
    if name in _VALUES and value not in _VALUES[name]:
        _refuse_kind(owner, name, value, f"is {' or '.join(map(repr, _VALUES[name]))}.")
    if name == "activity_regularizer" and value is not None and not callable(value):
        _refuse_kind(owner, name, value, "is a penalty such as regularizers.L2(), or None.")
    if name in _FUNCTIONS and value is not None and not callable(value):
        _refuse_kind(owner, name, value, "is a function of an iterator, or None.")
    if found is not None and inspect.isroutine(found):
        refuse_no_method(owner, name, value)
    if name == "name" and not isinstance(value, str) and not is_set_by_onfit():
        _refuse_kind(owner, name, value, "is a text.")
    is_module = value is None or isinstance(value, nn.Module)
    if not is_module and vars(owner).get("_modules", {}).get(name) is not None:
        _refuse_kind(owner, name, value, "is a layer, and only another one may take its place.")


def refuse_no_method(owner: Any, name: str, value: Any) -> None:
    """Refuse something that cannot be called in the place of a method.

    Raises:
        ArgumentTypeError: for it.
    """
    found = inspect.getattr_static(type(owner), name, None)
    is_method = inspect.isfunction(getattr(found, "__func__", found))
    if is_method and is_ours(getattr(type(owner), name)) and not callable(value):
        _refuse_kind(owner, name, value, "is a method; another function may be put in its place.")


def is_truth_value(value: Any) -> bool:
    """Whether a value means True or False: a bool of any library, 0 or 1.

    >>> [is_truth_value(value) for value in (True, 0, "false", None)]
    [True, True, False, False]
    """
    if isinstance(value, int):
        return value in (0, 1)
    return getattr(value, "shape", None) == () and hasattr(value, "__bool__")


def _refuse_kind(owner: Any, name: str, value: Any, what: str) -> NoReturn:
    described = getattr(owner, "described", type(owner).__name__)
    raise ArgumentTypeError(f"{described}.{name} = {value!r}: {name} {what}")


def _require_known(owner: Any, name: str, value: Any) -> None:
    parts = (owner._parameters, owner._buffers, owner._modules)
    if any(name in part for part in parts) or name in _TAKEN or is_set_by_onfit():
        return
    if name in KERAS_NAMES or name in _INSTEAD:
        if not _is_made_anew(name, value):
            _refuse(owner, name, "does nothing here when it is set.")
        return
    near = nearest(name, (*KERAS_NAMES, *_INSTEAD, *_public(owner)))
    if near is not None:
        _refuse(owner, name, f"is not known. Did you mean {near!r}?")


def _public(owner: Any) -> list[str]:
    return [name for name in (*dir(type(owner)), *vars(owner)) if not name.startswith("_")]


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The one of the names that `name` is nearly; None if there is none.

    >>> nearest("learnig_rate", ["learning_rate", "momentum"])
    'learning_rate'
    """
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=_NEAR)
    return found[0] if found else None


def is_ours(made: Any) -> bool:
    """Whether a class or function is written in onfit."""
    return str(made.__module__).partition(".")[0] == "onfit"


def is_set_by_onfit() -> bool:
    """Whether the assignment under way stands in onfit's own code, which knows what it sets."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_name != "__setattr__":
        frame = frame.f_back
    while frame is not None and frame.f_code.co_name == "__setattr__":
        frame = frame.f_back
    if frame is None:
        return False
    return str(frame.f_globals.get("__name__", "")).partition(".")[0] in ("onfit", "torch", "copy")


def _refuse(owner: Any, name: str, why: str) -> NoReturn:
    described = getattr(owner, "described", type(owner).__name__)
    free = "For an attribute of your own, write a subclass, or choose another name."
    raise ArgumentError(f"{described}.{name} = ...: {name} {why} {_INSTEAD.get(name, free)}")
