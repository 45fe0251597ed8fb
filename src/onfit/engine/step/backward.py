"""Gradients, with as little between the loss and torch's engine as can be."""

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge

Gradients = Sequence[Tensor | None]
Engine = Callable[..., tuple[Tensor | None, ...]]


def gradients(loss: Tensor, params: Sequence[Tensor | GradientEdge]) -> Gradients:
    """The gradient of `loss`, a scalar, by each of `params`, or of edges of its graph; None where
    it does not depend on one.

    What `torch.autograd.grad` gives. That spends longer on looking at its arguments, which are
    known here, than a small network's backward pass takes.
    """
    engine = _engine()
    if engine is None or loss.ndim:
        # torch takes tensors and edges side by side, though its types do not say so.
        return torch.autograd.grad(loss, params, allow_unused=True)  # type: ignore[arg-type]
    # Anew each time: it is handed out as a gradient, and a user's hook may change it.
    one = torch.ones_like(loss)
    keep_graph, create_graph, allow_unused, accumulate = False, False, True, False
    inputs = tuple(params)
    return engine((loss,), (one,), keep_graph, create_graph, inputs, allow_unused, accumulate)


def accumulated(loss: Tensor, params: Sequence[Tensor]) -> Gradients:
    """The same by way of `loss.backward()`, for what only that knows how to do."""
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


def engine_does_more() -> bool:
    """Whether torch's engine does more than the arithmetic: it casts, or looks for NaN."""
    return torch.is_autocast_enabled("cpu") or torch.is_anomaly_enabled()


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


@functools.cache
def _engine() -> Engine | None:
    """The engine's own entry, if this torch has it and it does what it has always done.

    It is no public name, so it is tried on a known gradient once before it is trusted.
    """
    engine = _entry()
    if engine is None:
        return None
    with torch.enable_grad():
        x, unused = (torch.ones((), requires_grad=True) for _ in range(2))
        try:
            found = engine((x * 3,), (torch.ones(()),), False, False, (x, unused), True, False)
            right = found[0] is not None and float(found[0]) == 3.0 and found[1] is None
        except (TypeError, RuntimeError, LookupError):
            return None
    return engine if right and x.grad is None else None


def _entry() -> Engine | None:
    variable: Any = torch.autograd.Variable
    entry: Engine | None = getattr(
        getattr(variable, "_execution_engine", None), "run_backward", None
    )
    return entry
