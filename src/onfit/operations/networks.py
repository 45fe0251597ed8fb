"""What nets are made of: activations, classes as rows, and crossentropies."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from onfit import activations
from onfit.dtypes import EPSILON, torch_dtype
from onfit.operations.table import Axis, axes_of, enter, entered

for _function in (
    activations.relu6,
    activations.hard_sigmoid,
    activations.softplus,
    activations.softsign,
    activations.sigmoid,
    activations.selu,
    activations.silu,
):
    enter(_function, "nn")


@entered("nn")
def relu(x: Tensor) -> Tensor:
    """max(x, 0)."""
    return torch.relu(x)


@entered("nn")
def leaky_relu(x: Tensor, negative_slope: float = 0.2) -> Tensor:
    """x where positive, negative_slope * x elsewhere."""
    return F.leaky_relu(x, negative_slope)


@entered("nn")
def elu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """x where positive, alpha * (exp(x) - 1) elsewhere."""
    return F.elu(x, alpha)


@entered("nn")
def celu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """x where positive, alpha * (exp(x / alpha) - 1) elsewhere."""
    return F.celu(x, alpha)


@entered("nn")
def gelu(x: Tensor, approximate: bool = True) -> Tensor:
    """x times the normal distribution function of x."""
    return activations.gelu(x, approximate)


@entered("nn")
def log_sigmoid(x: Tensor) -> Tensor:
    """The logarithm of the sigmoid, without its underflow."""
    return F.logsigmoid(x)


@entered("nn")
def hard_tanh(x: Tensor) -> Tensor:
    """x, cut off at -1 and 1."""
    return F.hardtanh(x)


@entered("nn")
def hard_silu(x: Tensor) -> Tensor:
    """x times the hard sigmoid of x."""
    return F.hardswish(x)


@entered("nn")
def glu(x: Tensor, axis: int = -1) -> Tensor:
    """One half of the values along an axis times the sigmoid of the other half."""
    return F.glu(x, axis)


@entered("nn")
def softmax(x: Tensor, axis: Axis = -1) -> Tensor:
    """exp(x) over its sum along axes."""
    return torch.exp(log_softmax(x, axis)) if not isinstance(axis, int) else x.softmax(axis)


@entered("nn")
def log_softmax(x: Tensor, axis: Axis = -1) -> Tensor:
    """The logarithm of `softmax`, without its underflow."""
    if isinstance(axis, int):
        return x.log_softmax(axis)
    return x - torch.logsumexp(x, axes_of(x, axis), keepdim=True)


@entered("nn")
def one_hot(
    x: Tensor, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Tensor:
    """A row with a one for each whole number; zeros for a number that is no class.

    `sparse` is taken, without effect: what comes out is dense.
    """
    classes = torch.arange(num_classes, device=x.device)
    rows = (x.long()[..., None] == classes).to(torch_dtype(dtype))
    return rows.movedim(-1, axis)


@entered("nn")
def multi_hot(
    inputs: Tensor, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False
) -> Tensor:
    """A row for each sample, with a one for each of its whole numbers."""
    classes = torch.arange(num_classes, device=inputs.device)
    among = 1 if inputs.ndim > 1 else 0
    rows = (inputs.long()[..., None] == classes).any(among).to(torch_dtype(dtype))
    return rows.movedim(-1, axis)


@entered("nn")
def normalize(x: Tensor, axis: Any = -1, order: Any = 2, epsilon: float | None = None) -> Tensor:
    """The values over their length along an axis."""
    return F.normalize(x, order, axis, EPSILON if epsilon is None else epsilon)


@entered("nn")
def binary_crossentropy(target: Tensor, output: Tensor, from_logits: bool = False) -> Tensor:
    """The crossentropy of each value: how far a probability is from a target of 0 or 1."""
    target = target.to(output.dtype)
    if from_logits:
        return F.binary_cross_entropy_with_logits(output, target, reduction="none")
    output = output.clamp(EPSILON, 1 - EPSILON)
    return -(target * output.log() + (1 - target) * (1 - output).log())


@entered("nn")
def categorical_crossentropy(
    target: Tensor, output: Tensor, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """The crossentropy of each sample: rows of classes against probabilities."""
    return -(target * _logarithms(output, from_logits, axis)).sum(axis)


@entered("nn")
def sparse_categorical_crossentropy(
    target: Tensor, output: Tensor, from_logits: bool = False, axis: int = -1
) -> Tensor:
    """The crossentropy of each sample: whole numbers against probabilities."""
    logs = _logarithms(output, from_logits, axis)
    places = target.long()
    if places.ndim == logs.ndim and places.shape[axis] == 1:
        places = places.squeeze(axis)
    return -logs.gather(axis, places.unsqueeze(axis)).squeeze(axis)


def _logarithms(output: Tensor, from_logits: bool, axis: int) -> Tensor:
    if from_logits:
        return output.log_softmax(axis)
    output = output / output.sum(axis, keepdim=True)
    return output.clamp(EPSILON, 1 - EPSILON).log()
