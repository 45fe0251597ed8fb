"""The same layers again, with weights of their own."""

from torch import nn

from onfit.engine.model.model import Clone, Model
from onfit.engine.model.weights import drawn_again
from onfit.layers import Layer, TorchModule


def clone_model(model: Model, clone_function: Clone | None = None) -> Model:
    """A model of the same layers, whose weights begin anew. It is not compiled.

    Args:
        model: a `Sequential`, a functional model, or any other, which is then copied with the
            weights of its torch modules drawn again.
        clone_function: makes the new layer of each old one; by default from its `get_config`.

    Example:
        >>> from onfit.layers import Dense
        >>> from onfit.models import Sequential
        >>> twin = clone_model(Sequential([Dense(3, input_dim=4)]))
        >>> twin.output_shape
        (None, 3)
    """
    return model.cloned(_remembering(clone_function or clone_layer))


def clone_layer(layer: nn.Module) -> nn.Module:
    """A layer of the same arguments, with weights of its own."""
    if isinstance(layer, Model):
        return clone_model(layer)
    if isinstance(layer, Layer) and not isinstance(layer, TorchModule):
        made: nn.Module = type(layer).from_config(layer.get_config())
        return made
    return drawn_again(layer)


def _remembering(clone: Clone) -> Clone:
    """`clone`, which clones a layer once, also if the model uses the layer twice."""
    clones: dict[int, nn.Module] = {}

    def once(layer: nn.Module) -> nn.Module:
        if id(layer) not in clones:
            clones[id(layer)] = clone(layer)
        return clones[id(layer)]

    return once
