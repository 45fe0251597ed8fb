"""The penalties that regularized weights add to the loss."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from torch import Tensor, nn

_SUFFIX = "_regularizer"


def penalties_of(model: nn.Module) -> list[Callable[[], Tensor]]:
    """A function for each regularized weight of each layer: it computes the penalty of now.

    A layer has a penalty on its weight `kernel` if it has a `kernel_regularizer`.
    """
    return [
        partial(_penalty, layer, weight)
        for layer in model.modules()
        for weight in _regularized(layer)
    ]


def _regularized(layer: nn.Module) -> Iterator[str]:
    for name, value in vars(layer).items():
        weight = name.removesuffix(_SUFFIX)
        if weight != name and value is not None and getattr(layer, weight, None) is not None:
            yield weight


def _penalty(layer: Any, weight: str) -> Tensor:
    # Both are looked up each time: the user may replace the regularizer, or change its factor.
    penalty: Tensor = getattr(layer, weight + _SUFFIX)(getattr(layer, weight))
    return penalty
