"""The order in which Keras lists layers and weights: files number them by it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from torch import Tensor, nn

if TYPE_CHECKING:
    from onfit.engine.model.functional import Functional
    from onfit.engine.model.model import Model


def layers_of(module: nn.Module) -> list[nn.Module] | None:
    """The layers of a Sequential or functional model in Keras' order; None for anything else."""
    from onfit.engine.model.functional import Functional  # Models, and models import this package.
    from onfit.engine.model.sequential import Sequential

    if isinstance(module, Sequential):
        return module.layers
    return _by_depth(module) if isinstance(module, Functional) else None


def trainables_of(model: "Model") -> list[Tensor]:
    """What training changes now, in the order in which Keras' optimizers know it."""
    params = {id(param): param for param in _parameters(model)}
    return [param for param in params.values() if param.requires_grad]


def weights_of(model: "Model") -> dict[str, Tensor]:
    """The model's weights by name, layer after layer as Keras lists them; and of each layer, also
    of one that is a model, first what trains and then what does not.
    """
    named = {id(tensor): (name, tensor) for name, tensor in model.named_weights()}
    found = []
    for layer in layers_of(model) or ():
        own = [named.pop(id(tensor)) for tensor in _weights(layer) if id(tensor) in named]
        found += sorted(own, key=lambda pair: not pair[1].requires_grad)
    return dict([*found, *named.values()])


def _weights(module: nn.Module) -> Iterator[Tensor]:
    layers = layers_of(module)
    for part in module.modules() if layers is None else ():
        yield from part.parameters(recurse=False)
        yield from part.buffers(recurse=False)
    for layer in layers or ():
        yield from _weights(layer)


def _parameters(module: nn.Module) -> Iterator[Tensor]:
    layers = layers_of(module)
    if layers is None:
        yield from module.parameters()
        return
    for layer in layers:
        yield from _parameters(layer)
    yield from module.parameters()  # those that a subclass has beside its layers


def _by_depth(model: "Functional") -> list[nn.Module]:
    """First the layers with most steps to an output behind them; those of equal depth as they
    are met on the way back from the outputs.
    """
    from onfit.saving.functional import slots_in

    maker = {slot: step for step, call in enumerate(model.calls) for slot in slots_in(call.outputs)}
    needed = [
        [maker[slot] for slot in slots_in((call.args, call.kwargs)) if slot in maker]
        for call in model.calls
    ]
    met, done = _walked_back([maker[slot] for slot in model.output_slots if slot in maker], needed)
    layers = [call.layer for call in model.calls]
    depths = _depths(layers, done, needed)
    first: dict[int, int] = {}
    for step in met:
        first.setdefault(id(layers[step]), len(first))
    found = {id(layers[step]): layers[step] for step in met}
    return sorted(found.values(), key=lambda layer: (-depths[id(layer)], first[id(layer)]))


def _walked_back(ends: list[int], needed: list[list[int]]) -> tuple[list[int], list[int]]:
    """The steps in the order in which they are met from the ends, and in one in which each comes
    after those it needs.
    """
    met: list[int] = []
    done: dict[int, None] = {}
    waiting = [(step, False) for step in reversed(ends)]
    while waiting:
        step, behind = waiting.pop()
        if behind:
            done[step] = None
        elif step not in done:
            met.append(step)
            waiting.append((step, True))
            waiting += [(other, False) for other in reversed(needed[step])]
    return met, list(done)


def _depths(layers: list[nn.Module], done: list[int], needed: list[list[int]]) -> dict[int, int]:
    """For each layer the steps from it to an output; of several calls the farthest counts."""
    of_layers: dict[int, int] = {}
    of_steps: dict[int, int] = {}
    for step in reversed(done):
        layer = id(layers[step])
        depth = max(of_steps.get(step, 0), of_layers.get(layer, 0))
        of_layers[layer] = depth
        for other in needed[step]:
            of_steps[other] = max(depth + 1, of_steps.get(other, 0))
    return of_layers
