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
    """Weights by name, the optimizer's state, and the generators that layers keep."""
    return {
        "weights": {name: tensor.detach().clone() for name, tensor in named_weights(model)},
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
    _compare(
        "weights",
        {name: tuple(tensor.shape) for name, tensor in state["weights"].items()},
        {name: tuple(tensor.shape) for name, tensor in mine.items()},
    )
    saved = state["optimizer"]
    kinds = (None if saved is None else saved["kind"], _kind(optimizer))
    _compare("optimizer", *kinds)
    with torch.no_grad():
        for name, tensor in mine.items():
            tensor.copy_(state["weights"][name])
    if optimizer is not None:
        load_optimizer_state(optimizer, saved)
    for name, generator in _generators(model):
        if name in state["generators"]:
            generator.set_state(state["generators"][name])


def optimizer_state(optimizer: Optimizer) -> State:
    """An optimizer's state as plain data and tensors."""
    state: State = {"kind": _kind(optimizer), "iterations": optimizer.iterations}
    if isinstance(optimizer, TorchOptimizer):
        return {**state, "torch": optimizer.optimizer.state_dict()}
    slots = {name: [t.clone() for t in tensors] for name, tensors in optimizer.slots.items()}
    return {**state, "rate": float(optimizer.learning_rate), "slots": slots}


def load_optimizer_state(optimizer: Optimizer, state: State) -> None:
    """Put `optimizer_state` back."""
    optimizer.iterations = state["iterations"]
    if isinstance(optimizer, TorchOptimizer):
        optimizer.optimizer.load_state_dict(state["torch"])
        return
    if float(optimizer.learning_rate) != state["rate"]:  # a schedule's follows from iterations
        optimizer.learning_rate = state["rate"]
    for name, tensors in optimizer.slots.items():
        for tensor, value in zip(tensors, state["slots"][name], strict=True):
            tensor.copy_(value)


def _kind(optimizer: Optimizer | None) -> str | None:
    if isinstance(optimizer, TorchOptimizer):
        return type(optimizer.optimizer).__name__
    return None if optimizer is None else type(optimizer).__name__


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
