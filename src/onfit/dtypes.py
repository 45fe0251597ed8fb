"""Types of values, by the names that Keras, numpy and torch give them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from onfit.errors import ArgumentError, did_you_mean

EPSILON = 1e-7  # Keras' fuzz factor: keeps logarithms and quotients finite

_FLOATS = ("float32", "float16", "bfloat16", "float64")
_COMMON = (*_FLOATS, "int64", "int32", "uint8", "bool")


# A number, or numbers in an array, a tensor or lists.
Numbers = float | Sequence[Any] | np.ndarray[Any, Any] | Tensor
# A name, a type of numpy, torch or Python, or what Keras writes of a policy; None for the default.
DtypeLike = str | torch.dtype | np.dtype[Any] | type[Any] | Mapping[str, Any] | None


def torch_dtype(dtype: DtypeLike) -> torch.dtype:
    """The torch type of that name; torch's default float type for None.

    Args:
        dtype: a name, a type of numpy or torch, or a configuration of Keras that holds a name.

    Raises:
        ArgumentError: for an unknown name, and for a policy of mixed precision.

    Example:
        >>> torch_dtype("bfloat16")
        torch.bfloat16
    """
    if dtype is None:
        return torch.get_default_dtype()
    if isinstance(dtype, torch.dtype):
        return dtype
    name = name_of(dtype)
    if name.startswith("mixed_"):
        raise ArgumentError(
            f"dtype={name!r} is a policy of mixed precision, which layers and models may have, and "
            f"one type is wanted here. Write {name.removeprefix('mixed_')!r} or 'float32'."
        )
    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype):
        raise ArgumentError(
            f"dtype={dtype!r} is not known; write 'float32', 'int64' or 'bool'."
            f"{did_you_mean(name, _COMMON)}"
        )
    return found


def float_dtype(dtype: DtypeLike) -> torch.dtype:
    """The torch type of that name, which must be one of floats.

    Raises:
        ArgumentError: if it is not.
    """
    found = torch_dtype(dtype)
    if not found.is_floating_point:
        raise ArgumentError(
            f"dtype={dtype!r}: a layer's weights are floats: {', '.join(_FLOATS)}. The type of "
            "what comes in is said in Input(dtype=...)."
        )
    return found


def dtype_name(dtype: torch.dtype) -> str:
    """The name of a torch type, as Keras and numpy write it."""
    return str(dtype).removeprefix("torch.")


def as_numpy(tensor: Tensor) -> np.ndarray[Any, Any]:
    """The values of a tensor; those of types that numpy lacks (bfloat16) as float32.

    It shares the memory of a tensor on the CPU.

    >>> as_numpy(torch.ones(2, dtype=torch.bfloat16)).dtype
    dtype('float32')
    """
    tensor = tensor.detach().cpu()
    if tensor.is_floating_point() and tensor.dtype not in _FLOATS_OF_NUMPY:
        tensor = tensor.float()
    array: np.ndarray[Any, Any] = tensor.numpy()
    return array


_FLOATS_OF_NUMPY = (torch.float16, torch.float32, torch.float64)


def name_of(dtype: Any) -> str:
    """The name of a type, or of a policy of Keras or its configuration."""
    if isinstance(dtype, torch.dtype):
        return dtype_name(dtype)
    if isinstance(dtype, dict):  # as Keras 3 writes a policy
        dtype = dtype.get("config", dtype).get("name", dtype)
    return str(getattr(dtype, "__name__", None) or getattr(dtype, "name", None) or dtype)
