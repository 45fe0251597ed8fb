"""A model's state as plain data, to go on training exactly from there."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from onfit.core.processes import processes
from onfit.engine.model.weights import extra_states, load_extra_states, named_weights
from onfit.engine.pieces import FoundPieces, TakesDown, copied, put_saved, shape_of
from onfit.engine.step.exchange import bring_gradients_together
from onfit.engine.step.other_optimizers import other_optimizers
from onfit.engine.step.torch_state import divided_state, whole_state
from onfit.errors import FileFormatError, warn
from onfit.layers.wrappers import named_modules, named_parameters
from onfit.optimizers import LossScaleOptimizer, Optimizer, TorchOptimizer
from onfit.optimizers.accumulation import bring_together, waits_for_others
from onfit.optimizers.assigned import options_set_later

State = dict[str, Any]


def model_state(model: nn.Module, optimizer: Optimizer | None, take: TakesDown = copied) -> State:
    """Weights by name, which of them train, the optimizer's state, the layers' generators.

    Args:
        model: the model.
        optimizer: its optimizer.
        take: takes a tensor down.
    """
    return {
        "weights": {name: take(tensor) for name, tensor in named_weights(model)},
        "trainable": {path: layer.trainable for path, layer in _freezable(model)},
        "requires_grad": {name: p.requires_grad for name, p in named_parameters(model)},
        "optimizer": None if optimizer is None else _optimizer_state(model, optimizer, take),
        "optimizers": {
            name: _state_of_another(model, one, take)
            for name, one in other_optimizers(model).items()
        },
        "generators": {name: one.get_state() for name, one in _generators(model)},
        "extra": extra_states(model),
    }


def load_model_state(
    model: nn.Module,
    optimizer: Optimizer | None,
    state: State,
    pieces: FoundPieces | None = None,
) -> None:
    """Put `model_state` back, in place.

    Args:
        model: the model.
        optimizer: its optimizer.
        state: the state.
        pieces: those of the tensors that were taken down in pieces.

    Raises:
        FileFormatError: if the weights or the optimizer differ. It lists both sides, and nothing
            is changed.
    """
    mine = dict(named_weights(model))
    _compare("other weights", _shapes(state["weights"]), _shapes(mine))
    saved = state["optimizer"]
    kind = _kind_as_it_was(optimizer, saved)
    _compare("another optimizer", None if saved is None else saved["kind"], kind)
    # Checkpoints of earlier versions lack the other optimizers: these begin anew.
    others, of_others = other_optimizers(model), state.get("optimizers", {})
    kinds = {name: its["kind"] for name, its in of_others.items()}
    _compare("other optimizers", kinds, {name: _class_of(others.get(name)) for name in kinds})
    for name, tensor in mine.items():
        put_saved(tensor, state["weights"][name], pieces)
    _load_frozen(model, state)
    if optimizer is not None:
        _load_optimizer_state(model, optimizer, saved, pieces)
    for name, its in of_others.items():
        _load_another(model, others[name], its, pieces)
    load_extra_states(model, state.get("extra", {}))
    for name, generator in _generators(model):
        if name in state["generators"]:
            generator.set_state(state["generators"][name])


def _optimizer_state(model: nn.Module, optimizer: Optimizer, take: TakesDown) -> State:
    """An optimizer's state as plain data and tensors, by the names of the weights."""
    state: State = {"kind": _kind(optimizer), "iterations": optimizer.batches}
    if optimizer.keeps_gradients:
        bring_gradients_together(model)
        state["gradients"] = {name: take(grad) for name, grad in _gradients(model)}
    if isinstance(optimizer, LossScaleOptimizer):
        inner = _optimizer_state(model, optimizer.inner_optimizer, take)
        return {**state, "flags": optimizer.flags(), "inner": inner}
    if isinstance(optimizer, TorchOptimizer):
        return {**state, "torch": [whole_state(one, take) for one in optimizer.torch_optimizers]}
    if waits_for_others(optimizer):
        processes().of_all(None, "the gradients that wait for a step")
        bring_together(optimizer)
    names = {id(param): name for name, param in named_parameters(model)}
    slots = {
        names[id(param)]: {slot: take(tensor) for slot, tensor in tensors.items()}
        for param, tensors in optimizer.states()
        if id(param) in names
    }
    if len(slots) < len(optimizer.states()):
        _warn_of_weights_elsewhere(optimizer)
    flags, options = optimizer.flags(), options_set_later(optimizer)
    rate = optimizer.rate_state()
    return {**state, "rate": rate, "slots": slots, "flags": flags, "options": options}


def _kind_as_it_was(optimizer: Optimizer | None, saved: State | None) -> str | None:
    """The kind of the optimizer, had it the options that the saved run had set."""
    if optimizer is None or saved is None:
        return _kind(optimizer)
    if isinstance(optimizer, LossScaleOptimizer) and "inner" in saved:
        return _kind_around(optimizer, _kind_as_it_was(optimizer.inner_optimizer, saved["inner"]))
    if not saved.get("options") or saved["kind"].partition(" ")[0] != type(optimizer).__name__:
        return _kind(optimizer)  # it may not have these options
    options = saved["options"]
    return _kind(type(optimizer).from_config({**optimizer.get_config(), **options}))


def _load_optimizer_state(
    model: nn.Module,
    optimizer: Optimizer,
    state: State,
    pieces: FoundPieces | None,
    *,
    own: bool = False,
) -> None:
    """Put such a state back. An optimizer of its `own` step trains what it trained before; another
    one all that trains.
    """
    params = dict(named_parameters(model))
    training: list[torch.Tensor] = [p for p in params.values() if p.requires_grad]
    if own and "slots" in state:
        training = list(optimizer.params) or [params[name] for name in state["slots"]]
    optimizer.batches = state["iterations"]
    _load_gradients(params, state.get("gradients", {}), pieces)
    if isinstance(optimizer, LossScaleOptimizer):
        inner = optimizer.inner_optimizer
        _load_optimizer_state(model, inner, state["inner"], pieces, own=own)
        optimizer.load_flags(state["flags"])
        return
    if isinstance(optimizer, TorchOptimizer):
        optimizer.build(training)
        saved = state["torch"]
        # Earlier checkpoints have the state of the one torch optimizer itself, or None.
        states = saved if isinstance(saved, list) else [saved]
        for one, its in zip(optimizer.torch_optimizers, states, strict=True):
            if its is not None:
                one.load_state_dict(divided_state(one, its, pieces))
        return
    for name, value in state.get("options", {}).items():
        setattr(optimizer, name, value)
    optimizer.batches = state["iterations"]
    optimizer.load_rate_state(state["rate"])
    optimizer.load_flags(state.get("flags", {}))
    optimizer.build([params[name] for name in state["slots"]])
    for index, saved in enumerate(state["slots"].values()):
        for slot, tensor in saved.items():
            put_saved(optimizer.slots[slot][index], tensor, pieces)
    optimizer.build(training)  # the state of frozen weights is put aside


def _warn_of_weights_elsewhere(optimizer: Optimizer) -> None:
    warn(
        f"BackupAndRestore: {type(optimizer).__name__} trains weights that are no part of the "
        "model, and neither these nor its state for them are kept. Make what has them an "
        "attribute of the model, or pass it in Run(parts=...)."
    )


def _class_of(optimizer: Any) -> str | None:
    return None if optimizer is None else type(optimizer).__name__


def _state_of_another(model: nn.Module, optimizer: Any, take: TakesDown) -> State:
    """The state of an optimizer that an author's own step uses. It need not be built yet."""
    if isinstance(optimizer, Optimizer):
        return {**_optimizer_state(model, optimizer, take), "kind": _class_of(optimizer)}
    return {"kind": _class_of(optimizer), "torch": whole_state(optimizer, take)}


def _load_another(
    model: nn.Module, optimizer: Any, state: State, pieces: FoundPieces | None
) -> None:
    if not isinstance(optimizer, Optimizer):
        optimizer.load_state_dict(divided_state(optimizer, state["torch"], pieces))
        return
    _load_optimizer_state(model, optimizer, state, pieces, own=True)


def _gradients(model: nn.Module) -> Iterator[tuple[str, torch.Tensor]]:
    """The gradients that are there; those of an accumulation wait for the optimizer's step."""
    for name, param in named_parameters(model):
        if param.grad is not None and param.grad.layout is torch.strided:
            yield name, param.grad


def _load_gradients(
    params: dict[str, Any], saved: dict[str, torch.Tensor], pieces: FoundPieces | None
) -> None:
    for name, grad in saved.items():
        params[name].grad = torch.empty_like(params[name])
        put_saved(params[name].grad, grad, pieces)


def _shapes(tensors: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    return {name: shape_of(tensor) for name, tensor in tensors.items()}


def _kind(optimizer: Optimizer | None) -> str | None:
    """The facts of an optimizer that must be the same: its class, and its slots."""
    if optimizer is None:
        return None
    if isinstance(optimizer, LossScaleOptimizer):
        return _kind_around(optimizer, _kind(optimizer.inner_optimizer))
    if not isinstance(optimizer, TorchOptimizer):
        return " with ".join([type(optimizer).__name__, *optimizer.slots])
    if optimizer.optimizer is None:
        return "one that is not made yet"
    groups = [len(group["params"]) for group in optimizer.optimizer.param_groups]
    return f"{optimizer.kind} of {' and '.join(map(str, groups))} weights"


def _kind_around(optimizer: Optimizer, inner: str | None) -> str:
    return f"{type(optimizer).__name__} of {inner}"


def _load_frozen(model: nn.Module, state: State) -> None:
    """Make the same weights trainable as in `state`: a callback may have frozen or freed some."""
    for path, layer in _freezable(model):
        if layer.trainable != state["trainable"].get(path, layer.trainable):
            layer.trainable = state["trainable"][path]
    for name, param in named_parameters(model):
        param.requires_grad_(state["requires_grad"].get(name, param.requires_grad))


def _freezable(model: nn.Module) -> Iterator[tuple[str, Any]]:
    """The layers that have a `trainable` flag."""
    return ((path, one) for path, one in named_modules(model) if hasattr(one, "trainable"))


def _compare(what: str, saved: Any, mine: Any) -> None:
    if saved != mine:
        raise FileFormatError(
            f"this run cannot go on from the checkpoint, which has {what}.\n"
            f"  the checkpoint has: {saved}\n"
            f"  this run has:       {mine}\n"
            "Build the model as it was, or give this run another folder."
        )


def _generators(model: nn.Module) -> Iterator[tuple[str, torch.Generator]]:
    """The random generators that layers keep, such as Dropout(seed=...)."""
    for path, module in named_modules(model):
        for name, value in vars(module).items():
            # `isinstance` asks torch's own class of classes, which takes ten times as long.
            if torch.Generator in type(value).__mro__:
                yield f"{path}.{name}", value
