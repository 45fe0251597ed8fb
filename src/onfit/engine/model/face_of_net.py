"""A torch module as callbacks see it: in a run, or in a loop that holds the module itself."""

from typing import Any

import torch
from torch import nn

from onfit.engine.model.model import Model
from onfit.engine.model.wrapped import Wrapped
from onfit.engine.step.compiled import Compiled
from onfit.engine.step.trained import Trained
from onfit.errors import ArgumentTypeError
from onfit.layers.wrappers import trained_parameters
from onfit.optimizers import Optimizer


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


def face(net: Any) -> "FaceOfNet":
    """A face of `net`; the same weights and the same optimizer, nothing copied."""
    if not isinstance(net, nn.Module):
        raise ArgumentTypeError(
            f"callbacks act on a torch.nn.Module; got {type(net).__module__}."
            f"{type(net).__name__}. Pass the module to set_model."
        )
    return FaceOfNet(net)


class FaceOfNet(Wrapped):
    """The face of a torch module. A stop shows as `net.stop_training`; the optimizer is
    `net.optimizer`, also one that the loop puts there later.

    Args:
        net: the module that the loop trains.
    """

    def __init__(self, net: nn.Module) -> None:
        super().__init__(net)
        self._carried: Any = None
        self._take_up_optimizer()
        self.stop_training = self.stop_training

    @property
    def stop_training(self) -> bool:
        """Whether a callback asked for a stop, or the loop itself."""
        return bool(getattr(self._modules.get("net"), "stop_training", False))

    @stop_training.setter
    def stop_training(self, value: bool) -> None:
        net = self._modules.get("net")
        if net is not None:  # it is not there yet while the base class sets the flag
            net.stop_training = value  # type: ignore[assignment]

    @property
    def optimizer(self) -> Optimizer | Any:
        """The net's optimizer; None if it carries none."""
        self._take_up_optimizer()
        return super().optimizer

    @optimizer.setter
    def optimizer(self, value: Any) -> None:
        self.net.optimizer = value

    def _take_up_optimizer(self) -> None:
        carried = getattr(self.net, "optimizer", None)
        if carried is not self._carried:
            self._carried, self._compiled = carried, None
            if isinstance(carried, torch.optim.Optimizer | Optimizer):
                adapt(self, carried)
