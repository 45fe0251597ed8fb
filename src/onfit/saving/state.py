"""The state of an optimizer as arrays, and arrays put back into it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from onfit.layers.wrappers import divided_like, whole
from onfit.optimizers import LossScaleOptimizer, Optimizer
from onfit.saving.contents import Arrays
from onfit.saving.fitting import Named, value_for
from onfit.saving.keras_order import trainables_of

if TYPE_CHECKING:
    from onfit.engine.model.model import Model


def optimizer_arrays(
    model: "Model", optimizer: Optimizer, named: Named, keep: Callable[[str, Tensor], Tensor]
) -> Arrays:
    """Keras' optimizer variables: steps, learning rate, and the slots of the weights that train.

    The optimizer is built first, as its next step would build it: new weights have slots of zeros.

    Args:
        model: the model that the optimizer trains.
        optimizer: the optimizer.
        named: the model's `named_weights`.
        keep: gives, for a name and a slot, the tensor to hold on to.
    """
    optimizer.build(model.trained_weights)
    if isinstance(optimizer, LossScaleOptimizer):
        inner = optimizer.inner_optimizer
        return [*_scale_arrays(optimizer), *_slot_arrays(model, inner, named, keep)]
    return _slot_arrays(model, optimizer, named, keep)


def _scale_arrays(optimizer: LossScaleOptimizer) -> Arrays:
    """What Keras writes of such an optimizer before the variables of the one within."""
    scale = np.array(optimizer.dynamic_scale, np.float32)
    count = np.array(int(optimizer.step_counter), np.int32)
    unused = {"iteration": np.array(0), "learning_rate": np.array(0, np.float32)}
    own = {**unused, "step_counter": count, "dynamic_scale": scale}
    return [(f"{optimizer.name}/{name}", value) for name, value in own.items()]


_OF_SCALE = 4  # how many these are


def inner_arrays(optimizer: Optimizer, arrays: Arrays) -> Arrays:
    """The part of `optimizer_arrays` that belongs to an optimizer within; else nothing."""
    return arrays[_OF_SCALE:] if isinstance(optimizer, LossScaleOptimizer) else []


def _slot_arrays(
    model: "Model", optimizer: Optimizer, named: Named, keep: Callable[[str, Tensor], Tensor]
) -> Arrays:
    params = optimizer.params
    names = {id(tensor): name.replace(".", "_") for name, tensor in named.items()}
    slots = [
        (name, keep(f"optimizer/{name}", whole(optimizer.slots[slot][i])))
        for slot, i in _slot_order(model, optimizer)
        for name in [f"{model.name}_{names[id(params[i])]}_{slot}"]
    ]
    first = [("iteration", np.array(optimizer.batches))]
    if optimizer.schedule is None:
        first.append(("learning_rate", np.array(optimizer.learning_rate, dtype=np.float32)))
    last = [(name, np.array(value, np.float32)) for name, value in optimizer.scalars.items()]
    return [(f"{optimizer.name}/{name}", value) for name, value in [*first, *slots, *last]]


def restore_optimizer(model: "Model", optimizer: Optimizer, saved: Arrays, asked: str) -> bool:
    """Build the optimizer and give it the state in an open file.

    It returns False, and the optimizer stays fresh, if the state is not one of such an optimizer.

    The learning rate comes from the configuration, where it has all its digits, and the scalars
    from the number of steps.
    """
    optimizer.build(model.trained_weights)
    if isinstance(optimizer, LossScaleOptimizer):
        return _restore_scale(model, optimizer, saved, asked)
    order = _slot_order(model, optimizer)
    first = 1 if optimizer.schedule is not None else 2
    shapes = [tuple(optimizer.slots[slot][i].shape) for slot, i in order]
    expected = [*[()] * first, *shapes, *[()] * len(optimizer.scalars)]
    values = [value for _, value in saved]
    if [tuple(value.shape) for value in values] != expected:
        return False
    slots = {
        (slot, i): divided_like(
            value_for(optimizer.slots[slot][i], value, asked), optimizer.slots[slot][i]
        )
        for (slot, i), value in zip(order, values[first:], strict=False)
    }
    own_order = [(slot, i) for i in range(len(optimizer.params)) for slot in optimizer.slots]
    optimizer.load_state(int(values[0].read()), [slots[place] for place in own_order])
    return True


def _restore_scale(
    model: "Model", optimizer: LossScaleOptimizer, saved: Arrays, asked: str
) -> bool:
    own = [value for _, value in saved[:_OF_SCALE]]
    if [tuple(value.shape) for value in own] != [()] * _OF_SCALE:
        return False
    if not restore_optimizer(model, optimizer.inner_optimizer, saved[_OF_SCALE:], asked):
        return False
    count, scale = (value.read() for value in own[2:])
    optimizer.step_counter, optimizer.dynamic_scale = int(count), float(scale)
    return True


def _slot_order(model: "Model", optimizer: Optimizer) -> list[tuple[str, int]]:
    """Slot names and indices of parameters, in the order in which Keras makes the variables."""
    places = {id(param): index for index, param in enumerate(optimizer.params)}
    return optimizer.slot_order([places[id(param)] for param in trainables_of(model)])
