"""Evaluating in the middle of training without leaving a trace."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from onfit.core.randomness import random_state_beside_torch, set_random_state

Restore = Callable[[], None]  # makes what was looked at be as it was then


@contextmanager
def evaluating(net: nn.Module, *, torch_alone: bool = False) -> Iterator[None]:
    """Evaluation mode without gradients; afterwards every submodule is in the mode it was in
    (some may have been frozen on purpose), and all random generators go on as if nothing had
    been drawn.

    Args:
        net: the module.
        torch_alone: look after torch's generators only, which takes a tenth of the time. For data
            that nobody's code is run to get.
    """
    restore_modes = _modes_of(net)
    restore_generators = _generators_of_torch(net) if torch_alone else _all_generators(net)
    with torch.no_grad():
        net.eval()
        try:
            yield
        finally:
            restore_modes()
            restore_generators()


@contextmanager
def training(net: nn.Module) -> Iterator[None]:
    """Training mode; afterwards every submodule is in the mode it was in."""
    restore_modes = _modes_of(net)
    net.train()
    try:
        yield
    finally:
        restore_modes()


def _modes_of(net: nn.Module) -> Restore:
    modes = [(module, module.training) for module in net.modules()]

    def restore() -> None:
        for module, training in modes:
            module.training = training

    return restore


def _all_generators(net: nn.Module) -> Restore:
    others, restore_torch = random_state_beside_torch(), _generators_of_torch(net)

    def restore() -> None:
        set_random_state(others)
        restore_torch()

    return restore


def _generators_of_torch(net: nn.Module) -> Restore:
    state = torch.get_rng_state()
    on_gpus = [(device, torch.cuda.get_rng_state(device)) for device in _cuda_devices(net)]

    def restore() -> None:
        torch.set_rng_state(state)
        for device, of_device in on_gpus:
            torch.cuda.set_rng_state(of_device, device)

    return restore


def _cuda_devices(net: nn.Module) -> list[int]:
    """The GPUs whose generators a forward pass of `net` could use."""
    if not torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return []
    used = {tensor.device for tensor in (*net.parameters(), *net.buffers())}
    return sorted(device.index or 0 for device in used if device.type == "cuda")
