"""Products of tensors, and what is asked of matrices."""

from typing import Any

import torch
from torch import Tensor

from onfit.operations.table import entered


def _of_one_type(*tensors: Tensor) -> list[Tensor]:
    """The tensors with one type of values, which torch's products want."""
    dtype = tensors[0].dtype
    for each in tensors[1:]:
        dtype = torch.promote_types(dtype, each.dtype)
    return [each.to(dtype) for each in tensors]


@entered("numpy")
def matmul(x1: Tensor, x2: Tensor) -> Tensor:
    """The product of matrices, which are the last two axes."""
    return torch.matmul(*_of_one_type(x1, x2))


@entered("numpy")
def dot(x1: Tensor, x2: Tensor) -> Tensor:
    """The sums over the last axis of `x1` and the last but one of `x2`."""
    x1, x2 = _of_one_type(x1, x2)
    if x1.ndim == 0 or x2.ndim == 0:
        return x1 * x2
    axis = 0 if x2.ndim == 1 else x2.ndim - 2
    found: Tensor = torch.tensordot(x1, x2, ([x1.ndim - 1], [axis]))
    return found


@entered("numpy")
def tensordot(x1: Tensor, x2: Tensor, axes: Any = 2) -> Tensor:
    """The sums over so many axes, or over those of each tensor."""
    x1, x2 = _of_one_type(x1, x2)
    if not isinstance(axes, int):
        axes = [[a] if isinstance(a, int) else list(a) for a in axes]
    found: Tensor = torch.tensordot(x1, x2, axes)
    return found


@entered("numpy")
def inner(x1: Tensor, x2: Tensor) -> Tensor:
    """The sums over the last axis of both."""
    return torch.inner(*_of_one_type(x1, x2))


@entered("numpy")
def outer(x1: Tensor, x2: Tensor) -> Tensor:
    """Every value of one row times every value of the other."""
    x1, x2 = _of_one_type(x1, x2)
    return torch.outer(x1.ravel(), x2.ravel())


@entered("numpy", given=("operands",))
def einsum(*operands: Tensor, subscripts: str) -> Tensor:
    """Einstein's sum: `ops.einsum("bij,bjk->bik", a, b)`."""
    found: Tensor = torch.einsum(subscripts, *_of_one_type(*operands))
    return found


@entered("linalg")
def inv(x: Tensor) -> Tensor:
    """The inverse of matrices."""
    found: Tensor = torch.linalg.inv(x)
    return found


@entered("linalg")
def det(x: Tensor) -> Tensor:
    """The determinant of matrices."""
    found: Tensor = torch.linalg.det(x)
    return found


@entered("linalg")
def solve(a: Tensor, b: Tensor) -> Tensor:
    """The `x` for which a @ x = b."""
    found: Tensor = torch.linalg.solve(a, b)
    return found


@entered("linalg")
def cholesky(x: Tensor, upper: bool = False) -> Tensor:
    """The triangular factor of matrices that are symmetric and positive."""
    found: Tensor = torch.linalg.cholesky(x, upper=upper)
    return found


@entered("numpy")
def trace(x: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The sum of a diagonal of two axes."""
    return torch.diagonal(x, offset, axis1, axis2).sum(-1)
