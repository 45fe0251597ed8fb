"""A module in another mode for a while. Evaluating in mid-training leaves no trace behind."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from onfit.core.packages.randomness import random_state, set_random_state

Restore = Callable[[], None]  # restores the state that was saved


@contextmanager
def evaluating(net: nn.Module, *, torch_alone: bool = False) -> Iterator[None]:
    """Evaluation mode without gradients. Afterwards every submodule is in its earlier mode again
    (some may have been frozen on purpose), and all random generators continue as if nothing had
    been drawn.

    Args:
        net: the module.
        torch_alone: restore torch's generators only, which takes a tenth of the time. This is
            enough if no code of the user's runs to produce the data.
    """
    restore_modes = _restorer_of_modes(net)
    restorer = _restorer_of_torch if torch_alone else _restorer_of_generators
    restore_generators = restorer(net)
    with torch.no_grad():
        net.eval()
        try:
            yield
        finally:
            restore_generators()
            restore_modes()


@contextmanager
def training(net: nn.Module) -> Iterator[None]:
    """Training mode. Afterwards every submodule is in its earlier mode again."""
    restore_modes = _restorer_of_modes(net)
    net.train()
    try:
        yield
    finally:
        restore_modes()


@contextmanager
def in_mode(net: nn.Module, training: bool | None) -> Iterator[None]:
    """Training or evaluation mode; None to leave each submodule in the mode that it has."""
    if training is None or all(module.training is training for module in net.modules()):
        yield
        return
    restore = _restorer_of_modes(net)
    net.train(training)
    try:
        yield
    finally:
        restore()


def _restorer_of_modes(net: nn.Module) -> Restore:
    modes = [(module, module.training) for module in net.modules()]

    def restore() -> None:
        for module, training in modes:
            module.training = training

    return restore


def _restorer_of_generators(net: nn.Module) -> Restore:
    others, restore_torch = random_state(besides="torch"), _restorer_of_torch(net)

    def restore() -> None:
        set_random_state(others)
        restore_torch()

    return restore


def _restorer_of_torch(net: nn.Module) -> Restore:
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
