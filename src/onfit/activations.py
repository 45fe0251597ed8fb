"""Activation functions by Keras' names, on torch tensors."""

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from onfit._types import Identifier
from onfit.errors import ArgumentError, ArgumentTypeError, did_you_mean, refusal_of_names
from onfit.registered import named

Activation = Callable[[Tensor], Tensor]


def linear(x: Tensor) -> Tensor:
    """`x` itself."""
    return x


def relu(
    x: Tensor,
    negative_slope: float = 0.0,
    max_value: float | None = None,
    threshold: float = 0.0,
    *,
    alpha: float | None = None,
) -> Tensor:
    """max(x, 0), and its variants.

    Args:
        x: a tensor.
        negative_slope: the slope below the threshold.
        max_value: the largest value that comes out; None for no limit.
        threshold: what is not above it is 0, or lies on the negative slope.
        alpha: Keras 2's name of `negative_slope`.

    Example:
        >>> relu(torch.tensor([-1.0, 2.0, 9.0]), negative_slope=0.5, max_value=6)
        tensor([-0.5000,  2.0000,  6.0000])
    """
    slope = negative_slope if alpha is None else alpha
    if slope == 0 and max_value is None and threshold == 0:
        return torch.relu(x)
    above = torch.where(x > threshold, x, torch.zeros_like(x))
    if max_value is not None:
        above = above.clamp(0, max_value)
    return above - slope * torch.relu(threshold - x) if slope else above


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


def celu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """x where positive, alpha * (exp(x / alpha) - 1) elsewhere."""
    return F.celu(x, alpha)


def glu(x: Tensor, axis: int = -1) -> Tensor:
    """The first half along `axis` times the sigmoid of the second half."""
    return F.glu(x, axis)


def hard_shrink(x: Tensor, threshold: float = 0.5) -> Tensor:
    """x where |x| is above the threshold, 0 elsewhere."""
    return F.hardshrink(x, threshold)


def soft_shrink(x: Tensor, threshold: float = 0.5) -> Tensor:
    """x brought nearer to 0 by `threshold`."""
    return F.softshrink(x, threshold)


def tanh_shrink(x: Tensor) -> Tensor:
    """x - tanh(x)."""
    return F.tanhshrink(x)


def hard_silu(x: Tensor) -> Tensor:
    """x * hard_sigmoid(x), also called hard_swish."""
    return F.hardswish(x)


def hard_tanh(x: Tensor) -> Tensor:
    """x cut off at -1 and 1."""
    return F.hardtanh(x)


def log_sigmoid(x: Tensor) -> Tensor:
    """The logarithm of `sigmoid`, without its underflow."""
    return F.logsigmoid(x)


def sparse_plus(x: Tensor) -> Tensor:
    """0 up to -1, x from 1 on, (x + 1)^2 / 4 between them."""
    return torch.where(x >= 1, x, (x.clamp(-1, 1) + 1).square() / 4)


def sparse_sigmoid(x: Tensor) -> Tensor:
    """0 up to -1, 1 from 1 on, (x + 1) / 2 between them."""
    return (x.clamp(-1, 1) + 1) / 2


def squareplus(x: Tensor, b: float = 4) -> Tensor:
    """(x + sqrt(x^2 + b)) / 2."""
    return (x + torch.sqrt(torch.square(x) + b)) / 2


def sparsemax(x: Tensor, axis: int = -1) -> Tensor:
    """A `softmax` whose small values are 0 (Martins and Astudillo, 2016)."""
    logits = x.movedim(axis, -1)
    ordered = logits.sort(dim=-1, descending=True).values
    counts = torch.arange(1, logits.shape[-1] + 1, device=x.device, dtype=x.dtype)
    sums = ordered.cumsum(-1)
    support = (1 + counts * ordered > sums).sum(-1, keepdim=True)
    limit = (sums.gather(-1, support - 1) - 1) / support
    return torch.relu(logits - limit).movedim(-1, axis)


def threshold(x: Tensor, threshold: float, default_value: float) -> Tensor:
    """x where it is above the threshold, `default_value` elsewhere."""
    return F.threshold(x, threshold, default_value)


def _name_of(function: Activation) -> str:
    return str(getattr(function, "__name__", ""))


_FUNCTIONS: tuple[Activation, ...] = (
    linear, relu, softmax, log_softmax, sigmoid, hard_sigmoid, tanh, elu, selu, gelu, silu,
    softplus, softsign, exponential, leaky_relu, relu6, mish, celu, glu, hard_shrink, soft_shrink,
    tanh_shrink, hard_silu, hard_tanh, log_sigmoid, sparse_plus, sparse_sigmoid, squareplus,
    sparsemax,
)  # fmt: skip
swish, hard_swish = silu, hard_silu
_NAMED = {_name_of(function): function for function in _FUNCTIONS} | {
    "swish": silu,
    "hard_swish": hard_silu,
}

# torch's functions that compute the same. They are replaced by ours, so that a loss recognizes
# the activation before it.
_TORCH: dict[object, Activation] = {
    torch.relu: relu, F.relu: relu, torch.sigmoid: sigmoid, F.sigmoid: sigmoid,
    torch.tanh: tanh, F.tanh: tanh,
}  # fmt: skip


def get(identifier: Identifier | None) -> Activation:
    """The activation of that name; a callable is returned as it is, and None means `linear`.

    Args:
        identifier: a name, a function of a tensor, or what Keras writes for one of its functions.

    Raises:
        ArgumentError: for an unknown name.

    >>> get("relu") is relu
    True
    """
    if identifier is None:
        return linear
    identifier = named(identifier)
    if isinstance(identifier, dict) and isinstance(identifier.get("config"), str):
        identifier = identifier["config"]  # Keras 3 writes a function with its name as "config"
    if isinstance(identifier, str):
        if identifier not in _NAMED:
            raise ArgumentError(
                f"activation={identifier!r} is not known. Pass a callable, or one of "
                f"{', '.join(sorted(_NAMED))}.{did_you_mean(identifier, _NAMED)}"
            )
        return _NAMED[identifier]
    if callable(identifier):
        if isinstance(identifier, Hashable) and identifier in _TORCH:
            return _TORCH[identifier]
        found: Activation = identifier
        return found
    raise ArgumentTypeError(
        f"activation is a name or a callable; got {identifier!r} of type "
        f"{type(identifier).__name__}."
    )


def serialize(activation: Activation) -> str | None:
    """The name under which `get` finds `activation`; None if it has none."""
    name = _name_of(activation)
    return name if _NAMED.get(name) is activation else None


deserialize = get

if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others
    __getattr__ = refusal_of_names(__name__, [*_NAMED, "get", "serialize", "deserialize"])
