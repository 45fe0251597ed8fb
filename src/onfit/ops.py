"""Computations under Keras' names: `from onfit import ops`.

Given tensors, arrays or numbers, they compute, and give tensors of torch. Given symbols, they
record, as layers do; the model computes them then.

    ops.mean(x, axis=-1)            ops.concatenate([a, b], axis=1)            ops.one_hot(y, 10)

`dir(ops)` lists them, and `help(ops.mean)` says what one does.

>>> from onfit import ops
>>> ops.sqrt([4.0, 9.0])
tensor([2., 3.])
>>> from onfit.layers import Input
>>> ops.mean(Input((3,)), axis=1, keepdims=True).shape
(None, 1)
"""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import numpy as np
import torch

from onfit import _doors
from onfit.errors import refusal_of_names
from onfit.layers.graph import recorded, symbols_in
from onfit.layers.shapes import mapped, tensors_in
from onfit.operations import COMPUTATIONS, Computation, making

_MADE = [
    *("arange", "array", "cond", "convert_to_numpy", "convert_to_tensor", "dtype", "empty", "eye"),
    *("fori_loop", "full", "identity", "is_tensor", "linspace", "ndim", "ones", "shape", "size"),
    *("vectorized_map", "while_loop", "zeros"),
]
# Keras' other names of computations.
_ALIASES = {"swish": "silu", "hard_swish": "hard_silu"}

__all__ = sorted({*COMPUTATIONS, *_MADE, *_ALIASES, "einsum", "map"})


def _op(entry: Computation) -> Callable[..., Any]:
    """The computation: of tensors at once, of symbols in the model."""
    function = entry.function

    @wraps(function)
    def compute(*args: Any, **kwargs: Any) -> Any:
        if next(symbols_in((args, kwargs)), None) is not None:
            return recorded(entry.name, *args, **kwargs)
        given = tensors_in((args, kwargs))
        device = given[0].device if given else None
        as_tensor = partial(torch.as_tensor, device=device)  # an array goes where tensors are
        args, kwargs = mapped(as_tensor, np.ndarray, (args, kwargs))
        if args and not tensors_in(args):
            args = (_as_tensors(args[0]), *args[1:])
        elif not args and entry.given[0] in kwargs:
            kwargs[entry.given[0]] = _as_tensors(kwargs[entry.given[0]])
        return function(*args, **kwargs)

    compute.__name__ = compute.__qualname__ = entry.name
    compute.__module__ = __name__
    return compute


def _as_tensors(given: Any) -> Any:
    """Numbers, or lists of numbers, as a tensor; a list of tensors as it is."""
    return given if tensors_in(given) else torch.as_tensor(given)


def _einsum(subscripts: str, *operands: Any) -> Any:
    """Einstein's sum: the letters are axes, and those that the result lacks are summed over.

    Args:
        subscripts: the axes of each operand and of the result: `"bij,bjk->bik"`.
        *operands: the tensors.
    """
    return _EINSUM(*operands, subscripts=subscripts)


_EINSUM = _op(COMPUTATIONS["einsum"])

# Editors and type checkers read these names in ops.pyi.
globals().update({name: _op(entry) for name, entry in COMPUTATIONS.items()})
globals().update({name: getattr(making, name) for name in _MADE})
globals().update({name: globals()[meant] for name, meant in _ALIASES.items()})
einsum, map = _einsum, making.map_  # noqa: A001
__getattr__ = refusal_of_names(__name__, __all__)
# As if it were a package, so that `from onfit.ops import svd` comes to `_doors`, which says more.
__path__: list[str] = []
# Keras has parts of ops a second time under these names.
_doors.open_old_modules(__name__, ["linalg", "math", "nn", "numpy"])
