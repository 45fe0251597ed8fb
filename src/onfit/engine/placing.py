"""Where a model computes: on the CPU, or on an accelerator."""

import os
from typing import Any

import torch
from torch import Tensor, nn

from onfit.errors import ArgumentError
from onfit.layers.shapes import mapped

_LOCAL_RANK = "LOCAL_RANK"  # a launcher says in it which process of this machine one is
_DEVICE = "KERAS_TORCH_DEVICE"  # Keras reads it, too


def accelerator() -> torch.device | None:
    """The GPU of this process, or Apple's (MPS); None if there is none. The environment variable
    KERAS_TORCH_DEVICE says otherwise.

    Raises:
        ArgumentError: if that names a device that is not here.
    """
    asked = os.environ.get(_DEVICE)
    if asked:
        device = _checked(asked, f"{_DEVICE}={asked!r} (an environment variable)", "'cpu'")
        return None if device.type == "cpu" else device
    if torch.cuda.is_available():
        return torch.device("cuda", _own_gpu())
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return None


def _own_gpu() -> int:
    """The GPU that the process chose; else each process of a launcher has one of its own."""
    chosen = torch.cuda.current_device()
    rank = int(os.environ.get(_LOCAL_RANK, chosen))
    return rank if chosen == 0 and rank < torch.cuda.device_count() else chosen


def make_current(device: torch.device | None) -> None:
    """Let the GPU on which a process of a launcher computes be its current one, unless the script
    has chosen one: generators, streams and what NCCL does are those of the current GPU. Without
    this all processes of a machine would use its first.
    """
    if device is None or device.type != "cuda" or _LOCAL_RANK not in os.environ:
        return
    if torch.cuda.current_device() == 0 and device.index:
        torch.cuda.set_device(device)


def device_asked_for(asked: Any) -> torch.device | None:
    """The device of `compile(device=)`; None for `"auto"`. `"cuda"` is the GPU of this process.

    Raises:
        ArgumentError: for a device that torch does not know, or that this machine does not have.
    """
    if isinstance(asked, str) and asked == "auto":
        return None
    return _checked(asked, f"compile(device={asked!r})", "'auto', 'cpu'")


def _checked(asked: Any, named: str, first_choices: str) -> torch.device:
    try:
        device = torch.device(asked)
        if device.type == "cuda" and device.index is None:
            device = torch.device("cuda", _own_gpu())
        torch.empty(0, device=device)
    except (RuntimeError, TypeError, ValueError, AssertionError) as error:
        raise ArgumentError(
            f"{named}: torch cannot compute there: {error}. Write {first_choices}, 'cuda', "
            "'cuda:1' or 'mps'."
        ) from error
    return device


def moved_to(net: nn.Module, device: torch.device) -> None:
    """Move the weights of `net`, and have what it is called with follow them."""
    net.to(device)
    bring_inputs_of(net)


def bring_inputs_of(net: nn.Module) -> None:
    """Have what `net` is called with follow its weights."""
    if not any(hook is _bring_inputs for hook in net._forward_pre_hooks.values()):
        net.register_forward_pre_hook(_bring_inputs, with_kwargs=True)


def _bring_inputs(net: nn.Module, args: Any, kwargs: Any) -> Any:
    """A hook before `forward`: the arguments, on the device of the weights."""
    first = next(net.parameters(), None)
    if first is None:
        return None
    return tuple(brought(part, first.device) for part in args), brought(kwargs, first.device)


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """The tensor on `device`. A copy to a GPU does not hold up the program: it starts from pinned
    memory, which the GPU reads by itself, and which is not used again before it has done so.

    Other copies are waited for: without that a CPU may read what has not arrived yet, and Apple's
    GPU what is gone already.
    """
    if device.type != "cuda":
        return tensor.to(device)
    return _pinned(tensor).to(device, non_blocking=True)


def _pinned(tensor: Tensor) -> Tensor:
    return tensor.pin_memory() if tensor.is_cpu and tensor.layout is torch.strided else tensor


def brought(structure: Any, device: torch.device) -> Any:
    """Nested tuples, lists and dicts, with the tensors in them on `device`."""
    return mapped(lambda tensor: tensor.to(device), Tensor, structure)
