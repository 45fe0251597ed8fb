"""A loss that is scaled up, and gradients that are scaled back, so that float16 loses none."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from onfit.errors import ArgumentError, ArgumentTypeError
from onfit.optimizers import by_name, options
from onfit.optimizers.learning_rate import Iterations, LearningRate
from onfit.optimizers.optimizer import Optimizer
from onfit.optimizers.wrapping.torch_optimizer import TorchOptimizer
from onfit.optimizers.wrapping.within import WithInner

# A scale that falls to 0 would make the gradients of the next good batch NaN, and one that grows to
# infinity would never come back.
SMALLEST, LARGEST = 2.0**-126, 2.0**127


class LossScale(LearningRate):
    """The loss scale: a float that can also be assigned to, like Keras' variables."""

    name = "dynamic_scale"
    _attribute = "dynamic_scale"


class LossScaleOptimizer(WithInner):
    """Scales the loss for another optimizer, by a factor that fits itself to the gradients.

    In float16 small gradients become 0. `fit` multiplies the loss by the scale, and each gradient
    is divided by it before the optimizer within uses it. After a batch whose gradients are not all
    finite, no step is taken, and the scale is halved; after `dynamic_growth_steps` batches of
    finite ones it is doubled.

    Args:
        inner_optimizer: takes the steps: an optimizer of onfit's, or a torch optimizer. Its
            `loss_scale_factor` is set to None. What all optimizers have, such as `clipnorm` or
            `use_ema`, is its own.
        initial_scale: the first scale. A scale that is too high is lowered at each batch, so it
            had better be too high than too low.
        dynamic_growth_steps: after how many batches of finite gradients the scale is doubled.
        name: its name.
        **base: Keras' further arguments: `dynamic`, which can only be True, and those of all
            optimizers, which belong to the optimizer within.

    Attributes:
        inner_optimizer: the optimizer within.
        dynamic_scale: the scale now; it can be set.
        step_counter: how many batches in a row had finite gradients, since the scale last changed.

    Raises:
        ArgumentError: for an argument that belongs to the optimizer within, and for an impossible
            value.
        ArgumentTypeError: for an inner optimizer that is none.

    Example:
        >>> from onfit.optimizers import SGD
        >>> weight = torch.ones(1)
        >>> optimizer = LossScaleOptimizer(SGD(0.5), initial_scale=4.0)
        >>> optimizer.build([weight])
        >>> optimizer.apply([torch.tensor([4.0])])  # the gradient of a loss that was scaled
        >>> weight
        tensor([0.5000])
        >>> optimizer.apply([torch.tensor([float("inf")])])
        >>> weight, optimizer.dynamic_scale
        (tensor([0.5000]), 2.0)
    """

    def __init__(
        self,
        inner_optimizer: Any,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **base: Any,
    ) -> None:
        _refuse_arguments(base)
        super().__init__(_checked_inner(inner_optimizer))
        if self.inner_optimizer.loss_scale_factor is not None:
            self.inner_optimizer.loss_scale_factor = None
        self.loss_scale_factor = None
        self.name = name or "loss_scale_optimizer"
        self.initial_scale = _checked_scale("initial_scale", initial_scale)
        self.dynamic_growth_steps = _checked_steps(dynamic_growth_steps)
        self._scale = self.initial_scale
        self._finite = 0
        self._is_made = True

    def __setattr__(self, name: str, value: Any) -> None:
        if not self._is_made:
            object.__setattr__(self, name, value)
        elif name == "dynamic_growth_steps":
            object.__setattr__(self, name, _checked_steps(value))
        elif name in ("inner_optimizer", "initial_scale", "loss_scale_factor"):
            raise ArgumentError(
                f"LossScaleOptimizer.{name} = {value!r}: it is fixed when the optimizer is made. "
                "Set dynamic_scale, or compile the model with another LossScaleOptimizer."
            )
        else:
            super().__setattr__(name, value)

    @property
    def dynamic_scale(self) -> LossScale:
        """The scale of the next batch's loss."""
        return LossScale(self._scale, self)

    @dynamic_scale.setter
    def dynamic_scale(self, value: Any) -> None:
        self._scale = _checked_scale("dynamic_scale", value)

    @property
    def step_counter(self) -> Iterations:
        """How many batches in a row had finite gradients, since the scale last changed."""
        return Iterations(self._finite, self, "step_counter")

    @step_counter.setter
    def step_counter(self, value: Any) -> None:
        self._finite = int(value)

    # --- steps -----------------------------------------------------------------------------

    def scale_loss(self, loss: Any) -> Any:
        """The loss times the scale."""
        return loss * self._scale

    @torch.no_grad()
    def apply(
        self,
        grads: Sequence[Tensor | None],
        trainable_variables: Sequence[Tensor] | None = None,
    ) -> None:
        """Take one step along gradients of the scaled loss; none if they are not all finite."""
        if trainable_variables is not None:
            grads = self._in_own_order(grads, trainable_variables)
        if self.exchange is not None:  # before they are judged, so that all processes agree
            grads = self.exchange(self.params, grads)
        unscaled = [None if grad is None else grad / self._scale for grad in grads]
        if self.check_finite(grads):
            self.inner_optimizer.apply(unscaled)
            self._count()
        else:
            self._finite, self._scale = 0, max(self._scale * 0.5, SMALLEST)
            if self.watch is not None:  # callbacks see why no step was taken
                self.watch.show(self.params, unscaled)

    def _count(self) -> None:
        """Count a batch of finite gradients, and double the scale when it is time to."""
        self._finite += 1
        if self._finite >= self.dynamic_growth_steps:
            self._finite, self._scale = 0, min(self._scale * 2.0, LARGEST)

    def check_finite(self, grads: Sequence[Tensor | None]) -> bool:
        """Whether all numbers of the gradients are finite. It waits for the device."""
        known = [grad for grad in grads if grad is not None]
        if not known:
            return True
        largest = torch._foreach_norm(known, math.inf)
        return bool(torch.stack(list(largest)).isfinite().all())

    # --- state -----------------------------------------------------------------------------

    @property
    def variables(self) -> list[Any]:
        """`step_counter`, `dynamic_scale`, and the variables of the optimizer within."""
        return [self.step_counter, self.dynamic_scale, *self.inner_optimizer.variables]

    def flags(self) -> dict[str, Any]:
        own = {"scale": self._scale, "finite": self._finite, "growth": self.dynamic_growth_steps}
        return {**self.inner_optimizer.flags(), "loss_scale": own}

    def load_flags(self, state: dict[str, Any]) -> None:
        own = state["loss_scale"]
        self._scale, self._finite = float(own["scale"]), int(own["finite"])
        self.dynamic_growth_steps = own["growth"]
        self.inner_optimizer.load_flags(state)

    def state_dict(self) -> dict[str, Any]:
        return {**self.inner_optimizer.state_dict(), **self.flags()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.inner_optimizer.load_state_dict(state)
        self.load_flags(state)

    def reset_state(self) -> None:
        """Forget the gradients of all steps so far; the scale is the first one again."""
        self.inner_optimizer.reset_state()
        self._scale, self._finite = self.initial_scale, 0

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "inner_optimizer": by_name.described(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "Optimizer":
        inner = config["inner_optimizer"]
        if isinstance(inner, dict):
            inner = by_name.made(inner, custom_objects)
        return cls(**{**config, "inner_optimizer": inner})


def _refuse_arguments(base: dict[str, Any]) -> None:
    """Refuse arguments that are another optimizer's, and those that there are not."""
    if not base.pop("dynamic", True):
        raise ArgumentError(
            "LossScaleOptimizer(dynamic=False): its scale always fits itself to the gradients. "
            "Instead, set `loss_scale_factor` on the optimizer itself."
        )
    for name in options.DEFAULTS.keys() & base.keys():
        # Files of older versions of Keras name them all, with what changes nothing.
        if base.pop(name) != options.DEFAULTS[name]:
            raise ArgumentError(
                f"LossScaleOptimizer({name}=...): it only scales the loss. Pass `{name}` to the "
                "optimizer within: set it on the `inner_optimizer`."
            )
    if base:
        raise ArgumentError(
            f"LossScaleOptimizer does not support arguments: `{'`, `'.join(base)}`. It takes "
            "inner_optimizer, initial_scale, dynamic_growth_steps and name."
        )


def _checked_inner(optimizer: Any) -> Optimizer:
    if hasattr(optimizer, "param_groups"):
        return TorchOptimizer(optimizer)
    if not isinstance(optimizer, Optimizer) or isinstance(optimizer, LossScaleOptimizer):
        raise ArgumentTypeError(
            f"LossScaleOptimizer({optimizer!r}): it scales the loss for another optimizer. Pass "
            "one, such as optimizers.Adam(), or a torch optimizer."
        )
    return optimizer


def _checked_scale(name: str, value: Any) -> float:
    scale = float(value)
    if not SMALLEST <= scale <= LARGEST:
        raise ArgumentError(
            f"LossScaleOptimizer: {name}={value!r}: a scale is a number above 0, which a float32 "
            f"can hold: from {SMALLEST:g} to {LARGEST:g}."
        )
    return scale


def _checked_steps(value: Any) -> int:
    if int(value) != value or value < 1:
        raise ArgumentError(
            f"LossScaleOptimizer: dynamic_growth_steps={value!r}: it is a number of batches from 1 "
            "upwards."
        )
    return int(value)
