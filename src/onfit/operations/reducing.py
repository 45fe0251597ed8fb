"""Computations that make one value of many, along axes."""

import math
from typing import Any

import torch
from torch import Tensor

from onfit.dtypes import torch_dtype
from onfit.operations.table import Axis, axes_of, entered


def _floats(x: Tensor) -> Tensor:
    return x if x.is_floating_point() or x.is_complex() else x.to(torch.get_default_dtype())


@entered("numpy")
def sum_(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The sum along axes; over all values if `axis` is None."""
    return torch.sum(x, axes_of(x, axis), keepdims)


@entered("numpy")
def mean(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The mean along axes; of all values if `axis` is None."""
    return torch.mean(_floats(x), axes_of(x, axis), keepdims)


@entered("numpy")
def prod(x: Tensor, axis: Axis = None, keepdims: bool = False, dtype: Any = None) -> Tensor:
    """The product along axes."""
    for each in sorted((axis % x.ndim for axis in axes_of(x, axis)), reverse=True):
        x = torch.prod(x, each, keepdims)
    return x if dtype is None else x.to(torch_dtype(dtype))


@entered("numpy")
def max_(x: Tensor, axis: Axis = None, keepdims: bool = False, initial: Any = None) -> Tensor:
    """The largest value along axes; at least `initial`."""
    found = torch.amax(x, axes_of(x, axis), keepdims)
    return found if initial is None else torch.clamp(found, min=initial)


@entered("numpy")
def min_(x: Tensor, axis: Axis = None, keepdims: bool = False, initial: Any = None) -> Tensor:
    """The smallest value along axes; at most `initial`."""
    found = torch.amin(x, axes_of(x, axis), keepdims)
    return found if initial is None else torch.clamp(found, max=initial)


@entered("numpy")
def amax(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The largest value along axes."""
    return torch.amax(x, axes_of(x, axis), keepdims)


@entered("numpy")
def amin(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The smallest value along axes."""
    return torch.amin(x, axes_of(x, axis), keepdims)


@entered("numpy")
def var(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The variance along axes: the mean squared distance from the mean."""
    return torch.var(_floats(x), axes_of(x, axis), correction=0, keepdim=keepdims)


@entered("numpy")
def std(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The standard deviation along axes: the root of the variance."""
    return torch.std(_floats(x), axes_of(x, axis), correction=0, keepdim=keepdims)


@entered("numpy")
def all_(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether all values along axes are true."""
    return torch.amin(x.bool().to(torch.uint8), axes_of(x, axis), keepdims).bool()


@entered("numpy")
def any_(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Whether any value along axes is true."""
    return torch.amax(x.bool().to(torch.uint8), axes_of(x, axis), keepdims).bool()


@entered("numpy")
def count_nonzero(x: Tensor, axis: Axis = None) -> Tensor:
    """How many values along axes are not 0."""
    return torch.sum(x != 0, axes_of(x, axis))


@entered("numpy")
def argmax(x: Tensor, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The place of the largest value along an axis; among all values if `axis` is None."""
    return torch.argmax(x, axis, keepdims)


@entered("numpy")
def argmin(x: Tensor, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """The place of the smallest value along an axis; among all values if `axis` is None."""
    return torch.argmin(x, axis, keepdims)


@entered("math")
def logsumexp(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))) along axes, without overflow."""
    return torch.logsumexp(x, axes_of(x, axis), keepdims)


@entered("linalg")
def norm(x: Tensor, ord: Any = None, axis: Axis = None, keepdims: bool = False) -> Tensor:  # noqa: A002
    """The length along an axis; over all values if `axis` is None."""
    dim = tuple(axis) if isinstance(axis, list) else axis
    found: Tensor = torch.linalg.norm(x, ord, dim, keepdims)
    return found


@entered("numpy")
def cumsum(x: Tensor, axis: int | None = None, dtype: Any = None) -> Tensor:
    """The sum up to each value along an axis; of all values in a row if `axis` is None."""
    row = x.ravel() if axis is None else x
    return torch.cumsum(row, axis or 0, dtype=None if dtype is None else torch_dtype(dtype))


@entered("numpy")
def cumprod(x: Tensor, axis: int | None = None, dtype: Any = None) -> Tensor:
    """The product up to each value along an axis; of all values in a row if `axis` is None."""
    row = x.ravel() if axis is None else x
    return torch.cumprod(row, axis or 0, dtype=None if dtype is None else torch_dtype(dtype))


@entered("numpy")
def average(x: Tensor, axis: int | None = None, weights: Tensor | None = None) -> Tensor:
    """The mean along an axis, in which each value has a weight."""
    if weights is None:
        return mean(x, axis)  # type: ignore[no-any-return]
    if weights.ndim < x.ndim and axis is not None:
        weights = weights.reshape([-1 if a == axis % x.ndim else 1 for a in range(x.ndim)])
    axes = axes_of(x, axis)
    return torch.sum(x * weights, axes) / torch.sum(weights.expand_as(x), axes)


@entered("numpy")
def median(x: Tensor, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """The middle value along axes; of two middle values their mean."""
    return quantile(x, torch.tensor(0.5), axis, "linear", keepdims)  # type: ignore[no-any-return]


@entered("numpy")
def quantile(
    x: Tensor, q: Tensor, axis: Axis = None, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """The value below which a part `q` (from 0 to 1) of the values along axes lies."""
    axes = sorted(axis % x.ndim for axis in axes_of(x, axis))
    rest = [a for a in range(x.ndim) if a not in axes]
    lasting = [x.shape[a] for a in rest]
    row = _floats(x).permute(*rest, *axes).reshape(*lasting, math.prod(x.shape[a] for a in axes))
    found = torch.quantile(row, torch.as_tensor(q).to(row), -1, interpolation=method)
    if keepdims:
        for a in reversed(axes):  # counted from the end: in front there may be an axis of `q`
            found = found.unsqueeze(a - x.ndim)
    return found


@entered("nn", given=("x",))
def moments(
    x: Tensor, axes: Axis, keepdims: bool = False, synchronized: bool = False
) -> tuple[Tensor, Tensor]:
    """The mean and the variance along axes. `synchronized` is taken, without effect."""
    found = torch.var_mean(x, axes_of(x, axes), correction=0, keepdim=keepdims)
    return found[1], found[0]
