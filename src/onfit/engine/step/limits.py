"""The limits of weights: what `kernel_constraint` and its like ask for, after each step."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from onfit.layers.weights import weights_with

_SUFFIX = "_constraint"


class Limits:
    """Brings the constrained weights of a model within their limits.

    A layer has a limit on its weight `kernel` if it has a `kernel_constraint`.

    Args:
        model: the model whose layers, at any depth, are looked at.

    Attributes:
        weights: the constrained weights, each as its layer and its name there.
    """

    def __init__(self, model: nn.Module) -> None:
        self.weights: list[tuple[Any, str]] = list(weights_with(model, _SUFFIX))

    def impose(self, moved: Iterable[Tensor]) -> None:
        """Bring those of the weights that a step has moved within their limits."""
        ids = {id(param) for param in moved}
        with torch.no_grad():
            for layer, name in self.weights:
                # Both are looked up each time: the user may replace the constraint.
                weight, constraint = getattr(layer, name), getattr(layer, name + _SUFFIX)
                if constraint is not None and id(weight) in ids:
                    weight.copy_(constraint(weight))
