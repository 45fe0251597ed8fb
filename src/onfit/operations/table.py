"""The table of all computations: each by its name, with what Keras' files call it."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor

from onfit.errors import ArgumentError, did_you_mean

Axis = int | tuple[int, ...] | list[int] | None


class Computation(NamedTuple):
    """A function of tensors, and its place in a graph.

    Attributes:
        name: its name in `onfit.ops`.
        function: computes it, of tensors.
        home: the module of Keras' `ops` that has its class: `"numpy"`, `"nn"` ...
        class_name: the class by which Keras' files name it.
        given: the arguments that a call in a graph has; the others are its options.
    """

    name: str
    function: Callable[..., Any]
    home: str
    class_name: str
    given: tuple[str, ...]

    @property
    def takes_any_number(self) -> bool:
        """Whether a call has as many tensors as it likes."""
        kinds = [p.kind for p in inspect.signature(self.function).parameters.values()]
        return inspect.Parameter.VAR_POSITIONAL in kinds


def axes_of(x: Tensor, axis: Axis) -> tuple[int, ...]:
    """The axes that are meant; None means all."""
    if axis is None:
        return tuple(range(x.ndim))
    return (axis,) if isinstance(axis, int) else tuple(axis)


COMPUTATIONS: dict[str, Computation] = {}
# The same by the classes in Keras' files.
BY_CLASS: dict[str, Computation] = {}


def enter(
    function: Callable[..., Any],
    home: str,
    class_name: str | None = None,
    given: tuple[str, ...] | None = None,
    name: str | None = None,
) -> None:
    """Put a function into the table.

    Args:
        function: takes tensors and options.
        home: the module of Keras' `ops` that has its class.
        class_name: that class; by default its name in other letters: `expand_dims`, `ExpandDims`.
        given: the arguments of a call in a graph; by default those that are annotated as tensors.
        name: its name; by default that of the function, without an underscore at its end.
    """
    name = name or function.__name__.rstrip("_")
    class_name = class_name or "".join(part.capitalize() for part in name.split("_"))
    if given is None:
        parameters = inspect.signature(function).parameters.values()
        given = tuple(p.name for p in parameters if p.annotation in _TENSORS)
    entry = Computation(name, function, home, class_name, given)
    COMPUTATIONS[name] = BY_CLASS[class_name] = entry


_TENSORS = (Tensor, Tensor | None, list[Tensor])


def entered(home: str, **named: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator that puts a function into the table: see `enter`."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        enter(function, home, **named)
        return function

    return decorate


def computation(name: str) -> Computation:
    """The computation of that name.

    Raises:
        ArgumentError: if there is none.

    Example:
        >>> computation("expand_dims").class_name
        'ExpandDims'
    """
    if name not in COMPUTATIONS:
        raise ArgumentError(
            f"onfit.ops has no {name!r}.{did_you_mean(name, COMPUTATIONS)} Any function of tensors "
            "becomes a layer by layers.Lambda(function)."
        )
    return COMPUTATIONS[name]
