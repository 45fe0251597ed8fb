"""Gradients of a loss by the parameters of a model."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import BackwardCFunction

from onfit.layers.wrappers import shares_gradients

Gradients = Sequence[Tensor | None]


def gradients(loss: Tensor, params: Sequence[Tensor]) -> Gradients:
    """The gradient of `loss`, a scalar, by each of `params`; None where the loss does not depend
    on one.
    """
    return torch.autograd.grad(loss, params, allow_unused=True)


def accumulated(loss: Tensor, params: Sequence[Tensor]) -> Gradients:
    """The same by way of `loss.backward()`, for what works only there. What `.grad` held before, it
    holds afterwards.
    """
    before = [param.grad for param in params]
    for param in params:
        param.grad = None
    try:
        loss.backward()  # type: ignore[no-untyped-call]
        return [param.grad for param in params]
    finally:
        for param, grad in zip(params, before, strict=True):
            param.grad = grad


def added_to(
    earlier: Sequence[Tensor], loss: Tensor, params: Sequence[Tensor], scale: Callable[[Any], Any]
) -> Gradients:
    """The same, where earlier gradients are in `.grad` when `loss.backward()` begins; what DDP
    brings together is then the sum. None for a parameter on which no loss of any process depends.

    Args:
        earlier: the gradients of earlier batches, by each parameter.
        loss: a scalar.
        params: the parameters.
        scale: what the loss was scaled by, which these gradients were not.
    """
    before = [param.grad for param in params]
    begun = [scale(one.clone()) for one in earlier]
    versions = [one._version for one in begun]
    for param, one in zip(params, begun, strict=True):
        param.grad = one
    try:
        loss.backward()  # type: ignore[no-untyped-call]
        return [
            None if one._version == version and param.grad is one else param.grad
            for param, one, version in zip(params, begun, versions, strict=True)
        ]
    finally:
        for param, grad in zip(params, before, strict=True):
            param.grad = grad


def gradients_of(net: nn.Module, loss: Tensor, params: Sequence[Tensor]) -> Gradients:
    """The gradients of a `loss` of `net`, by whichever of the two ways it needs."""
    compute = accumulated if needs_backward(net, loss, params) else gradients
    return compute(loss, params)


def needs_backward(net: nn.Module, loss: Tensor, params: Sequence[Tensor]) -> bool:
    """Whether something works only with `loss.backward()`: it waits for a parameter's `.grad`, or
    runs a pass of its own.

    Args:
        net: the module that trains.
        loss: its loss on a batch.
        params: its parameters that train.
    """
    return (
        shares_gradients(net)
        or any(map(waits_for_grad, params))
        or any(_runs_by_itself(node) or _is_hooked_leaf(node) for node in nodes_of(loss))
    )


def waits_for_grad(param: Tensor) -> bool:
    """Whether a hook of a user waits for the `.grad` of `param`."""
    return bool(getattr(param, "_post_accumulate_grad_hooks", None))


def _runs_by_itself(node: Any) -> bool:
    """Whether a node is a function written in Python, other than what `torch.compile` makes. It may
    call `backward`, as do checkpoints of the older kind (`use_reentrant=True`).
    """
    name: str = node.name()
    return isinstance(node, BackwardCFunction) and not name.startswith("CompiledFunction")


def _is_hooked_leaf(node: Any) -> bool:
    """Whether a node adds to a parameter's `.grad`, and a hook waits for that."""
    if node.name() != "torch::autograd::AccumulateGrad":
        return False
    if waits_for_grad(node.variable):
        return True
    handle = node.register_hook(_nothing)  # all hooks of a node share one dict
    hooked = len(handle.hooks_dict_ref() or ()) > 1
    handle.remove()
    return hooked


def _nothing(*of_node: Any) -> None:
    """A hook that does nothing."""


def nodes_of(loss: Tensor) -> Iterator[Any]:
    """Every node in the graph of `loss`, once."""
    seen: set[Any] = {None}
    waiting: list[Any] = [loss.grad_fn]
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            yield node
            waiting += [following for following, _ in node.next_functions]
