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
        self.samples = 1
        self._running = running_statistics(model)

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        return type(None), ()

    def __call__(self, params: Sequence[Tensor], grads: Gradients) -> Gradients:
        """The gradients of the whole batch; None where no process has one."""
        if not params:
            return grads
        device = params[0].device
        known = torch.tensor([float(grad is not None) for grad in grads], device=device)
        each = [
            *(torch.zeros_like(p) if g is None else g for p, g in zip(params, grads, strict=True)),
            *self._running,
            known,
        ]
        *parts, had = means_of_all(each, self.samples, device)
        _put_back(self._running, parts[len(params) :])
        found = [part.to(p) for p, part in zip(params, parts, strict=False)]
        if all(grad is not None for grad in grads):
            return found
        return [g if some else None for g, some in zip(found, had.tolist(), strict=True)]


class Statistics:
    """Brings the running statistics of a model's normalizations together after each step.

    Args:
        model: what is trained.
    """

    def __init__(self, model: nn.Module) -> None:
        self._running = running_statistics(model)

    def bring_together(self, samples: int) -> None:
        """Give all processes the means of theirs, by their `samples` of the batch."""
        if self._running:
            device = self._running[0].device
            _put_back(self._running, means_of_all(self._running, samples, device))


def running_statistics(model: nn.Module) -> list[Tensor]:
    """The buffers of a model in which its normalizations keep what they have measured."""
    return [
        buffer
        for module in model.modules()
        for name, buffer in module.named_buffers(recurse=False)
        if name in _RUNNING
    ]


def means_of_all(tensors: Sequence[Tensor], samples: int, device: torch.device) -> Sequence[Tensor]:
    """The means of tensors over all processes, in each of which they count by its samples."""
    kind = _widest(tensors)
    each = [*tensors, torch.ones(1, device=device)]
    flat = torch.cat([_flat(tensor).to(device, kind) for tensor in each]).mul_(samples)
    dist.all_reduce(flat)
    flat /= flat[-1].clone()
    *parts, _ = torch.split(flat, [tensor.numel() for tensor in each])
    return [part.view(tensor.shape) for part, tensor in zip(parts, tensors, strict=True)]


def share_weights(model: nn.Module) -> None:
    """Give all processes the weights of the main one."""
    with torch.no_grad():
        for tensor in chain(model.parameters(), model.buffers()):
            held = tensor.contiguous()
            dist.broadcast(held, src=0)
            if held is not tensor:
                tensor.copy_(held)


def _put_back(tensors: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    for tensor, value in zip(tensors, values, strict=False):
        tensor.copy_(value)


def _widest(tensors: Sequence[Tensor]) -> torch.dtype:
    """Single precision, or double if one of them has it: halves do not add up well."""
    double = any(tensor.dtype is torch.float64 for tensor in tensors)
    return torch.float64 if double else torch.float32


def _flat(tensor: Tensor) -> Tensor:
    return (tensor.to_dense() if tensor.is_sparse else tensor).reshape(-1)
