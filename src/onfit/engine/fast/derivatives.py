"""Derivatives of plain layers and activations, by the kernels that torch's engine calls.

The same kernels get the same numbers, so the results are the engine's to the last bit.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import torch
from torch import Tensor

from onfit import activations
from onfit.engine.fast.conditions import is_unpatched
from onfit.layers import Activation, Dense, Dropout, Flatten, Layer
from onfit.layers.activated import Activated, as_weight

# Memory for the gradient of a parameter, where there is some, by the parameter's `id`: a tensor as
# a key would be hashed in Python.
Memory = Mapping[int, Tensor]
# Takes the gradient of the loss by a layer's outputs, whether the gradient by its inputs is
# needed, and memory. Gives the gradient by the inputs, if it is needed, and those by the layer's
# parameters.
Pullback = Callable[[Tensor, bool, Memory], tuple[Tensor, list[Tensor]]]
# Computes the outputs of a layer, with its activation or without, and gives its pullback, too.
Rule = Callable[[Any, Tensor, bool], tuple[Tensor, Pullback]]
# Takes the gradient by an activation's outputs, and these outputs. Gives the gradient by its
# inputs.
Derivative = Callable[[Tensor, Tensor], Tensor]

_kernels = torch.ops.aten
_of_relu = _kernels.threshold_backward.default
_of_sigmoid = _kernels.sigmoid_backward.default
_of_tanh = _kernels.tanh_backward.default


def rule_of(layer: Any, activated: bool) -> Rule | None:
    """The rule for a layer; None if there is no rule for layers like it.

    Args:
        layer: a layer, or any torch module.
        activated: whether it is to compute with its activation.
    """
    if isinstance(layer, Layer) and not layer.calls_forward_alone:
        return None
    if isinstance(layer, (Dropout, Flatten)) and not layer.is_plain:
        return None
    if activated and isinstance(layer, Activated) and not _has_derivative(layer.activation):
        return None
    return _RULES.get(type(layer)) if is_unpatched(layer) else None


def _dense(layer: Dense, x: Tensor, activated: bool) -> tuple[Tensor, Pullback]:
    weights: list[Any] = list(layer._parameters.values())  # the quick way to them, see Dense
    kernel, *bias = weights
    x = as_weight(x, kernel)
    sums = torch.addmm(bias[0], x, kernel) if bias else torch.mm(x, kernel)
    outputs, derivative = _through_activation(layer, sums, activated)

    def pullback(gradient: Tensor, onward: bool, memory: Memory) -> tuple[Tensor, list[Tensor]]:
        gradient = derivative(gradient, outputs)
        own = [
            _by_kernel(x, kernel, gradient, memory.get(id(kernel))),
            *[gradient.sum(0) for _ in bias],
        ]
        return torch.mm(gradient, kernel.t()) if onward else gradient, own

    return outputs, pullback


def _by_kernel(x: Tensor, kernel: Tensor, gradient: Tensor, memory: Tensor | None) -> Tensor:
    """The gradient by a kernel, which lies in memory as the kernel does."""
    if kernel.stride() == (1, kernel.size(0)):
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
    """The outputs of a layer's activation, and its derivative."""
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
