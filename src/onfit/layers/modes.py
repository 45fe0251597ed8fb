"""Evaluating in the middle of training without leaving a trace."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn


@contextmanager
def evaluating(net: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; afterwards every submodule is in the mode it was in
    (some may have been frozen on purpose), and all random generators go on as if nothing had
    been drawn.
    """
    modes = [(module, module.training) for module in net.modules()]
    with _generators_kept(net), torch.no_grad():
        net.eval()
        try:
            yield
        finally:
            for module, training in modes:
                module.training = training


@contextmanager
def training(net: nn.Module) -> Iterator[None]:
    """Training mode; afterwards every submodule is in the mode it was in."""
    modes = [(module, module.training) for module in net.modules()]
    net.train()
    try:
        yield
    finally:
        for module, was in modes:
            module.training = was


@contextmanager
def _generators_kept(net: nn.Module) -> Iterator[None]:
    python, numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(_cuda_devices(net)):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


def _cuda_devices(net: nn.Module) -> list[int]:
    """The GPUs whose generators a forward pass of `net` could use."""
    used = {tensor.device for tensor in (*net.parameters(), *net.buffers())}
    return sorted(device.index or 0 for device in used if device.type == "cuda")
