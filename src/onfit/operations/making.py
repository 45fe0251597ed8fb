"""Tensors that are made anew, what is asked about tensors, and loops over them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from onfit.dtypes import as_numpy, dtype_name, torch_dtype
from onfit.errors import ArgumentTypeError


def zeros(shape: Any, dtype: Any = None) -> Tensor:
    """Zeros, in that shape."""
    return torch.zeros(sizes_of(shape), dtype=torch_dtype(dtype))


def ones(shape: Any, dtype: Any = None) -> Tensor:
    """Ones, in that shape."""
    return torch.ones(sizes_of(shape), dtype=torch_dtype(dtype))


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """One value everywhere, in that shape."""
    given = None if dtype is None else torch_dtype(dtype)
    return torch.as_tensor(fill_value, dtype=given).expand(sizes_of(shape)).clone()


def empty(shape: Any, dtype: Any = None) -> Tensor:
    """Numbers of any value, in that shape."""
    return torch.empty(sizes_of(shape), dtype=torch_dtype(dtype))


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:  # noqa: N803
    """A matrix with ones on its `k`-th diagonal, and zeros elsewhere."""
    return torch.ones(N, M or N, dtype=torch_dtype(dtype)).tril(k).triu(k)


def identity(n: int, dtype: Any = None) -> Tensor:
    """The square matrix with ones on its diagonal."""
    return torch.eye(n, dtype=torch_dtype(dtype))


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Tensor:
    """The numbers from `start` to below `stop`; from 0 to below `start` if there is no `stop`."""
    begin, end = (0, start) if stop is None else (start, stop)
    given = None if dtype is None else torch_dtype(dtype)
    return torch.arange(begin, end, 1 if step is None else step, dtype=given)


def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None
) -> Tensor:
    """So many numbers, equally far apart, from `start` to `stop`, or to before it."""
    numbers = np.linspace(start, stop, num, endpoint)
    return torch.as_tensor(numbers, dtype=torch_dtype(dtype))


def array(x: Any, dtype: Any = None) -> Tensor:
    """A tensor of an array, a list or a number."""
    return convert_to_tensor(x, dtype)


def convert_to_tensor(
    x: Any, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None
) -> Tensor:
    """A tensor of an array, a list or a number; a tensor as it is.

    `sparse` and `ragged` are taken, without effect: tensors are dense.
    """
    found = torch.as_tensor(x)
    return found if dtype is None else found.to(torch_dtype(dtype))


def convert_to_numpy(x: Any) -> np.ndarray[Any, Any]:
    """A numpy array of a tensor, a list or a number."""
    return as_numpy(x) if isinstance(x, Tensor) else np.asarray(x)


def is_tensor(x: Any) -> bool:
    """Whether it is a tensor of torch."""
    return isinstance(x, Tensor)


def shape(x: Any) -> tuple[int | None, ...]:
    """The lengths of its axes; of a symbol None where they vary."""
    found = x.shape if hasattr(x, "shape") else torch.as_tensor(x).shape
    return tuple(found)


def ndim(x: Any) -> int:
    """How many axes it has."""
    return len(shape(x))


def size(x: Any) -> int:
    """How many values it has."""
    return int(np.prod([int(length or 0) for length in shape(x)]))


def dtype(x: Any) -> str:
    """The name of the type of its values."""
    return dtype_name(
        x.dtype if isinstance(getattr(x, "dtype", None), torch.dtype) else array(x).dtype
    )


def sizes_of(given: Any) -> tuple[int, ...]:
    """A shape as plain numbers.

    Raises:
        ArgumentTypeError: for a length that is not known.
    """
    sizes = (given,) if isinstance(given, (int, np.integer)) else tuple(given)
    if None in sizes:
        raise ArgumentTypeError(
            f"a tensor of shape {sizes} cannot be made: each of its lengths has to be known. In a "
            "graph, make it within layers.Lambda(function)(x), where x has a shape."
        )
    return tuple(map(int, sizes))


def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """What one of two functions gives: the first if `pred` is true."""
    return true_fn() if bool(pred) else false_fn()


def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    maximum_iterations: int | None = None,
) -> Any:
    """Values that a function makes new while a condition of them holds."""
    is_one = not isinstance(loop_vars, (list, tuple))
    values: Sequence[Any] = (loop_vars,) if is_one else tuple(loop_vars)
    count = 0
    while bool(cond(*values)) and (maximum_iterations is None or count < maximum_iterations):
        made = body(*values)
        values = tuple(made) if isinstance(made, (list, tuple)) else (made,)
        count += 1
    return values[0] if is_one else values


def fori_loop(lower: int, upper: int, body_fun: Callable[[int, Any], Any], init_val: Any) -> Any:
    """A value that a function makes new for each number from `lower` to below `upper`."""
    value = init_val
    for index in range(int(lower), int(upper)):
        value = body_fun(index, value)
    return value


def map_(f: Callable[[Any], Tensor], xs: Any) -> Tensor:
    """What a function gives for each part of `xs` along its first axis."""
    return torch.stack([f(x) for x in torch.as_tensor(xs)])


def vectorized_map(function: Callable[[Any], Tensor], elements: Any) -> Tensor:
    """What a function gives for each part along the first axis, computed for all at once."""
    found: Tensor = torch.vmap(function)(torch.as_tensor(elements))
    return found
