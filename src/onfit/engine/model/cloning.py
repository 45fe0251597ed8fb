"""The same layers again, with weights of their own."""

import copy
from collections.abc import Callable
from typing import Any, TypeVar

from torch import nn

from onfit.engine.model.functional import Functional
from onfit.engine.model.model import Model
from onfit.engine.model.sequential import Sequential
from onfit.layers import Input, Layer, TorchModule

Clone = Callable[[nn.Module], nn.Module]
_Module = TypeVar("_Module", bound=nn.Module)


def clone_model(model: Model, clone_function: Clone | None = None) -> Model:
    """A model of the same layers, whose weights begin anew. It is not compiled.

    Args:
        model: a `Sequential`, a functional model, or any other, which is then copied with the
            weights of its torch modules drawn again.
        clone_function: makes the new layer of each old one; by default from its `get_config`.

    Example:
        >>> from onfit.layers import Dense
        >>> twin = clone_model(Sequential([Dense(3, input_dim=4)]))
        >>> twin.output_shape
        (None, 3)
    """
    clone = _remembering(clone_function or clone_layer)
    if type(model) is Sequential:
        return _cloned_sequential(model, clone)
    if type(model) is Functional:
        return _cloned_functional(model, clone)
    copied = _drawn_again(model)
    copied._compiled = None
    return copied


def clone_layer(layer: nn.Module) -> nn.Module:
    """A layer of the same arguments, with weights of its own."""
    if isinstance(layer, Model):
        return clone_model(layer)
    if isinstance(layer, Layer) and not isinstance(layer, TorchModule):
        made: nn.Module = type(layer).from_config(layer.get_config())
        return made
    return _drawn_again(layer)


def _cloned_sequential(model: Sequential, clone: Clone) -> Sequential:
    twin = Sequential(name=model.name)
    if model.built:
        begin = model.input
        twin.add(Input(batch_shape=begin.shape, dtype=begin.dtype, name=begin.name))
    for layer in model.layers:
        twin.add(clone(layer))
    return twin


def _cloned_functional(model: Functional, clone: Clone) -> Functional:
    begin = [
        Input(batch_shape=symbol.shape, dtype=symbol.dtype, name=symbol.name)
        for symbol in model.inputs
    ]
    end = model.replayed(begin, clone)
    inputs: Any = begin if isinstance(model.input, list) else begin[0]
    outputs: Any = end if isinstance(model.output, list) else end[0]
    return Functional(inputs, outputs, name=model.name)


def _remembering(clone: Clone) -> Clone:
    """A layer that is used twice is cloned once."""
    clones: dict[int, nn.Module] = {}

    def once(layer: nn.Module) -> nn.Module:
        if id(layer) not in clones:
            clones[id(layer)] = clone(layer)
        return clones[id(layer)]

    return once


def _drawn_again(module: _Module) -> _Module:
    """A copy whose torch modules have drawn their weights again, as new ones would."""
    twin = copy.deepcopy(module)
    for part in twin.modules():
        reset: Any = getattr(part, "reset_parameters", None)
        if reset is not None:
            reset()
    return twin
