"""Evaluating in the middle of training without leaving a trace."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def evaluating(net: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; afterwards every submodule's mode and the random
    generators are as they were, one by one (some may have been frozen on purpose).
    """
    modes = [(module, module.training) for module in net.modules()]
    devices = _cuda_devices(net)
    with torch.random.fork_rng(devices, enabled=True), torch.no_grad():
        net.eval()
        try:
            yield
        finally:
            for module, training in modes:
                module.training = training


def _cuda_devices(net: nn.Module) -> list[int]:
    """The GPUs whose generators a forward pass of `net` could use."""
    used = {tensor.device for tensor in (*net.parameters(), *net.buffers())}
    return sorted(device.index or 0 for device in used if device.type == "cuda")
