"""What a layer or a model is called with: arrays become tensors, and what cannot be is refused."""

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from onfit.assigning import is_ours
from onfit.errors import ArgumentTypeError, DataError, did_you_mean
from onfit.layers.graph import Symbol
from onfit.layers.shapes import described, mapped

_NUMBERS = "fiubc"  # numpy's letters for the types of numbers
_KINDS = (list, tuple, dict)


def inputs_given(
    module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments of a call, with numpy arrays and lists of numbers as tensors.

    Args:
        module: the layer or model.
        args: the arguments by place.
        kwargs: those by name.

    Raises:
        ArgumentTypeError: if a computation of onfit gets something else as its first input.
        DataError: for an array of something else than numbers.
    """
    if args and isinstance(args[0], list) and _is_of_numbers(args[0]):
        args = (_array(module, args[0]), *args[1:])  # as fit takes it: one array
    elif args and hasattr(args[0], "to_numpy"):  # a table of pandas
        args = (args[0].to_numpy(), *args[1:])
    if args and is_ours(type(module).forward) and "args" not in type(module).takes.names:
        _require_inputs(module, args[0])
        if isinstance(args[0], _KINDS):
            _refuse_several(module, args[0])
    return _as_tensors(module, args), _as_tensors(module, kwargs)


def mode_given(module: Any, training: Any) -> bool:
    """The value of `training=` in a call, as a truth value.

    Raises:
        ArgumentTypeError: if it is none.
    """
    if isinstance(training, str) or not hasattr(training, "__bool__"):
        raise ArgumentTypeError(
            f"{described(module)} was called with training={training!r}. Pass True or False, or "
            "None for the mode that it has."
        )
    return bool(training)


def refuse_if_unfit(module: Any, args: Any, kwargs: Any, error: TypeError | None = None) -> None:
    """Refuse arguments that the computation does not take.

    Args:
        module: the layer or model.
        args: the arguments by place.
        kwargs: those by name.
        error: the error of a computation that was called with them.

    Raises:
        ArgumentTypeError: if that is why it did. The text names the arguments there are.
    """
    takes = inspect.signature(module.forward)
    try:
        takes.bind(*args, **kwargs)
    except TypeError as why:
        names = list(takes.parameters)
        unknown = [name for name in kwargs if name not in names]
        hint = did_you_mean(unknown[0], [*names, "training", "mask"]) if unknown else ""
        raise ArgumentTypeError(
            f"{described(module)} was called with arguments that it does not take: {why}. It "
            f"takes {', '.join(names) or 'none'}.{hint}"
        ) from error


def _require_inputs(module: Any, given: Any) -> None:
    parts: Any = given.values() if isinstance(given, dict) else given
    if isinstance(given, _KINDS) and len(given):
        for part in parts:
            _require_inputs(module, part)
    elif not isinstance(given, (Tensor, np.ndarray, Symbol, np.number)):
        raise ArgumentTypeError(
            f"{described(module)} was called with {_short(given)}. Pass a tensor or an array, with "
            "an axis of samples first; or what Input(...) returns."
        )


def _refuse_several(module: Any, given: Any) -> None:
    """Refuse a list or dict as the input of a layer whose computation takes one tensor."""
    first = next(iter(type(module).forward.__annotations__.values()), None)
    if first is Tensor and not any(isinstance(part, Symbol) for part in _leaves(given)):
        raise ArgumentTypeError(
            f"{described(module)} was called with a {type(given).__name__} of {len(given)}, and "
            "takes one tensor. Pass that alone; several go into a model of several inputs, or "
            "into a layer such as Concatenate."
        )


def _leaves(given: Any) -> Iterator[Any]:
    for part in given.values() if isinstance(given, dict) else given:
        if isinstance(part, _KINDS):
            yield from _leaves(part)
        else:
            yield part


def _short(given: Any) -> str:
    return f"{str(given)[:60]!r}, of type {type(given).__name__}"


def _is_of_numbers(given: list[Any]) -> bool:
    """Whether a list, or lists in it, hold nothing but numbers."""
    return bool(given) and all(
        _is_of_numbers(part) if isinstance(part, list) else isinstance(part, (int, float))
        for part in given
    )


def _array(module: Any, numbers: list[Any]) -> np.ndarray[Any, Any]:
    try:
        return np.asarray(numbers)
    except ValueError as error:
        raise DataError(
            f"{described(module)} was called with lists of several lengths: {error}. Pad them to "
            "one length."
        ) from error


def _as_tensors(module: Any, structure: Any) -> Any:
    """Numpy arrays as tensors where the weights are; floats get torch's default type."""
    if isinstance(structure, tuple) and all(isinstance(part, Tensor) for part in structure):
        return structure

    def tensor(array: Any) -> Tensor:
        if array.dtype.kind not in _NUMBERS:
            raise DataError(
                f"{described(module)} was called with an array of {array.dtype}; it takes numbers. "
                "Encode text or objects as numbers first."
            )
        first = next(module.parameters(), None)
        is_float = np.issubdtype(array.dtype, np.floating)
        dtype = torch.get_default_dtype() if is_float else None
        return torch.as_tensor(array, dtype=dtype, device=None if first is None else first.device)

    return mapped(tensor, (np.ndarray, np.number), structure)
