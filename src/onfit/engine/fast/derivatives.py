"""Derivatives of plain layers, activations and losses, by the kernels that torch's engine calls.

The same kernels with the same numbers: what they give is the engine's to the last bit.
"""

import functools
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from onfit import activations
from onfit.layers import Activation, Dense, Dropout, Flatten
from onfit.layers.activated import Activated, as_weight
from onfit.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Loss,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
)
from onfit.losses.crossentropy import NO_CLASS, class_indices
from onfit.losses.loss import aligned

# Memory to write the gradient of a parameter to, where there is some.
Memory = Mapping[Tensor, Tensor]
# Takes the loss's gradient by what came out of a layer, whether to go on, and memory; gives the
# gradient by what went in, if it is to go on, and those by the layer's parameters.
Pullback = Callable[[Tensor, bool, Memory], tuple[Tensor, list[Tensor]]]
# Lets a layer compute, with its activation or without.
Rule = Callable[[Any, Tensor, bool], tuple[Tensor, Pullback]]
# Of the gradient by what came out of an activation, and of that itself, the gradient by what
# went in.
Derivative = Callable[[Tensor, Tensor], Tensor]
# The mean loss of targets and outputs, and its gradient by the outputs.
Slope = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]

_kernels = torch.ops.aten
_of_relu = _kernels.threshold_backward.default
_of_sigmoid = _kernels.sigmoid_backward.default
_of_tanh = _kernels.tanh_backward.default
_of_log_softmax = torch._log_softmax_backward_data
_nll = _kernels.nll_loss_forward.default
_of_nll = _kernels.nll_loss_backward.default
_of_mse = _kernels.mse_loss_backward.default

_MEAN = 1  # the kernels' word for it


def is_its_class(thing: Any) -> bool:
    """Whether nobody has put something in the place of one of its methods."""
    return not any(callable(getattr(type(thing), name, None)) for name in vars(thing))


# --- layers ------------------------------------------------------------------------------


def rule_of(layer: Any, activated: bool) -> Rule | None:
    """What lets a layer compute and knows the way back; None where nobody has written it.

    Args:
        layer: a layer, or any torch module.
        activated: whether it is to compute with its activation.
    """
    if isinstance(layer, Dropout) and not layer.is_plain:
        return None
    if activated and isinstance(layer, Activated) and not _has_derivative(layer.activation):
        return None
    return _RULES.get(type(layer)) if is_its_class(layer) else None


def _dense(layer: Dense, x: Tensor, activated: bool) -> tuple[Tensor, Pullback]:
    weights: list[Any] = list(layer._parameters.values())  # the quick way to them, see Dense
    kernel, *bias = weights
    x = as_weight(x, kernel)
    sums = torch.addmm(bias[0], x, kernel) if bias else torch.mm(x, kernel)
    outputs, derivative = _through_activation(layer, sums, activated)

    def pullback(gradient: Tensor, onward: bool, memory: Memory) -> tuple[Tensor, list[Tensor]]:
        gradient = derivative(gradient, outputs)
        own = [
            _by_kernel(x, kernel, gradient, memory.get(kernel)),
            *[gradient.sum(0) for _ in bias],
        ]
        return torch.mm(gradient, kernel.t()) if onward else gradient, own

    return outputs, pullback


def _by_kernel(x: Tensor, kernel: Tensor, gradient: Tensor, memory: Tensor | None) -> Tensor:
    """The gradient by a kernel, which lies in memory as the kernel does."""
    if kernel.stride() == (1, len(kernel)):
        return torch.mm(gradient.t(), x, out=None if memory is None else memory.t()).t()
    return torch.mm(x.t(), gradient, out=memory)


def _activation(layer: Activation, x: Tensor, activated: bool) -> tuple[Tensor, Pullback]:
    outputs, derivative = _through_activation(layer, x, activated)
    return outputs, lambda gradient, *_: (derivative(gradient, outputs), [])


def _dropout(layer: Dropout, x: Tensor, activated: bool) -> tuple[Tensor, Pullback]:
    if not layer.training or not layer.rate:
        return x, lambda gradient, *_: (gradient, [])
    kept = 1 - layer.rate
    factors = torch.empty_like(x).bernoulli_(kept).div_(kept)
    return x * factors, lambda gradient, *_: (gradient * factors, [])


def _flatten(layer: Flatten, x: Tensor, activated: bool) -> tuple[Tensor, Pullback]:
    return layer.forward(x), lambda gradient, *_: (gradient.view_as(x), [])


def _has_derivative(activation: activations.Activation) -> bool:
    return isinstance(activation, Hashable) and activation in _DERIVATIVES


def _through_activation(
    layer: Dense | Activation, x: Tensor, activated: bool
) -> tuple[Tensor, Derivative]:
    """What a layer's activation gives, and its derivative."""
    activation = layer.activation if activated else activations.linear
    derivative = _DERIVATIVES[activation]
    return activation(x), derivative


_RULES: dict[type, Rule] = {
    Activation: _activation,
    Dense: _dense,
    Dropout: _dropout,
    Flatten: _flatten,
}

_DERIVATIVES: dict[activations.Activation, Derivative] = {
    activations.linear: lambda gradient, output: gradient,
    activations.relu: lambda gradient, output: _of_relu(gradient, output, 0),
    activations.sigmoid: _of_sigmoid,
    activations.tanh: _of_tanh,
}


# --- losses ------------------------------------------------------------------------------


def slope_of(loss: Loss, on_logits: bool) -> Slope | None:
    """The mean of a loss without weights, with its gradient; None where nobody has written it.

    Args:
        loss: that of an output.
        on_logits: whether it is shown what comes before the output's activation.
    """
    if getattr(loss, "label_smoothing", 0.0) or not loss.takes_mean:
        return None
    sees_logits = on_logits or getattr(loss, "from_logits", False)
    return _SLOPES.get((type(loss), sees_logits)) if is_its_class(loss) else None


def _squared_error(y: Tensor, outputs: Tensor) -> tuple[Tensor, Tensor]:
    y, outputs = aligned(y, outputs)
    mean = F.mse_loss(outputs, y)
    return mean, _of_mse(_one(mean.dtype), outputs, y, _MEAN)


def _binary_crossentropy(y: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
    y, logits = aligned(y, logits)
    mean = F.binary_cross_entropy_with_logits(logits, y)
    return mean, torch.sigmoid(logits).sub_(y).div_(logits.numel())


def _crossentropy(y: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
    y, logits = aligned(y, logits)
    logs = torch.log_softmax(logits, 1)
    mean = (-(y * logs).sum(1)).mean()
    by_logs = y * (_one(mean.dtype) / -len(y))
    return mean, _of_log_softmax(by_logs, logs, 1, logs.dtype)


def _sparse_crossentropy(y: Tensor, logits: Tensor) -> tuple[Tensor, Tensor]:
    labels, logs = class_indices(y, logits), torch.log_softmax(logits, 1)
    mean, count = _nll(logs, labels, None, _MEAN, NO_CLASS)
    by_logs = _of_nll(_one(mean.dtype), logs, labels, None, _MEAN, NO_CLASS, count)
    return mean, _of_log_softmax(by_logs, logs, 1, logs.dtype)


@functools.cache
def _one(dtype: torch.dtype) -> Tensor:
    """The gradient of a loss by itself."""
    return torch.ones((), dtype=dtype)


_SLOPES: dict[tuple[type[Loss], bool], Slope] = {
    (BinaryCrossentropy, True): _binary_crossentropy,
    (CategoricalCrossentropy, True): _crossentropy,
    (MeanSquaredError, False): _squared_error,
    (SparseCategoricalCrossentropy, True): _sparse_crossentropy,
}
