"""What metrics do with values and weights."""

import torch
from torch import Tensor


def quotient(numerator: Tensor, denominator: Tensor | int) -> Tensor:
    """One over the other; 0 where the denominator is 0."""
    denominator = beside(numerator, denominator)
    return torch.where(denominator == 0, 0.0, numerator / denominator)


def beside(tensor: Tensor, number: Tensor | float) -> Tensor:
    """A number on the device of `tensor`: made there, since a copy would be waited for."""
    if isinstance(number, Tensor):
        return number.to(tensor.device)
    return tensor.new_full((), number)


def without_last_ones(weight: Tensor) -> Tensor:
    """A weight for each sample of shape (n,), where it came as (n, 1)."""
    while weight.ndim > 1 and weight.shape[-1] == 1:
        weight = weight.squeeze(-1)
    return weight


def per_sample(values: Tensor) -> Tensor:
    """The means over all axes but the first."""
    return down_to(1, values)


def down_to(axes: int, values: Tensor) -> Tensor:
    """The means over all but the first axes."""
    return values.flatten(axes).mean(-1) if values.ndim > axes else values


def wide(device: torch.device) -> torch.dtype:
    """Doubles, where the device has them."""
    return torch.float32 if device.type == "mps" else torch.float64
