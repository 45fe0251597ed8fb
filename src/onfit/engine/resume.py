"""A model as plain data, to go on training from exactly there: weights, optimizer, generators."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from onfit.engine.weights import named_weights
from onfit.errors import FileFormatError
from onfit.optimizers import Optimizer, TorchOptimizer

State = dict[str, Any]


def model_state(model: nn.Module, optimizer: Optimizer | None) -> State:
    """Weights by name, which of them train, the optimizer's state, and the layers' generators."""
    return {
        "weights": {name: _copied(tensor) for name, tensor in named_weights(model)},
        "trainable": {path: layer.trainable for path, layer in _freezable(model)},
        "requires_grad": {name: p.requires_grad for name, p in model.named_parameters()},
        "optimizer": None if optimizer is None else optimizer_state(optimizer),
        "generators": {name: one.get_state() for name, one in _generators(model)},
    }


def load_model_state(model: nn.Module, optimizer: Optimizer | None, state: State) -> None:
    """Put `model_state` back, in place.

    Raises:
        FileFormatError: if weights or optimizer are others; both sides are listed, and nothing
            is changed.
    """
    mine = dict(named_weights(model))
    _compare("weights", _shapes(state["weights"]), _shapes(mine))
    saved = state["optimizer"]
    _compare("optimizer", None if saved is None else saved["kind"], _kind(optimizer))
    with torch.no_grad():
        for name, tensor in mine.items():
            tensor.copy_(state["weights"][name])
    _load_frozen(model, state)
    if optimizer is not None:
        optimizer.build([param for param in model.parameters() if param.requires_grad])
        load_optimizer_state(optimizer, saved)
    for name, generator in _generators(model):
        if name in state["generators"]:
            generator.set_state(state["generators"][name])


def optimizer_state(optimizer: Optimizer) -> State:
    """An optimizer's state as plain data and tensors."""
    state: State = {"kind": _kind(optimizer), "iterations": optimizer.iterations}
    if isinstance(optimizer, TorchOptimizer):
        made = optimizer.optimizer
        return {**state, "torch": None if made is None else made.state_dict()}
    slots = {name: [_copied(t) for t in tensors] for name, tensors in optimizer.slots.items()}
    return {**state, "rate": optimizer.rate_state(), "slots": slots}


def load_optimizer_state(optimizer: Optimizer, state: State) -> None:
    """Put `optimizer_state` back."""
    optimizer.iterations = state["iterations"]
    if isinstance(optimizer, TorchOptimizer):
        if state["torch"] is not None:
            optimizer.optimizer.load_state_dict(state["torch"])
        return
    optimizer.load_rate_state(state["rate"])
    for name, tensors in optimizer.slots.items():
        for tensor, value in zip(tensors, state["slots"][name], strict=True):
            tensor.copy_(value)


def _copied(tensor: torch.Tensor) -> torch.Tensor:
    """A copy beside the model: the device may have no room for a second one."""
    return tensor.detach().to("cpu", copy=True)


def _shapes(tensors: dict[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def _kind(optimizer: Optimizer | None) -> str | None:
    """What of an optimizer must be the same: its class, and what it keeps of each weight."""
    if optimizer is None:
        return None
    if not isinstance(optimizer, TorchOptimizer):
        return " with ".join([type(optimizer).__name__, *optimizer.slots])
    if optimizer.optimizer is None:
        return "one that is not made yet"
    groups = [len(group["params"]) for group in optimizer.optimizer.param_groups]
    return f"{type(optimizer.optimizer).__name__} of {' and '.join(map(str, groups))} weights"


def _load_frozen(model: nn.Module, state: State) -> None:
    """Let those weights train that did: a callback may have frozen or freed some."""
    for path, layer in _freezable(model):
        if layer.trainable != state["trainable"].get(path, layer.trainable):
            layer.trainable = state["trainable"][path]
    for name, param in model.named_parameters():
        param.requires_grad_(state["requires_grad"].get(name, param.requires_grad))


def _freezable(model: nn.Module) -> Iterator[tuple[str, Any]]:
    """The layers that know whether they train."""
    return ((path, one) for path, one in model.named_modules() if hasattr(one, "trainable"))


def _compare(what: str, saved: Any, mine: Any) -> None:
    if saved != mine:
        raise FileFormatError(
            f"this run cannot go on from the checkpoint: its {what} are others.\n"
            f"  the checkpoint has: {saved}\n"
            f"  this run has:       {mine}\n"
            "Build the model as it was, or give this run another folder."
        )


def _generators(model: nn.Module) -> Iterator[tuple[str, torch.Generator]]:
    """The random generators that layers keep for themselves, such as Dropout(seed=...)."""
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if isinstance(value, torch.Generator):
                yield f"{path}.{name}", value
