"""What modules do in training: their modes, and which of their parts change.

Evaluating in mid-training leaves no trace behind.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

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
    restorers = [partial(torch.set_rng_state, torch.get_rng_state())]
    for device in _devices(net):
        if device.type == "cuda":
            state = torch.cuda.get_rng_state(device)
            restorers.append(partial(torch.cuda.set_rng_state, state, device))
        elif device.type == "mps":
            restorers.append(partial(torch.mps.set_rng_state, torch.mps.get_rng_state()))

    def restore() -> None:
        for each in restorers:
            each()

    return restore


def _devices(net: nn.Module) -> set[torch.device]:
    """The devices, apart from the CPU, whose generators a forward pass of `net` could use."""
    is_gpu_in_use = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    if not is_gpu_in_use and not torch.backends.mps.is_available():
        return set()
    return {tensor.device for tensor in (*net.parameters(), *net.buffers()) if not tensor.is_cpu}


# --- frozen parts ----------------------------------------------------------------------------


class Freezable:
    """A part whose weights can be kept from changing; mixed into layers and models."""

    _trainable = True
    # The assignment to a `trainable` that this part has its flag from: its own, or one of a part
    # around it. None before any.
    _assignment: object = None

    @property
    def trainable(self) -> bool:
        """Whether its weights change in training, and those of all parts in it.

        It may be set at any time, and acts from the next batch on. Of a compiled model that is
        trained itself, set it before `compile`: that notes what the model trains.
        """
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        assert isinstance(self, nn.Module)
        set_trainable(self, bool(value))

    def _before_assignment(self, assignment: object) -> None:
        """`trainable` of this part, or of one around it, is about to be set."""

    def _after_assignment(self) -> None:
        """It was set."""


def set_trainable(net: nn.Module, value: bool) -> None:
    """Let `net` and all parts in it train, or keep them as they are."""
    assignment = object()
    parts = _parts(net)
    for part in parts:
        part._before_assignment(assignment)
    _put(net, parts, value, assignment)
    for part in parts:
        part._after_assignment()


def freeze_new_weights(layer: nn.Module) -> None:
    """Freeze what a frozen layer has just made in its `build`."""
    assert isinstance(layer, Freezable)
    _put(layer, _parts(layer), False, layer._assignment)


def _parts(net: nn.Module) -> list[Freezable]:
    return [part for part in net.modules() if isinstance(part, Freezable)]


def _put(net: nn.Module, parts: list[Freezable], value: bool, assignment: object) -> None:
    for part in parts:
        part._trainable, part._assignment = value, assignment
    for param in net.parameters():
        if param.is_floating_point() or param.is_complex():  # others have no gradient
            param.requires_grad_(value)


def owned(net: nn.Module, owner: Freezable | None = None) -> Iterator[tuple[Tensor, Freezable]]:
    """Each parameter of `net`, and the innermost part around it that has a `trainable`."""
    owner = net if isinstance(net, Freezable) else owner
    assert owner is not None
    for param in net._parameters.values():
        if param is not None:
            yield param, owner
    for child in net.children():
        yield from owned(child, owner)
