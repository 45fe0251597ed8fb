"""The chain rule, written out for stacks of plain layers.

To note each operation, to hand over to torch's engine and to find the way back takes longer than
the arithmetic of a small layer. So where a `Sequential` has layers of a few kinds alone, and nobody
looks in between, a step goes there and back by itself. What it computes is the same to the last
bit, so nobody has to know which way a batch went.
"""

from collections.abc import Sequence
from itertools import chain
from operator import is_
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.modules import module as of_all_modules

from onfit.engine.data.arrays import Samples
from onfit.engine.fast.derivatives import Memory, Pullback, Rule, Slope, is_its_class, rule_of
from onfit.engine.step.backward import Gradients, engine_does_more
from onfit.engine.step.loss_and_metrics import Objective
from onfit.errors import OnfitError
from onfit.layers import Flatten
from onfit.layers.activated import Activated
from onfit.optimizers import keeps_no_gradient

if TYPE_CHECKING:
    from onfit.engine.model.compilable import Compilable
    from onfit.engine.model.sequential import Sequential
    from onfit.engine.step.compiled import Compiled


# What nobody sees who looks at one module: these are heard for all of them.
_HOOKS_OF_ALL = (
    of_all_modules._global_forward_pre_hooks,
    of_all_modules._global_forward_hooks,
    of_all_modules._global_backward_pre_hooks,
    of_all_modules._global_backward_hooks,
)


class Passed(NamedTuple):
    """What a batch came to.

    Attributes:
        losses: the total, then those of several outputs.
        outputs: the model's, before their last activation where the loss asks for that.
        gradients: of the total, by each parameter.
    """

    losses: list[Tensor]
    outputs: Any
    gradients: Gradients


def chain_rule_of(
    model: "Compilable", compiled: "Compiled", objective: Objective
) -> "ChainRule | None":
    """The chain rule for a model, if it is written out for all that takes part in its training."""
    from onfit.engine.model.sequential import Sequential  # which is made of steps

    slope = objective.slope
    if type(model) is not Sequential or not is_its_class(model):
        return None
    if slope is None or not keeps_no_gradient(compiled.optimizer):
        return None
    layers, params = model.layers, list(model.parameters())
    if not params or not all(map(_is_plain, params)) or len(set(layers)) < len(layers):
        return None
    activated = [True] * (len(layers) - 1) + [not objective.on_logits]
    rules = [rule for rule in map(rule_of, layers, activated) if rule is not None]
    return ChainRule(model, rules, activated, slope) if len(rules) == len(layers) else None


class ChainRule:
    """Takes batches through a stack of layers, and back.

    Args:
        model: the stack.
        rules: one for each layer.
        activated: whether each is to compute with its activation.
        slope: the loss, and its gradient.
    """

    def __init__(
        self,
        model: "Sequential",
        rules: Sequence[Rule],
        activated: Sequence[bool],
        slope: Slope,
    ) -> None:
        self._model = model
        self._layers = layers = model.layers
        self._calls = list(zip(layers, rules, activated, strict=True))
        self._slope = slope
        # Before the first layer with parameters nothing is asked of the way back.
        self._begin = next(index for index, layer in enumerate(layers) if layer._parameters)
        self._activated = [layer for layer in layers if isinstance(layer, Activated)]
        self._activations = [layer.activation for layer in self._activated]
        self._hooks = [*_HOOKS_OF_ALL, *chain.from_iterable(map(_hooks_of, [model, *layers]))]
        self._memory: Memory = {}

    def __call__(self, batch: Samples, params: Sequence[Tensor]) -> Passed | None:
        """What a batch comes to; None where torch's engine is to be asked.

        The gradients last until the next batch's, which are written over them.

        Args:
            batch: inputs and targets.
            params: what trains now.
        """
        if not self._may_take(batch) or not self._has(params) or self._is_watched(params):
            return None
        memory, self._memory = self._memory, {}
        try:
            with torch.set_grad_enabled(False):
                loss, outputs, gradients = self._there_and_back(batch.x, batch.y, memory)
        except (LookupError, TypeError, RuntimeError, OnfitError):
            return None  # the long way says what is wrong, and where
        self._memory = dict(zip(params, gradients, strict=True))
        return Passed([loss], outputs, gradients)

    def _there_and_back(
        self, x: Tensor, y: Tensor, memory: Memory
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        pullbacks: list[Pullback] = []
        for layer, rule, activated in self._calls:
            x, pullback = rule(layer, x, activated)
            pullbacks.append(pullback)
        loss, gradient = self._slope(y, x)
        gradients: list[Tensor] = []
        for index in range(len(pullbacks) - 1, self._begin - 1, -1):
            gradient, own = pullbacks[index](gradient, index > self._begin, memory)
            gradients = own + gradients
        return loss, x, gradients

    def _may_take(self, batch: Samples) -> bool:
        x, y, weight = batch
        return (
            type(x) is Tensor
            and x.layout is torch.strided
            and type(y) is Tensor
            and weight is None
            and (x.ndim == 2 or isinstance(self._layers[0], Flatten))
        )

    def _has(self, params: Sequence[Tensor]) -> bool:
        """Whether the layers are what they were, and all that they have now trains."""
        layers = self._model.layers
        own = [param for layer in layers for param in layer._parameters.values()]
        return (
            layers == self._layers
            and [layer.activation for layer in self._activated] == self._activations
            and len(own) == len(params)
            and all(map(is_, own, params))
        )

    def _is_watched(self, params: Sequence[Tensor]) -> bool:
        """Whether somebody looks at what is between, or wants more of torch's engine."""
        return (
            any(self._hooks)
            or any(map(_is_hooked, params))
            or engine_does_more()
            or not torch.is_grad_enabled()
        )


def _is_plain(param: Tensor) -> bool:
    """Whether it is where it says it is."""
    return type(param) is nn.Parameter and param.is_cpu and param.layout is torch.strided


def _hooks_of(module: nn.Module) -> list[dict[int, Any]]:
    return [
        module._forward_pre_hooks,
        module._forward_hooks,
        module._backward_pre_hooks,
        module._backward_hooks,
    ]


def _is_hooked(param: Tensor) -> bool:
    return bool(param._backward_hooks or param._post_accumulate_grad_hooks)
