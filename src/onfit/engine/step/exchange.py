"""Gradients of several processes, brought together before the optimizer uses them."""

from collections.abc import Sequence
from itertools import chain

import torch
import torch.distributed as dist
from torch import Tensor, nn

Gradients = Sequence[Tensor | None]

# What a layer measures of its batches, and not what it learns.
_RUNNING = ("running_mean", "running_var", "moving_mean", "moving_variance")


class Exchange:
    """Makes the gradients of a whole batch of those that each process has of its share.

    All is added up in one buffer: each gradient times this process' samples, and the samples. So
    shares may be of different sizes, or empty. The running statistics of normalizations are brought
    together with them. A copy or a pickle of what holds it has None in its place.

    Args:
        model: what is trained.

    Attributes:
        samples: how many samples this process has of the batch that is under way.
    """

    def __init__(self, model: nn.Module) -> None:
        self.samples = 0
        self._running = [
            buffer
            for module in model.modules()
            for name, buffer in module.named_buffers(recurse=False)
            if name in _RUNNING
        ]

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        return type(None), ()

    def __call__(self, params: Sequence[Tensor], grads: Gradients) -> Gradients:
        """The gradients of the whole batch; None where no process has one."""
        if not params:
            return grads
        device, kind = params[0].device, _widest([*params, *self._running])
        known = torch.tensor([float(grad is not None) for grad in grads], device=device)
        each = [
            *(torch.zeros_like(p) if g is None else g for p, g in zip(params, grads, strict=True)),
            *self._running,
            known,
            torch.ones(1, device=device),
        ]
        flat = torch.cat([_flat(tensor).to(device, kind) for tensor in each]).mul_(self.samples)
        dist.all_reduce(flat)
        flat /= flat[-1].clone()
        parts = torch.split(flat, [tensor.numel() for tensor in each])
        for buffer, part in zip(self._running, parts[len(params) :], strict=False):
            buffer.copy_(part.view_as(buffer))
        found = [part.view(p.shape).to(p) for p, part in zip(params, parts, strict=False)]
        if all(grad is not None for grad in grads):
            return found
        return [g if had else None for g, had in zip(found, parts[-2].tolist(), strict=True)]


def share_weights(model: nn.Module) -> None:
    """Give all processes the weights of the main one."""
    with torch.no_grad():
        for tensor in chain(model.parameters(), model.buffers()):
            held = tensor.contiguous()
            dist.broadcast(held, src=0)
            if held is not tensor:
                tensor.copy_(held)


def _widest(tensors: Sequence[Tensor]) -> torch.dtype:
    """Single precision, or double if one of them has it: halves do not add up well."""
    double = any(tensor.dtype is torch.float64 for tensor in tensors)
    return torch.float64 if double else torch.float32


def _flat(tensor: Tensor) -> Tensor:
    return (tensor.to_dense() if tensor.is_sparse else tensor).reshape(-1)
