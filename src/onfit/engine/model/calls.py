"""The forward pass of a functional model as plain data: calls that read and fill numbered places.

Calls can be copied and pickled, unlike symbols and nodes: each of those leads to the next one, and
so to every layer.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from torch import nn

from onfit.errors import ArgumentError
from onfit.layers.graph import Node, Symbol, symbols_in
from onfit.layers.shapes import Spec, mapped


class Slot(int):
    """The place of a value among those of a forward pass."""


class Call(NamedTuple):
    """One step of a forward pass: a layer, its arguments, and the places of its outputs."""

    layer: nn.Module
    args: Any
    kwargs: dict[str, Any]
    outputs: Any


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
