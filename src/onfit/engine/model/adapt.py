"""A bare torch module as a Model, for callbacks in a loop that a user writes."""

from typing import Any

from torch import nn

from onfit.engine.model.model import Model
from onfit.engine.model.wrapped import Wrapped
from onfit.engine.step.compiled import Compiled
from onfit.engine.step.trained import Trained
from onfit.errors import ArgumentTypeError
from onfit.layers.wrappers import trained_parameters


def adapt(module: Any, optimizer: Any = None) -> Model:
    """`module` as a Model that holds `optimizer`; the same weights, nothing copied.

    Args:
        module: a torch module.
        optimizer: an optimizer, or a list of torch optimizers.

    Raises:
        ArgumentTypeError: for another model or optimizer.
        ArgumentError: for an optimizer of other parameters.
    """
    if not isinstance(module, nn.Module):
        raise ArgumentTypeError(
            f"a run trains a torch.nn.Module; got {type(module).__module__}."
            f"{type(module).__name__}."
        )
    model = module if isinstance(module, Model) else Wrapped(module)
    if optimizer is not None:
        model._adopt(Compiled(optimizer), Trained(model.trainable))
        model.compiled.optimizer.build(trained_parameters(model))
        model.compiled.optimizer.keeps_gradients = True
    return model
