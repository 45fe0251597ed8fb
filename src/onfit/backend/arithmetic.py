"""The arithmetic of Keras 2's backend: what `onfit.ops` computes, with the older arguments.

On symbols each records, as all of `onfit.ops` does.
"""

import math
from typing import Any

import torch
from torch import Tensor

from onfit import ops
from onfit import random as draws
from onfit.dtypes import as_numpy, torch_dtype
from onfit.layers.weights import Weight


def argmax(x: Any, axis: int = -1) -> Any:
    """The place of the largest value along an axis."""
    return ops.argmax(x, axis)


def argmin(x: Any, axis: int = -1) -> Any:
    """The place of the smallest value along an axis."""
    return ops.argmin(x, axis)


def batch_dot(x: Any, y: Any, axes: Any = None) -> Any:
    """The product of each sample of `x` and that of `y`, over an axis of each.

    Args:
        x: a tensor or symbol, batch axis first.
        y: the same.
        axes: the axis of both, or one of each; by default the last of `x` and the last but one of
            `y`.
    """
    first = axes if isinstance(axes, int) else x.ndim - 1 if axes is None else axes[0]
    last = axes if isinstance(axes, int) else max(1, y.ndim - 2) if axes is None else axes[1]
    if x.ndim == y.ndim == 2:
        return ops.sum(ops.multiply(x, y), axis=1, keepdims=True)
    left = "b" + "ijk"[: x.ndim - 1]
    right = "b" + "lmn"[: y.ndim - 1]
    right = right.replace(right[last], left[first])
    rest = [letter for letter in left[1:] + right[1:] if letter != left[first]]
    return ops.einsum(f"{left},{right}->b{''.join(rest)}", x, y)


def batch_flatten(x: Any) -> Any:
    """Every sample as a row."""
    sizes = ops.shape(x)[1:]
    return ops.reshape(x, (-1, *([math.prod(sizes)] if None not in sizes else sizes)))


def clip(x: Any, min_value: Any, max_value: Any) -> Any:
    """Values below `min_value` become that, and values above `max_value` become that."""
    return ops.clip(x, min_value, max_value)


def concatenate(tensors: Any, axis: int = -1) -> Any:
    """Tensors joined along an axis."""
    return ops.concatenate(tensors, axis)


def constant(value: Any, dtype: Any = None, shape: Any = None, name: str | None = None) -> Tensor:
    """A tensor of a number or an array, in that shape; `name` is taken, without effect."""
    found = torch.as_tensor(value)
    if dtype is not None or found.is_floating_point():
        found = found.to(torch_dtype(dtype))
    return found if shape is None else found.expand(tuple(shape)).clone()


def cumsum(x: Any, axis: int = 0) -> Any:
    """The sum up to each value along an axis."""
    return ops.cumsum(x, axis)


def cumprod(x: Any, axis: int = 0) -> Any:
    """The product up to each value along an axis."""
    return ops.cumprod(x, axis)


def dot(x: Any, y: Any) -> Any:
    """The sums over the last axis of `x` and the last but one of `y`."""
    return ops.dot(x, y)


def dropout(x: Any, level: float, noise_shape: Any = None, seed: Any = None) -> Tensor:
    """Values of which a part `level` is 0, and the others are scaled up."""
    return draws.dropout(x, level, noise_shape, seed)


def eval(x: Any) -> Any:  # noqa: A001 - Keras' name
    """The values of a tensor or variable, as a numpy array."""
    return as_numpy(torch.as_tensor(x)).copy()


def expand_dims(x: Any, axis: int = -1) -> Any:
    """A new axis of length 1 at that place."""
    return ops.expand_dims(x, axis)


def gather(reference: Any, indices: Any) -> Any:
    """The parts at those places along the first axis."""
    return ops.take(reference, indices, axis=0)


def int_shape(x: Any) -> tuple[int | None, ...]:
    """The lengths of its axes; None where they vary."""
    return ops.shape(x)  # type: ignore[no-any-return]


def l2_normalize(x: Any, axis: int | None = None) -> Any:
    """The values over their length along an axis; over all if `axis` is None."""
    square = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return ops.divide(x, ops.sqrt(ops.maximum(square, _LEAST_SQUARE)))


_LEAST_SQUARE = 1e-12  # what a length is at least, squared


def ones(shape: Any, dtype: Any = None, name: str | None = None) -> Weight:
    """A variable of ones."""
    return Weight(ops.ones(shape, dtype), trainable=False, name=name or "")


def zeros(shape: Any, dtype: Any = None, name: str | None = None) -> Weight:
    """A variable of zeros."""
    return Weight(ops.zeros(shape, dtype), trainable=False, name=name or "")


def random_normal(
    shape: Any, mean: float = 0.0, stddev: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Numbers around `mean`: `random.normal`."""
    return draws.normal(shape, mean, stddev, dtype, seed)


def random_uniform(
    shape: Any, minval: float = 0.0, maxval: float = 1.0, dtype: Any = None, seed: Any = None
) -> Tensor:
    """Numbers from `minval` to below `maxval`: `random.uniform`."""
    return draws.uniform(shape, minval, maxval, dtype, seed)


def relu(x: Any, alpha: float = 0.0, max_value: Any = None, threshold: float = 0.0) -> Any:
    """max(x, 0); with a slope of `alpha` below the threshold, and a largest value."""
    above = ops.where(x > threshold, x, 0.0)
    above = above if max_value is None else ops.minimum(above, max_value)
    return above - alpha * ops.relu(threshold - x) if alpha else above


def repeat(x: Any, n: int) -> Any:
    """Each row so many times, as steps: (batch, features) becomes (batch, n, features)."""
    return ops.repeat(ops.expand_dims(x, 1), n, axis=1)


def repeat_elements(x: Any, rep: int, axis: int) -> Any:
    """Each value so many times along an axis."""
    return ops.repeat(x, rep, axis=axis)


def squeeze(x: Any, axis: int) -> Any:
    """Without that axis, which is of length 1."""
    return ops.squeeze(x, axis)


def switch(condition: Any, then_expression: Any, else_expression: Any) -> Any:
    """The first where the condition is true, else the second; each may be a function."""
    parts = [part() if callable(part) else part for part in (then_expression, else_expression)]
    return ops.where(condition, *parts)
