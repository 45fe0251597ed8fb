"""The order in which Keras lists the layers of a functional model."""

from collections.abc import Sequence

from torch import nn

from onfit.engine.model.calls import Call, Slot, slots_in


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
