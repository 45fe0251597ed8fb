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
    return [partial(_penalty, layer, weight) for layer, weight in weights_with(model, _SUFFIX)]


def weights_with(model: nn.Module, suffix: str) -> Iterator[tuple[nn.Module, str]]:
    """Layers, and names of their weights: of those `kernel` for which there is a `kernel<suffix>`.

    Args:
        model: the model whose layers, at any depth, are looked at.
        suffix: what the layer's attribute is called beyond the weight's name: `"_constraint"`.
    """
    for layer in model.modules():
        for name, value in vars(layer).items():
            weight = name.removesuffix(suffix)
            if weight != name and value is not None and getattr(layer, weight, None) is not None:
                yield layer, weight


def _penalty(layer: Any, weight: str) -> Tensor:
    # Both are looked up each time: the user may replace the regularizer, or change its factor.
    penalty: Tensor = getattr(layer, weight + _SUFFIX)(getattr(layer, weight))
    return penalty
