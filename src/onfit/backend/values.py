"""The values of variables and rates, and the settings of Keras' backend."""

from typing import Any

import torch
from torch import Tensor

from onfit.dtypes import EPSILON, as_numpy, torch_dtype
from onfit.errors import ArgumentError, ArgumentTypeError, ShapeError, did_you_mean
from onfit.layers.weights import Weight
from onfit.policies import set_global_policy

_FLOATS = ("float16", "bfloat16", "float32", "float64")


def variable(value: Any, dtype: Any = None, name: str | None = None) -> Weight:
    """A number or array that can be changed: a layer's, a loss's or a callback's.

    Args:
        value: its first value.
        dtype: the type of its numbers; for floats torch's default float type.
        name: its name.

    Returns:
        A weight that is not trainable. Assigned to an attribute of a layer, it is saved with it.

    Example:
        >>> alpha = variable(0.5)
        >>> alpha.assign(0.25).item()
        0.25
    """
    tensor = torch.as_tensor(value)
    if dtype is not None or tensor.is_floating_point():
        tensor = tensor.to(torch_dtype(dtype))
    return Weight(tensor.clone(), trainable=False, name=name or "")


def get_value(x: Any) -> Any:
    """The value of a learning rate, a weight or a number.

    Args:
        x: `model.optimizer.lr`, a tensor or parameter, or a plain number.

    Returns:
        A float for a learning rate; a copy as a numpy array for a tensor; else `x` itself.

    Example:
        >>> from onfit.optimizers import SGD
        >>> get_value(SGD(0.1).lr)
        0.1
    """
    if isinstance(x, Tensor):
        return as_numpy(x).copy()
    return x.value if callable(getattr(x, "assign", None)) else x


def set_value(x: Any, value: Any) -> None:
    """Give a learning rate or a weight a new value; it takes effect at the next batch.

    Args:
        x: `model.optimizer.lr`, or a tensor or parameter.
        value: a number, or an array of the tensor's shape.

    Raises:
        ShapeError: if the shapes differ.
        ArgumentTypeError: if `x` is a plain number, because a change of it would have no effect.

    Example:
        >>> from onfit.optimizers import SGD
        >>> optimizer = SGD(0.1)
        >>> set_value(optimizer.lr, 0.01)
        >>> optimizer.learning_rate
        0.01
    """
    if isinstance(x, Tensor):
        _fill(x, torch.as_tensor(value))
    elif callable(getattr(x, "assign", None)):
        x.assign(value)
    else:
        raise ArgumentTypeError(
            f"set_value({x!r}, {value!r}): a {type(x).__name__} is a value of its own, and setting "
            "it would change nothing. Assign to the attribute it came from: "
            f"layer.rate = {value!r}."
        )


def _fill(tensor: Tensor, value: Tensor) -> None:
    if value.shape != tensor.shape:
        raise ShapeError(
            f"set_value: the tensor has shape {tuple(tensor.shape)}, the new value "
            f"{tuple(value.shape)}. Pass an array of the tensor's shape."
        )
    with torch.no_grad():
        tensor.copy_(value)


def floatx() -> str:
    """The name of the default type of floats, which is torch's default.

    >>> floatx()
    'float32'
    """
    return str(torch.get_default_dtype()).removeprefix("torch.")


def set_floatx(value: str) -> None:
    """Set the type of floats: of weights made from now on, and of the data given to `fit`.

    Args:
        value: `"float16"`, `"bfloat16"`, `"float32"` or `"float64"`.

    Raises:
        ArgumentError: for another name.
    """
    if value not in _FLOATS:
        raise ArgumentError(
            f"set_floatx({value!r}): the type of floats is one of {', '.join(_FLOATS)}."
            f"{did_you_mean(value, _FLOATS)}"
        )
    torch.set_default_dtype(getattr(torch, value))


def epsilon() -> float:
    """The small number by which losses keep away from log(0) and division by 0."""
    return EPSILON


def image_data_format() -> str:
    """Where layers expect an image's channels by default: `"channels_last"`."""
    return "channels_last"


def image_dim_ordering() -> str:
    """Keras 1's name for it: `"tf"`, channels last."""
    return "tf"


def count_params(x: Tensor) -> int:
    """How many numbers a weight or tensor holds.

    Args:
        x: the tensor.

    Example:
        >>> count_params(torch.zeros(2, 3))
        6
    """
    return x.numel()


def clear_session() -> None:
    """Have new layers compute in the usual type again, if `mixed_precision.set_global_policy` chose
    another one. There is nothing else to clear.

    Keras keeps a graph and a count of layer names for the whole process. Here a model holds all
    that belongs to it: its memory is freed when no reference to it is left, and the names of its
    layers are counted in the model itself.
    """
    set_global_policy(None)
