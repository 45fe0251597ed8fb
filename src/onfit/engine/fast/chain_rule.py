"""The chain rule, written out for stacks of plain layers.

For a small layer, torch's engine takes longer than the arithmetic: it notes each operation, and
finds the way back. So for a `Sequential` whose layers are all of a few kinds, a step computes
forward and back by itself, as long as no hook looks in between. The numbers are the same to the
last bit, so the rest of the step does not depend on which way a batch took.
"""

from collections.abc import Callable, Sequence
from itertools import chain
from operator import is_
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch._C import _set_grad_enabled  # as `torch.no_grad` does, without an object for each batch
from torch.autograd.graph import get_gradient_edge
from torch.nn.modules import module as of_all_modules

from onfit.engine.data.arrays import Samples
from onfit.engine.fast.conditions import engine_does_more, is_hooked, is_unpatched
from onfit.engine.fast.derivatives import Memory, Pullback, Rule, rule_of
from onfit.engine.fast.entry import Gradients
from onfit.engine.fast.loss_kernels import Slope, slope_of
from onfit.errors import OnfitError
from onfit.layers import Flatten, Layer
from onfit.layers.activated import Activated
from onfit.layers.precision import Typed, widened
from onfit.layers.weights import Weight, as_plain_tensors
from onfit.losses import Loss
from onfit.optimizers import Optimizer, keeps_no_gradient

if TYPE_CHECKING:
    from onfit.engine.model.compilable import Compilable


# Hooks on all modules: torch calls them, and no single module lists them.
_HOOKS_OF_ALL = (
    of_all_modules._global_forward_pre_hooks,
    of_all_modules._global_forward_hooks,
    of_all_modules._global_backward_pre_hooks,
    of_all_modules._global_backward_hooks,
)


class Passed(NamedTuple):
    """The results of one batch.

    Attributes:
        losses: the total, then those of several outputs.
        outputs: the model's, before their last activation where the loss asks for that.
        gradients: of the total, by each parameter.
    """

    losses: list[Tensor]
    outputs: Any
    gradients: Gradients


# The plain way: takes a batch and the parameters that train now.
Plain = Callable[[Samples, list[Tensor]], tuple[list[Tensor], Any, Gradients]]


def chain_rule_of(
    model: "Compilable", optimizer: Optimizer, loss: Loss | None, on_logits: bool
) -> "ChainRule | None":
    """The chain rule for a model, if it is written out for every part of its training.

    Args:
        model: the model.
        optimizer: what receives the gradients.
        loss: all that is to be lowered; None if it is more than the loss of one output.
        on_logits: whether the loss is given the numbers before the last activation.
    """
    layers = model.plain_stack
    slope = None if loss is None else slope_of(loss, on_logits)
    if layers is None or slope is None or not is_unpatched(model):
        return None
    params = list(model.parameters())
    if not params or not all(map(_is_plain, params)) or not keeps_no_gradient(optimizer):
        return None
    if len(set(layers)) < len(layers) or widened(params[-1]) is not params[-1]:
        return None  # a layer is called twice, or the loss gets floats of another type
    activated = [True] * (len(layers) - 1) + [not on_logits]
    rules = [rule for rule in map(rule_of, layers, activated) if rule is not None]
    return (
        ChainRule(model, rules, activated, slope, optimizer) if len(rules) == len(layers) else None
    )


class ChainRule:
    """Takes batches through a stack of layers, and back.

    Args:
        model: the stack.
        rules: one for each layer.
        activated: for each layer, whether it is to compute with its activation.
        slope: computes the loss, and its gradient.
        optimizer: what receives the gradients.
    """

    def __init__(
        self,
        model: "Compilable",
        rules: Sequence[Rule],
        activated: Sequence[bool],
        slope: Slope,
        optimizer: Optimizer,
    ) -> None:
        self._model = model
        self._optimizer = optimizer
        self._layers = layers = model.plain_stack or []
        self._calls = list(zip(layers, rules, activated, strict=True))
        self._slope = slope
        # The way back ends at the first layer with parameters.
        self._begin = next(index for index, layer in enumerate(layers) if layer._parameters)
        self._activated = [layer for layer in layers if isinstance(layer, Activated)]
        self._activations = [layer.activation for layer in self._activated]
        self._hooks = [*_HOOKS_OF_ALL, *chain.from_iterable(map(_hooks_of, [model, *layers]))]
        self._changes = Typed.changes
        self._memory: Memory = {}
        self._remembered: Sequence[Tensor] = ()  # by whose `id` memory is found: they still live
        self._leaves_are_hooked: bool | None = None  # not known before the first batch

    def __call__(self, batch: Samples, params: Sequence[Tensor]) -> Passed | None:
        """The results of a batch; None if it has to go through torch's engine.

        The gradients last until the next batch: its gradients are written over them.

        Args:
            batch: inputs and targets.
            params: the parameters that train now.
        """
        with as_plain_tensors():
            return self._passed(batch, params)

    def _passed(self, batch: Samples, params: Sequence[Tensor]) -> Passed | None:
        if not self._may_take(batch) or not self._has(params) or self._is_watched(params):
            return None
        memory, self._memory = self._memory, {}
        if params[0].grad is not None:  # the last gradients are shown, and may be kept
            memory = {}
        _set_grad_enabled(False)
        try:
            loss, outputs, gradients = self._there_and_back(batch.x, batch.y, memory)
        except (LookupError, TypeError, RuntimeError, OnfitError):
            return None  # the engine's way says what is wrong, and where
        finally:
            _set_grad_enabled(True)
        self._memory = dict(zip(map(id, params), gradients, strict=True))
        self._remembered = params
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
            self._optimizer.loss_scale_factor is None
            and type(x) is Tensor
            and x.layout is torch.strided
            and type(y) is Tensor
            and weight is None
            and (x.ndim == 2 or isinstance(self._layers[0], Flatten))
        )

    def _has(self, params: Sequence[Tensor]) -> bool:
        """Whether the layers are the same as before, and all their parameters train."""
        layers = self._model.plain_stack or []
        own = [param for layer in layers for param in layer._parameters.values()]
        return (
            layers == self._layers
            and (self._changes == Typed.changes or self._is_still_plain())
            and [layer.activation for layer in self._activated] == self._activations
            and len(own) == len(params)
            and all(map(is_, own, params))
        )

    def _is_still_plain(self) -> bool:
        """Whether no layer has got a policy, after one was set somewhere."""
        plain = all(layer.calls_forward_alone for layer in self._layers if isinstance(layer, Layer))
        if plain:
            self._changes = Typed.changes
        return plain

    def _is_watched(self, params: Sequence[Tensor]) -> bool:
        """Whether a hook looks at what is between, or torch's engine is asked for more."""
        if self._leaves_are_hooked is None:
            self._leaves_are_hooked = any(is_hooked(_leaf_of(param)) for param in params)
        return (
            self._leaves_are_hooked
            or any(self._hooks)
            or bool([p for p in params if p._backward_hooks or p._post_accumulate_grad_hooks])
            or engine_does_more()
            or not torch.is_grad_enabled()
        )


def _is_plain(param: Tensor) -> bool:
    """Whether its numbers lie in its own memory, on the CPU."""
    return type(param) in (nn.Parameter, Weight) and param.is_cpu and param.layout is torch.strided


def _hooks_of(module: nn.Module) -> list[dict[int, Any]]:
    return [
        module._forward_pre_hooks,
        module._forward_hooks,
        module._backward_pre_hooks,
        module._backward_hooks,
    ]


def _leaf_of(param: Tensor) -> Any:
    """The node of torch's engine that adds to the `.grad` of `param`."""
    return get_gradient_edge(param).node
