"""Activation functions by Keras' names, on torch tensors."""

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from onfit.errors import ArgumentError, ArgumentTypeError, did_you_mean, refusal_of_names

Activation = Callable[[Tensor], Tensor]


def linear(x: Tensor) -> Tensor:
    """`x` itself."""
    return x


def relu(x: Tensor) -> Tensor:
    """max(x, 0)."""
    return torch.relu(x)


def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """exp(x) over its sum along `axis`."""
    return torch.softmax(x, dim=axis)


def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """The logarithm of `softmax`, without its underflow."""
    return torch.log_softmax(x, dim=axis)


def sigmoid(x: Tensor) -> Tensor:
    """1 / (1 + exp(-x))."""
    return torch.sigmoid(x)


def hard_sigmoid(x: Tensor) -> Tensor:
    """The piecewise linear approximation relu6(x + 3) / 6."""
    return F.hardsigmoid(x)


def tanh(x: Tensor) -> Tensor:
    """The hyperbolic tangent."""
    return torch.tanh(x)


def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """x where positive, alpha * (exp(x) - 1) elsewhere."""
    return F.elu(x, alpha)


def selu(x: Tensor) -> Tensor:
    """The self-normalising `elu`."""
    return F.selu(x)


def gelu(x: Tensor, approximate: bool = False) -> Tensor:
    """x times the normal distribution function of x."""
    return F.gelu(x, approximate="tanh" if approximate else "none")


def silu(x: Tensor) -> Tensor:
    """x * sigmoid(x), also called swish."""
    return F.silu(x)


def softplus(x: Tensor) -> Tensor:
    """log(1 + exp(x))."""
    return F.softplus(x)


def softsign(x: Tensor) -> Tensor:
    """x / (1 + |x|)."""
    return F.softsign(x)


def exponential(x: Tensor) -> Tensor:
    """exp(x)."""
    return torch.exp(x)


def leaky_relu(x: Tensor, negative_slope: float = 0.2) -> Tensor:
    """x where positive, negative_slope * x elsewhere."""
    return F.leaky_relu(x, negative_slope)


def relu6(x: Tensor) -> Tensor:
    """`relu` cut off at 6."""
    return F.relu6(x)


def mish(x: Tensor) -> Tensor:
    """x * tanh(softplus(x))."""
    return F.mish(x)


def _name_of(function: Activation) -> str:
    return str(getattr(function, "__name__", ""))


_FUNCTIONS: tuple[Activation, ...] = (
    linear, relu, softmax, log_softmax, sigmoid, hard_sigmoid, tanh, elu, selu, gelu, silu,
    softplus, softsign, exponential, leaky_relu, relu6, mish,
)  # fmt: skip
_NAMED = {_name_of(function): function for function in _FUNCTIONS} | {"swish": silu}

# torch's functions that compute the same. They are replaced by ours, so that a loss recognizes
# the activation before it.
_TORCH: dict[object, Activation] = {
    torch.relu: relu, F.relu: relu, torch.sigmoid: sigmoid, F.sigmoid: sigmoid,
    torch.tanh: tanh, F.tanh: tanh,
}  # fmt: skip


def get(identifier: str | Activation | None) -> Activation:
    """The activation of that name; a callable is returned as it is, and None means `linear`.

    Raises:
        ArgumentError: for an unknown name.

    >>> get("relu") is relu
    True
    """
    if identifier is None:
        return linear
    if isinstance(identifier, str):
        if identifier not in _NAMED:
            raise ArgumentError(
                f"activation={identifier!r} is not known. Pass a callable, or one of "
                f"{', '.join(sorted(_NAMED))}.{did_you_mean(identifier, _NAMED)}"
            )
        return _NAMED[identifier]
    if callable(identifier):
        known = isinstance(identifier, Hashable) and _TORCH.get(identifier)
        return known or identifier
    raise ArgumentTypeError(
        f"activation is a name or a callable; got {identifier!r} of type "
        f"{type(identifier).__name__}."
    )


def serialize(activation: Activation) -> str | None:
    """The name under which `get` finds `activation`; None if it has none."""
    name = _name_of(activation)
    return name if _NAMED.get(name) is activation else None


if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others
    __getattr__ = refusal_of_names(__name__, [*_NAMED, get.__name__, serialize.__name__])
