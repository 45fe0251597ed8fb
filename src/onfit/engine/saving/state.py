"""Weights and optimizer slots as arrays, and arrays back in their place."""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from onfit.engine.saving.layout import TOP_LEVEL, Array, Arrays
from onfit.errors import FileFormatError
from onfit.optimizers import Optimizer

if TYPE_CHECKING:
    from onfit.engine.model import Model

Tensors = list[tuple[str, Tensor]]

# An error shows so many layers of a model; a large one has hundreds.
_LAYERS_SHOWN = 20


# --- weights ---------------------------------------------------------------------------------


def tensors_of(model: "Model") -> dict[str, Tensors]:
    """For each layer with weights, the layer's names for them and the tensors themselves."""
    layers: dict[str, Tensors] = {}
    for name, tensor in model.named_weights():
        layer, dot, own = name.partition(".")
        if not dot:
            layer, own = TOP_LEVEL, name
        layers.setdefault(layer, []).append((own.replace(".", "/"), tensor))
    if TOP_LEVEL in layers:  # last, where a file has them
        layers[TOP_LEVEL] = layers.pop(TOP_LEVEL)
    return layers


def arrays_of(model: "Model") -> dict[str, Arrays]:
    """The same, as arrays. They share the memory of tensors on the CPU."""
    return {
        layer: [(name, as_array(tensor)) for name, tensor in tensors]
        for layer, tensors in tensors_of(model).items()
    }


def as_array(tensor: Tensor) -> Array:
    """The values of a tensor; those of types that numpy lacks (bfloat16) as float32."""
    tensor = tensor.detach().cpu()
    if tensor.is_floating_point() and tensor.dtype not in _NUMPY_FLOATS:
        tensor = tensor.float()
    array: Array = tensor.numpy()
    return array


_NUMPY_FLOATS = (torch.float16, torch.float32, torch.float64)


def assign(model: "Model", saved: Mapping[str, Arrays], asked: str) -> None:
    """Copy saved weights into the model's own tensors.

    Layers are matched by name if both sides have the same names, else by order; so are the
    weights of a layer.

    Raises:
        FileFormatError: if they do not fit; nothing is changed then.
    """
    mine = tensors_of(model)
    pairs = _pairs(mine, saved)
    if pairs is None:
        raise FileFormatError(
            f"{asked}: these weights do not fit {model.described}; nothing is changed.\n"
            f"  It has:       {_listed(mine)}\n"
            f"  The file has: {_listed(saved)}\n"
            "Load them into a model of the same layers."
        )
    with torch.no_grad():
        for tensor, value in pairs:
            tensor.copy_(torch.as_tensor(value))


def _pairs(
    mine: Mapping[str, Tensors], saved: Mapping[str, Arrays]
) -> list[tuple[Tensor, Array]] | None:
    """Each tensor with the array that goes into it; None if any does not fit."""
    if len(mine) != len(saved):
        return None
    pairs = []
    for tensors, arrays in _matched(list(mine.items()), list(saved.items())):
        if len(tensors) != len(arrays):
            return None
        pairs += _matched(tensors, arrays)
    fits = all(tuple(tensor.shape) == value.shape for tensor, value in pairs)
    return pairs if fits else None


def _matched(mine: Any, saved: Any) -> list[tuple[Any, Any]]:
    """Pairs of what belongs together in two equally long lists of (name, item)."""
    by_name = dict(saved)
    if by_name.keys() == dict(mine).keys():
        return [(item, by_name[name]) for name, item in mine]
    return [(item, other) for (_, item), (_, other) in zip(mine, saved, strict=True)]


def _listed(layers: Mapping[str, Sequence[tuple[str, Any]]]) -> str:
    shown = [
        f"{layer}: " + ", ".join(f"{name} {tuple(value.shape)}" for name, value in weights)
        for layer, weights in islice(layers.items(), _LAYERS_SHOWN)
    ]
    more = len(layers) - _LAYERS_SHOWN
    return "; ".join(shown + ([f"and {more} layers more"] if more > 0 else [])) or "no weights"


# --- the optimizer ---------------------------------------------------------------------------


def optimizer_arrays(model: "Model", optimizer: Optimizer) -> Arrays:
    """Keras' optimizer variables: steps, learning rate, and the slots of what trains now.

    The optimizer is built for that, as its next step would: new weights have slots of zeros.
    """
    params = _trainables(model)
    optimizer.build(params)
    names = {id(tensor): name.replace(".", "_") for name, tensor in model.named_weights()}
    slots = [
        (f"{model.name}_{names[id(params[i])]}_{slot}", as_array(optimizer.slots[slot][i]))
        for slot, i in _slot_order(optimizer)
    ]
    first = [("iteration", np.array(optimizer.iterations))]
    if optimizer.schedule is None:
        first.append(("learning_rate", np.array(optimizer.learning_rate, dtype=np.float32)))
    last = [(name, np.array(value, np.float32)) for name, value in optimizer.scalars.items()]
    return [(f"{optimizer.name}/{name}", value) for name, value in [*first, *slots, *last]]


def restore_optimizer(model: "Model", optimizer: Optimizer, saved: Arrays) -> bool:
    """Build the optimizer and give it a saved state; False, and a fresh one, if that is not its.

    The learning rate comes from the configuration, where it has all its digits, and the scalars
    from the number of steps.
    """
    optimizer.build(_trainables(model))
    order = _slot_order(optimizer)
    first = 1 if optimizer.schedule is not None else 2
    shapes = [tuple(optimizer.slots[slot][i].shape) for slot, i in order]
    expected = [*[()] * first, *shapes, *[()] * len(optimizer.scalars)]
    values = [value for _, value in saved]
    if [value.shape for value in values] != expected:
        return False
    slots = dict(zip(order, values[first:], strict=False))
    own_order = [(slot, i) for i in range(len(optimizer.params)) for slot in optimizer.slot_names]
    optimizer.load_state(int(values[0]), [slots[place] for place in own_order])
    return True


def _slot_order(optimizer: Optimizer) -> list[tuple[str, int]]:
    """Slot names and indices of parameters in the order in which Keras makes the variables:
    slot after slot, but the first `together` of them side by side for each parameter.
    """
    names, together = list(optimizer.slot_names), optimizer.together
    groups = [names[:together], *([name] for name in names[together:])]
    indices = range(len(optimizer.params))
    return [(name, index) for group in groups for index in indices for name in group]


def _trainables(model: "Model") -> list[Tensor]:
    return [param for param in model.parameters() if param.requires_grad]
