"""The forward pass of a functional model as plain data: calls that read and fill numbered places.

Calls can be copied and pickled, unlike symbols and nodes: each of those leads to the next one, and
so to every layer.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

import torch
from torch import nn

from onfit.engine.placing import brought
from onfit.errors import ArgumentError, ArgumentTypeError
from onfit.layers import AddLoss
from onfit.layers.calling import Called
from onfit.layers.graph import Node, Operation, Symbol, symbols_in
from onfit.layers.masking.masks import USE, hand_on, mask_of
from onfit.layers.precision import preactivation_of
from onfit.layers.shapes import Spec, mapped, tensors_in
from onfit.layers.wrappers import is_watched


class Slot(int):
    """The place of a value among those of a forward pass."""


class Call(NamedTuple):
    """One step of a forward pass: a layer, its arguments, and the places of its outputs."""

    layer: nn.Module
    args: Any
    kwargs: dict[str, Any]
    outputs: Any


class WithConstants(nn.Module):
    """A model whose calls may have tensors among their arguments, which go where its weights go."""

    calls: list[Call]

    def _apply(self, fn: Any, recurse: bool = True) -> Self:
        # What torch calls for `.to()` and the like.
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        first = next(self.parameters(), None)
        if first is not None and not first.is_meta:
            self.calls = [_with_constants_on(first.device, call) for call in self.calls]
        return self


def _with_constants_on(device: torch.device, call: Call) -> Call:
    if not tensors_in((call.args, call.kwargs)):
        return call
    return call._replace(args=brought(call.args, device), kwargs=brought(call.kwargs, device))


def symbols_given(given: Any, argument: str) -> list[Symbol]:
    """The symbols in an argument of `Model(inputs, outputs)`.

    Raises:
        ArgumentTypeError: if there are none.
    """
    found = list(symbols_in(given))
    if not found:
        raise ArgumentTypeError(
            f"Model({argument}=...) takes symbols: what Input(...) gives, or a layer called on "
            f"one. Got {given!r}. (Model(net) takes a torch module.)"
        )
    return found


def nodes_between(begin: Sequence[Symbol], end: Sequence[Symbol]) -> list[Node]:
    """The nodes that lead from `begin` to `end`, each after the nodes that it needs.

    Raises:
        ArgumentError: if an output needs an input that is not in `begin`.
    """
    known = {id(symbol) for symbol in begin}
    ordered: list[Node] = []
    done: set[int] = set()
    waiting: list[tuple[Symbol, bool]] = [(symbol, False) for symbol in reversed(end)]
    while waiting:
        symbol, visited = waiting.pop()
        node = symbol.node
        if id(symbol) in known or id(node) in done:
            continue
        if node.layer is None:
            raise ArgumentError(
                f"Model(inputs, outputs): an output needs {symbol!r}, which is not among the "
                "inputs. Add it to inputs=, or compute the output from the inputs given."
            )
        if visited:
            done.add(id(node))
            ordered.append(node)
            continue
        waiting.append((symbol, True))
        needed = list(symbols_in((node.args, node.kwargs)))
        waiting.extend((other, False) for other in reversed(needed))
    return ordered


def calls_of(
    begin: Sequence[Symbol], end: Sequence[Symbol], nodes: Sequence[Node]
) -> tuple[list[Call], list[Slot], dict[int, Spec]]:
    """The nodes as calls, the places of the outputs, and the shape and type for each place.

    The inputs have the first places, in the order of `begin`.
    """
    slots = {id(symbol): Slot(index) for index, symbol in enumerate(begin)}
    specs: dict[int, Spec] = {slots[id(symbol)]: symbol.spec for symbol in begin}

    def place(symbol: Symbol) -> Slot:
        slot = slots.setdefault(id(symbol), Slot(len(slots)))
        specs[slot] = symbol.spec
        return slot

    calls = []
    for node in nodes:
        assert node.layer is not None
        args, kwargs, outputs = (
            mapped(place, Symbol, part) for part in (node.args, node.kwargs, node.outputs)
        )
        calls.append(Call(node.layer, args, kwargs, outputs))
    return calls, [slots[id(symbol)] for symbol in end], specs


def slots_in(structure: Any) -> list[int]:
    """The places in nested arguments or outputs, in order."""
    found: list[int] = []
    mapped(found.append, Slot, structure)
    return found


def filled(structure: Any, values: dict[int, Any]) -> Any:
    """Arguments with the values in their places."""
    if type(structure) is tuple and len(structure) == 1 and type(structure[0]) is Slot:
        return (values[structure[0]],)  # one tensor as input: by far the most common case
    return mapped(values.__getitem__, Slot, structure)


def store(places: Any, result: Any, values: dict[int, Any]) -> None:
    """Put the result of a call into its places in `values`."""
    if isinstance(places, Slot):
        values[places] = result
    elif isinstance(places, dict):
        for key, place in places.items():
            store(place, result[key], values)
    elif isinstance(places, (tuple, list)):
        for place, part in zip(places, result, strict=True):
            store(place, part, values)


def losses_among(calls: Iterable[Call], values: dict[int, Any]) -> list[Any]:
    """What the `AddLoss` layers among some calls gave."""
    return [values[call.outputs] for call in calls if isinstance(call.layer, AddLoss)]


def layers_among(parts: Iterable[nn.Module]) -> list[nn.Module]:
    """The parts that are layers: not those that are computations of `onfit.ops`."""
    return [part for part in parts if not isinstance(part, Operation)]


def logits_of(layer: Any, *args: Any) -> Any:
    """What a last layer gives before its activation. Hooks of the layer see its output too."""
    if layer._forward_hooks and is_watched(layer):
        with torch.no_grad():
            layer(*args)
    found = preactivation_of(layer, args)
    if USE.begun and isinstance(layer, Called):
        hand_on(layer, args[0], found, mask_of(args[0]))
    return found


# --- the order in which Keras lists the layers -------------------------------------------------


def layers_by_depth(
    calls: Sequence[Call], ends: Sequence[Slot], inputs: Sequence[nn.Module] = ()
) -> list[nn.Module]:
    """The layers that `calls` call, the deepest first.

    The depth of a layer is the number of steps from it to an output. Layers of equal depth come
    in the order in which a walk back from the outputs meets them; inputs that no output needs
    come before the last layers.

    Args:
        calls: the calls, each after the calls that it needs.
        ends: the places of the outputs.
        inputs: the layers that stand for what goes in, whose places are the first.
    """
    begin = [Call(layer, (), {}, Slot(place)) for place, layer in enumerate(inputs)]
    calls = [*begin, *calls]
    maker = {slot: step for step, call in enumerate(calls) for slot in slots_in(call.outputs)}
    needed = [
        [maker[slot] for slot in slots_in((call.args, call.kwargs)) if slot in maker]
        for call in calls
    ]
    met, done = _walked_back([maker[slot] for slot in ends if slot in maker], needed)
    layers = [call.layer for call in calls]
    depths = _depths(layers, done, needed)
    first: dict[int, int] = {}
    for step in met:
        first.setdefault(id(layers[step]), len(first))
    found = {id(layers[step]): layers[step] for step in [*met, *range(len(inputs))]}
    return sorted(
        found.values(), key=lambda layer: (-depths.get(id(layer), 0), first.get(id(layer), -1))
    )


def _walked_back(ends: list[int], needed: list[list[int]]) -> tuple[list[int], list[int]]:
    """The steps in two orders: as a walk back from the ends meets them, and so that each step comes
    after the steps that it needs.
    """
    met: list[int] = []
    done: dict[int, None] = {}
    waiting = [(step, False) for step in reversed(ends)]
    while waiting:
        step, visited = waiting.pop()
        if visited:
            done[step] = None
        elif step not in done:
            met.append(step)
            waiting.append((step, True))
            waiting += [(other, False) for other in reversed(needed[step])]
    return met, list(done)


def _depths(layers: list[nn.Module], done: list[int], needed: list[list[int]]) -> dict[int, int]:
    """The depth of each layer, by its id. Of several calls of a layer the deepest counts."""
    of_layers: dict[int, int] = {}
    of_steps: dict[int, int] = {}
    for step in reversed(done):
        layer = id(layers[step])
        depth = max(of_steps.get(step, 0), of_layers.get(layer, 0))
        of_layers[layer] = depth
        for other in needed[step]:
            of_steps[other] = max(depth + 1, of_steps.get(other, 0))
    return of_layers
