"""Batch normalization over the whole batch, of which each of several processes has a share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from onfit.core.processes import Processes
from onfit.errors import warn
from onfit.layers import BatchNormalization

if TYPE_CHECKING:
    from onfit.engine.model.compilable import Compilable


class Moments:
    """Means and variances over all samples that the processes have of a batch.

    Attributes:
        counts: whether what this process computes now counts. It does not where the process has no
            share, and computes only to take part.
    """

    def __init__(self) -> None:
        self.counts = True

    def of(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The means of the channels, their variances, and how many numbers each is of.

        Args:
            x: of shape (samples, channels, ...).
        """
        axes = [axis for axis in range(x.ndim) if axis != 1]
        factor = float(self.counts)
        here = torch.full((1,), factor * x.numel() / x.shape[1], dtype=x.dtype, device=x.device)
        totals = _added(torch.cat([x.sum(axes) * factor, here]))
        count = totals[-1].detach()
        means = totals[:-1] / count
        # Squares of what is left without the mean: those of large numbers would be rounded.
        variances = _added((x - _broad(means, x)).square().sum(axes) * factor) / count
        return means, variances, count


def _added(tensor: Tensor) -> Tensor:
    added: Tensor = _Added.apply(tensor)  # type: ignore[no-untyped-call]
    return added


class _Added(torch.autograd.Function):
    """The sum over all processes; on the way back, of what all of them need of it."""

    @staticmethod
    def forward(ctx: Any, tensor: Tensor) -> Tensor:
        found = tensor.clone()
        dist.all_reduce(found)
        return found

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        found = grads[0].clone()
        dist.all_reduce(found)
        return found


def moments_for(model: "Compilable", processes: Processes) -> Moments | None:
    """What a model's batch normalizations share, if `compile` was asked for that and several
    processes train the model; else None.
    """
    if not model.sync_batch_norm:
        return None
    if next(_normalizations(model), None) is None:
        warn(
            f"compile(sync_batch_norm=True): {model.described} has no batch normalization, so it "
            "changes nothing. Leave it out."
        )
        return None
    return Moments() if processes.world > 1 else None


@contextmanager
def over_whole_batches(model: "Compilable") -> Iterator[None]:
    """Within, the batch normalizations of a model use its `moments`, if it has any: those of onfit,
    and torch's own.
    """
    moments = model.moments
    if moments is None:
        yield
        return
    patches = [(vars(layer), *_patch_of(layer, moments)) for layer in _normalizations(model)]
    for attributes, name, function in patches:
        attributes[name] = function
    try:
        yield
    finally:
        model.moments = None
        for attributes, name, _ in patches:
            del attributes[name]


def _normalizations(model: nn.Module) -> Iterator[nn.Module]:
    for part in model.modules():
        by_itself = isinstance(part, nn.SyncBatchNorm)
        if isinstance(part, (BatchNormalization, _BatchNorm)) and not by_itself:
            yield part


def _patch_of(layer: Any, moments: Any) -> tuple[str, Callable[..., Tensor]]:
    """The name of a layer's method, and what takes its place."""
    if isinstance(layer, BatchNormalization):
        return "_by_batch", partial(_by_batch, layer, moments)
    return "forward", partial(_forward_of_torch, layer, layer.forward, moments)


def _by_batch(layer: BatchNormalization, moments: Moments, x: Tensor) -> Tensor:
    mean, variance, _ = moments.of(x)
    with torch.no_grad():
        layer.moving_mean.lerp_(mean.to(layer.moving_mean), 1 - layer.momentum)
        layer.moving_variance.lerp_(variance.to(layer.moving_variance), 1 - layer.momentum)
    return _normalized(x, mean, variance, layer.epsilon, layer.gamma, layer.beta)


def _forward_of_torch(
    layer: Any, usual: Callable[[Tensor], Tensor], moments: Moments, x: Tensor
) -> Tensor:
    if not layer.training:
        return usual(x)
    layer._check_input_dim(x)
    mean, variance, count = moments.of(x)
    if layer.track_running_stats:
        with torch.no_grad():
            layer.num_batches_tracked.add_(1)
            momentum = layer.momentum
            rate = 1.0 / float(layer.num_batches_tracked) if momentum is None else momentum
            layer.running_mean.lerp_(mean.to(layer.running_mean), rate)
            unbiased = variance * count / (count - 1)
            layer.running_var.lerp_(unbiased.to(layer.running_var), rate)
    return _normalized(x, mean, variance, layer.eps, layer.weight, layer.bias)


def _normalized(
    x: Tensor,
    mean: Tensor,
    variance: Tensor,
    epsilon: float,
    scale: Tensor | None,
    shift: Tensor | None,
) -> Tensor:
    factor = (variance + epsilon).rsqrt()
    if scale is not None:
        factor = factor * scale
    y = (x - _broad(mean, x)) * _broad(factor, x)
    return y if shift is None else y + _broad(shift, x)


def _broad(of_channels: Tensor, x: Tensor) -> Tensor:
    """Numbers of the channels, in a shape that goes with `x`."""
    return of_channels.view(1, -1, *[1] * (x.ndim - 2))
