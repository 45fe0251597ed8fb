"""Gradients made smaller, on torch's kernels and without waiting for the device."""

import torch
from torch import Tensor

Tensors = list[Tensor]


def clipped(
    grads: Tensors, norm: float | None, global_norm: float | None, value: float | None
) -> Tensors:
    """The gradients, made smaller by whichever of the limits is given."""
    if norm is not None:
        return by_norm(grads, norm)
    if global_norm is not None:
        return by_global_norm(grads, global_norm)
    return grads if value is None else by_value(grads, value)


def by_norm(grads: Tensors, limit: float) -> Tensors:
    """Each gradient scaled so that its own norm is no more than `limit`."""
    norms = torch._foreach_norm(grads)
    return _scaled(grads, limit, torch._foreach_clamp_min(norms, limit))


def by_global_norm(grads: Tensors, limit: float) -> Tensors:
    """All gradients scaled by one factor, so that their common norm is no more than `limit`.

    An infinite norm makes all of them NaN, as in Keras, because no direction can be trusted then.
    """
    norm = torch.linalg.vector_norm(torch.stack(list(torch._foreach_norm(grads))))
    divisor = norm.clamp(min=limit) + (norm - norm)
    return _scaled(grads, limit, [divisor] * len(grads))


def by_value(grads: Tensors, limit: float) -> Tensors:
    """Each number of a gradient cut off at `limit` and at `-limit`."""
    return list(torch._foreach_clamp_max(torch._foreach_clamp_min(grads, -limit), limit))


def _scaled(grads: Tensors, factor: float, divisors: Tensors | tuple[Tensor, ...]) -> Tensors:
    scaled = list(torch._foreach_mul(grads, factor))
    torch._foreach_div_(scaled, list(divisors))
    return scaled
