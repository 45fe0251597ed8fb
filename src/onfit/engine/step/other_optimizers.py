"""The optimizers that an author's own `train_step` steps, beside the one of `compile`."""

from collections.abc import Iterator
from typing import Any

from onfit.optimizers import Optimizer


def other_optimizers(model: Any) -> dict[str, Any]:
    """The optimizers, onfit's and torch's, among the attributes of a model, and in lists and dicts
    among them, by name; but for the one that it was compiled with.
    """
    known = set(map(id, _of_compile(model)))
    found: dict[str, Any] = {}
    for name, value in _attributes(model):
        if is_optimizer(value) and id(value) not in known:
            known.add(id(value))  # one that has two names is kept under the first
            found[name] = value
    return found


def is_optimizer(value: Any) -> bool:
    """Whether this is an optimizer of onfit's or torch's."""
    like_torch = hasattr(value, "param_groups") and hasattr(value, "load_state_dict")
    return isinstance(value, Optimizer) or like_torch


def _of_compile(model: Any) -> Iterator[Any]:
    optimizer = getattr(model, "optimizer", None)
    yield optimizer
    yield from getattr(optimizer, "torch_optimizers", ())


def _attributes(model: Any) -> Iterator[tuple[str, Any]]:
    for name, value in vars(model).items():
        if isinstance(value, dict):
            yield from ((f"{name}.{key}", each) for key, each in value.items())
        elif isinstance(value, (list, tuple)):
            yield from ((f"{name}.{index}", each) for index, each in enumerate(value))
        else:
            yield name, value
