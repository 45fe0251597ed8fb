"""Gradients of a loss by the parameters of a model."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

Gradients = Sequence[Tensor | None]


def gradients(loss: Tensor, params: Sequence[Tensor]) -> Gradients:
    """The gradient of `loss`, a scalar, by each of `params`; None where the loss does not depend
    on one.
    """
    return torch.autograd.grad(loss, params, allow_unused=True)


def accumulated(loss: Tensor, params: Sequence[Tensor]) -> Gradients:
    """The same by way of `loss.backward()`, for what works only there."""
    for param in params:
        param.grad = None
    loss.backward()  # type: ignore[no-untyped-call]
    grads = [param.grad for param in params]
    for param in params:
        param.grad = None
    return grads


def needs_backward(loss: Tensor, params: Sequence[Tensor]) -> bool:
    """Whether something in the graph of `loss` works only with `backward`: hooks that wait for
    `.grad`, and checkpoints of the older kind (`use_reentrant=True`), which call it themselves.
    """
    if any(getattr(param, "_post_accumulate_grad_hooks", None) for param in params):
        return True
    return any(node.name().startswith("CheckpointFunctionBackward") for node in nodes_of(loss))


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
