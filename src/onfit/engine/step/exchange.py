"""Gradients of several processes, brought together before the optimizer uses them."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import chain
from typing import Any
from zlib import crc32

import torch
import torch.distributed as dist
from torch import Tensor, nn

from onfit.engine.data.arrays import Samples
from onfit.engine.data.shares import weight_of
from onfit.engine.data.source import size_of
from onfit.engine.placing import sent
from onfit.engine.torch_processes import connected
from onfit.layers.wrappers import in_ddp

Gradients = Sequence[Tensor | None]

# What a layer measures of its batches, and not what it learns.
_RUNNING = ("running_mean", "running_var", "moving_mean", "moving_variance")


class Exchange:
    """Makes the gradients of a whole batch of those that each process has of its share.

    All is added up in one buffer: each gradient times this process' samples, and the samples. So
    shares may be of different sizes, or empty. The running statistics of normalizations are brought
    together with them. A copy or a pickle of what holds it has None in its place.

    Where gradients accumulate, they may wait for the last batch of the accumulation; the running
    statistics do not, since a validation may come before that.

    Args:
        model: what is trained.

    Attributes:
        samples: how many samples this process has of the batch that is under way.
        weight: what the mean over these counts in the mean of the means of all processes.
        waits: as in `accumulation.BringsTogether`.
    """

    waits = False

    def __init__(self, model: nn.Module) -> None:
        self.samples, self.weight = 1, 1.0
        self._running = running_statistics(model)

    def of(self, batch: Samples) -> None:
        """The next gradients are those of this batch."""
        self.samples, self.weight = size_of(batch), weight_of(batch)

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        return type(None), ()

    def __call__(
        self, params: Sequence[Tensor], grads: Gradients, later: bool = False
    ) -> Gradients:
        """The gradients of the whole batch; None where no process has one."""
        if not params:
            return grads
        device = params[0].device
        if later and self.waits:
            if self._running:
                _put_back(self._running, means_of_all(self._running, self.samples, device))
            return [None if grad is None else grad * self.weight for grad in grads]
        known = sent(torch.tensor([float(grad is not None) for grad in grads]), device)
        each = [
            *(torch.zeros_like(p) if g is None else g for p, g in zip(params, grads, strict=True)),
            *self._running,
            known,
        ]
        *parts, had = means_of_all(each, self.samples, device)
        _put_back(self._running, parts[len(params) :])
        found = [part.to(p) for p, part in zip(params, parts, strict=False)]
        return _where_any_has_one(found, had, grads)

    def sums(self, grads: Gradients, waiting: Sequence[Tensor]) -> Gradients:
        """The last gradients of an accumulation and those that wait, together, in all processes."""
        if not waiting:
            return grads
        known = sent(torch.tensor([float(grad is not None) for grad in grads]), waiting[0].device)
        pairs = zip(grads, waiting, strict=True)
        each = [before if grad is None else grad + before for grad, before in pairs]
        *sums, had = means_of_all([*each, known], 1, waiting[0].device)
        found = [total.to(before) for total, before in zip(sums, waiting, strict=True)]
        return _where_any_has_one(found, had, grads)

    def bring_together(self, waiting: Sequence[Tensor]) -> None:
        """Give all processes the mean of what waits, in place."""
        if waiting:
            _put_back(waiting, means_of_all(waiting, 1, waiting[0].device))


class OfWrapper:
    """What stands in the place of an `Exchange` where DDP brings the gradients together.

    Args:
        wrappers: the parts of the model that DDP has wrapped.
    """

    waits = False

    def __init__(self, wrappers: Sequence[Any]) -> None:
        self._wrappers = wrappers

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        return type(None), ()

    def __call__(
        self, params: Sequence[Tensor], grads: Gradients, later: bool = False
    ) -> Gradients:
        return grads

    def sums(self, grads: Gradients, waiting: Sequence[Tensor]) -> Gradients:
        """The last gradients of an accumulation: DDP has added those that wait to them."""
        return grads

    def bring_together(self, waiting: Sequence[Tensor]) -> None:
        """Give all processes the mean of what waits, in place."""
        if waiting:
            group = self._wrappers[0].process_group
            _put_back(waiting, means_of_all(waiting, 1, waiting[0].device, group))

    def later(self) -> AbstractContextManager[Any]:
        """A `with` block in which gradients stay this process' own."""
        stack = ExitStack()
        for wrapper in self._wrappers:
            stack.enter_context(wrapper.no_sync())
        return stack


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


@contextmanager
def called_alone(net: nn.Module) -> Iterator[None]:
    """A `with` block in which one process may call a net, back and forth, without the others: DDP
    brings together neither gradients nor buffers.
    """
    wrappers = in_ddp(net)
    before = [wrapper.require_forward_param_sync for wrapper in wrappers]
    with OfWrapper(wrappers).later():
        for wrapper in wrappers:
            wrapper.require_forward_param_sync = False
        try:
            yield
        finally:
            for wrapper, its in zip(wrappers, before, strict=True):
                wrapper.require_forward_param_sync = its


def running_statistics(model: nn.Module) -> list[Tensor]:
    """The buffers of a model in which its normalizations keep what they have measured."""
    return [
        buffer
        for module in model.modules()
        for name, buffer in module.named_buffers(recurse=False)
        if name in _RUNNING
    ]


def means_of_all(
    tensors: Sequence[Tensor], samples: int, device: torch.device, group: Any = None
) -> Sequence[Tensor]:
    """The means of tensors over all processes, in each of which they count by its samples."""
    kind = _widest(tensors)
    each = [*tensors, torch.ones(1, device=device)]
    flat = torch.cat([_flat(tensor).to(device, kind) for tensor in each]).mul_(samples)
    dist.all_reduce(flat, group=group)
    flat /= flat[-1].clone()
    *parts, _ = torch.split(flat, [tensor.numel() for tensor in each])
    return [part.view(tensor.shape) for part, tensor in zip(parts, tensors, strict=True)]


def bring_gradients_together(net: nn.Module) -> None:
    """Let `.grad` be the same in all processes, where DDP is yet to bring it together: in a loop of
    a user's own, within `no_sync`. It takes the mean of what it finds, so the step stays the same.
    All processes call this.
    """
    together = connected()
    if together is None or not in_ddp(net):
        return
    params = [p for p in net.parameters() if p.grad is None or p.grad.layout is torch.strided]
    marks = [None if param.grad is None else _mark_of(param.grad) for param in params]
    each = together.of_all(marks, "the gradients that wait for a step")
    if all(one == marks for one in each):
        return
    pending = [p for p, *its in zip(params, *each, strict=True) if any(m is not None for m in its)]
    for param in pending:
        if param.grad is None:
            param.grad = torch.zeros_like(param)
    grads = [param.grad for param in pending if param.grad is not None]
    _put_back(grads, means_of_all(grads, 1, grads[0].device))


def _mark_of(grad: Tensor) -> int:
    held = _flat(grad.detach()).to("cpu").contiguous()
    return crc32(held.view(torch.uint8).numpy().tobytes())


def share_weights(model: nn.Module) -> None:
    """Give all processes the weights of the main one."""
    with torch.no_grad():
        for tensor in chain(model.parameters(), model.buffers()):
            held = tensor.contiguous()
            dist.broadcast(held, src=0)
            if held is not tensor:
                tensor.copy_(held)


def _where_any_has_one(found: list[Tensor], had: Tensor, grads: Gradients) -> Gradients:
    """What was found; None where no process has a gradient. `grads` are those of this process."""
    if all(grad is not None for grad in grads):
        return found
    return [one if some else None for one, some in zip(found, had.tolist(), strict=True)]


def _put_back(tensors: Sequence[Tensor], values: Sequence[Tensor]) -> None:
    for tensor, value in zip(tensors, values, strict=False):
        tensor.copy_(value)


def _widest(tensors: Sequence[Tensor]) -> torch.dtype:
    """Single precision, or double if one of them has it: halves do not add up well."""
    double = any(tensor.dtype is torch.float64 for tensor in tensors)
    return torch.float64 if double else torch.float32


def _flat(tensor: Tensor) -> Tensor:
    return (tensor.to_dense() if tensor.is_sparse else tensor).reshape(-1)
