"""Weights divided among processes, as `compile(distribution="fsdp")` asks for."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from onfit.errors import ArgumentError, CapabilityError
from onfit.layers.containers import Held
from onfit.layers.wrappers import (
    divided_like,
    is_divided,
    is_fully_sharded,
    named_parameters,
    put_in_parts,
    wrapped_for_processes,
)
from onfit.optimizers import Optimizer, TorchOptimizer

if TYPE_CHECKING:
    from onfit.engine.model.compilable import Compilable

# Modules that have no computation of their own: their parts are called one by one.
_LISTS = (Held, nn.ModuleList, nn.ModuleDict)
_STACKS = (nn.ModuleList, nn.Sequential)


def divide(model: "Compilable") -> None:
    """Give each process a piece of each weight of a built model, and of the optimizer's state.

    A layer's weights are brought together when it is called, and again on the way back. Of a torch
    net's own class the modules in its lists are such layers, and the rest is one. What is divided
    already stays as it is.

    Raises:
        ArgumentError: for a torch optimizer that holds the whole weights.
        CapabilityError: for a weight that belongs to two layers, or to none.
    """
    if not model.divided_by_fit and wrapped_for_processes(model):
        return  # its owner has done so
    units = [unit for unit in _units_of(model) if _has_whole_weights(unit)]
    if not units:
        return
    optimizer = model.compiled.optimizer
    _refuse_what_holds_weights(optimizer)
    _refuse_strays(model, units)
    before = _state_by_name(model, optimizer)
    for unit in units:
        put_in_parts(unit)
    model.divided_by_fit = True
    _take_up(model, optimizer, before)


def _units_of(module: nn.Module) -> Iterator[nn.Module]:
    """The modules whose weights are brought together at once: inner ones first."""
    for child in module.children():
        if hasattr(child, "fits_under_way") or type(child) in (*_LISTS, nn.Sequential):
            yield from _units_of(child)  # models and lists, whose parts are called one by one
        else:
            yield from _listed_in(child)
            yield child


def _listed_in(module: nn.Module) -> Iterator[nn.Module]:
    """The modules in lists within a module, which has the rest."""
    for child in module.children():
        parts = child.children() if type(child) in _STACKS else ()
        yield from (part for part in parts if _stands_alone(part, module))
        if type(child) not in _STACKS:
            yield from _listed_in(child)


def _stands_alone(part: nn.Module, around: nn.Module) -> bool:
    """Whether a part has weights, and none that another part of what is around it has, too."""
    inside = set(part.modules())
    own = set(part.parameters())
    others = (m for m in around.modules() if m not in inside)
    return bool(own) and own.isdisjoint(p for m in others for p in m.parameters(recurse=False))


def _has_whole_weights(unit: nn.Module) -> bool:
    return not is_fully_sharded(unit) and not all(map(is_divided, unit.parameters()))


def _refuse_what_holds_weights(optimizer: Optimizer) -> None:
    if isinstance(optimizer, TorchOptimizer) and optimizer.optimizer is not None:
        raise ArgumentError(
            f"compile(distribution='fsdp') divides the weights when fit begins, and the "
            f"{optimizer.kind} that it was given holds the whole ones. Pass its class, "
            "or a function that makes it from a list of parameters, to a new compile."
        )


def _refuse_strays(model: "Compilable", units: list[nn.Module]) -> None:
    owners: dict[Tensor, nn.Module] = {}
    for unit in units:
        nested = {inner for inner in units if inner is not unit and inner in set(unit.modules())}
        inside = {param for inner in nested for param in inner.parameters()}
        for name, param in unit.named_parameters():
            if param not in inside and owners.setdefault(param, unit) is not unit:
                raise _stray(name, "belongs to two layers")
    for name, param in named_parameters(model):
        if param not in owners and not is_divided(param):
            raise _stray(name, "belongs to the model itself and to no layer")


def _stray(name: str, how: str) -> CapabilityError:
    return CapabilityError(
        f"compile(distribution='fsdp') was asked for, which divides the weights layer by layer; "
        f"the weight {name!r} {how}. Make one layer of what uses it, or use distribution='ddp'."
    )


# --- the optimizer's state -------------------------------------------------------------------


def _state_by_name(model: nn.Module, optimizer: Optimizer) -> dict[str, Any]:
    names = {id(param): name for name, param in named_parameters(model)}
    states = () if isinstance(optimizer, TorchOptimizer) else optimizer.states()
    return {names[id(param)]: slots for param, slots in states if id(param) in names}


def _take_up(model: "Compilable", optimizer: Optimizer, before: dict[str, Any]) -> None:
    """Let the optimizer go on with pieces of its state."""
    if not before:
        return
    optimizer.forget_weights()
    params = dict(named_parameters(model))
    optimizer.build([params[name] for name in before])
    for index, slots in enumerate(before.values()):
        for slot, value in slots.items():
            held = optimizer.slots[slot][index]
            held.copy_(divided_like(value, held))
