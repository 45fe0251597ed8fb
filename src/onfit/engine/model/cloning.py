"""The same layers again, with weights of their own."""

from typing import Any

from torch import nn

from onfit.engine.model.model import Clone, Model
from onfit.engine.model.weights import drawn_again
from onfit.errors import ArgumentTypeError
from onfit.layers import Layer, TorchModule
from onfit.layers.graph import Operation, symbols_in
from onfit.policies import choosing


def clone_model(
    model: Model, input_tensors: Any = None, clone_function: Clone | None = None
) -> Model:
    """A model of the same layers, whose weights begin anew. It is not compiled.

    Args:
        model: a `Sequential`, a functional model, or any other, which is then copied with the
            weights of its torch modules drawn again.
        input_tensors: what `Input(...)` gave, or a list of such, for the clone to begin from;
            None for inputs of the same shapes.
        clone_function: makes the new layer of each old one; by default from its `get_config`.

    Raises:
        ArgumentTypeError: for input tensors that are no symbols.
        ArgumentError: if they do not fit the model.

    Example:
        >>> from onfit.layers import Dense
        >>> from onfit.models import Sequential
        >>> twin = clone_model(Sequential([Dense(3, input_dim=4)]))
        >>> twin.output_shape
        (None, 3)
    """
    begin = list(symbols_in(input_tensors))
    if input_tensors is not None and not begin:
        raise ArgumentTypeError(
            f"clone_model(input_tensors={input_tensors!r}) takes what Input(...) gives. (A "
            "function that clones layers is clone_function=.)"
        )
    with choosing(None):  # the types are those of the model
        twin = model.cloned(_remembering(clone_function or clone_layer), begin)
    twin.compute_in(model.policy_before_compile)
    return twin


def clone_layer(layer: nn.Module) -> nn.Module:
    """A layer of the same arguments, with weights of its own."""
    if isinstance(layer, Model):
        return clone_model(layer)
    if isinstance(layer, Operation):
        return Operation(layer.computes, **layer.options)
    if isinstance(layer, Layer) and not isinstance(layer, TorchModule):
        made = type(layer).from_config(layer.get_config())
        made.compute_in(layer._policy)
        return made
    return drawn_again(layer)


def _remembering(clone: Clone) -> Clone:
    """`clone`, which clones a layer once, also if the model uses the layer twice."""
    clones: dict[int, nn.Module] = {}

    def once(layer: nn.Module) -> nn.Module:
        if id(layer) not in clones:
            own = clone_layer if isinstance(layer, Operation) else clone
            clones[id(layer)] = own(layer)
        return clones[id(layer)]

    return once
