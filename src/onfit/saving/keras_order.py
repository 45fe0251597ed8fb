"""The order in which Keras lists layers and weights: files number them by it."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from torch import Tensor, nn

from onfit.engine.model.layered import Layered

if TYPE_CHECKING:
    from onfit.engine.model.model import Model


def layers_of(module: nn.Module) -> list[nn.Module] | None:
    """The layers of a Sequential or functional model in Keras' order; None for anything else."""
    return module.keras_layers if isinstance(module, Layered) else None


def trainables_of(model: "Model") -> list[Tensor]:
    """The parameters that the model's steps change, in the order in which Keras' optimizers list
    them.
    """
    trained = {id(param) for param in model.trained_weights}
    params = {id(param): param for param in _parameters(model) if id(param) in trained}
    return list(params.values())


def weights_of(model: "Model", named: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The model's weights by name, layer after layer as Keras lists them. Within a layer (it may
    be a model) those that train come first.

    Args:
        model: the model.
        named: its `named_weights`.
    """
    left = {id(tensor): (name, tensor) for name, tensor in named.items()}
    found = []
    for layer in layers_of(model) or ():
        own = [left.pop(id(tensor)) for tensor in _weights(layer) if id(tensor) in left]
        found += sorted(own, key=lambda pair: not pair[1].requires_grad)
    return dict([*found, *left.values()])


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
