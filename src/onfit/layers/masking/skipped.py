"""Masking: a layer that masks the steps that have one value throughout."""

from typing import Any

from torch import Tensor

from onfit.layers.graph import Symbol, recorded
from onfit.layers.layer import Layer


class Masking(Layer):
    """Masks the steps of which all values are `mask_value`: layers behind it (`LSTM`, `GRU` ...)
    skip them, and so does the loss.

    Args:
        mask_value: the value.
        **layer: arguments of every layer.

    Example:
        >>> import torch
        >>> layer = Masking()
        >>> layer.compute_mask(torch.tensor([[[1.0, 0.0], [0.0, 0.0]]]))
        tensor([[ True, False]])
    """

    supports_masking = True
    makes_masks = True
    walks_sequences = True

    def __init__(self, mask_value: float = 0.0, **layer: Any) -> None:
        super().__init__(**layer)
        self.mask_value = mask_value

    def forward(self, x: Tensor) -> Tensor:
        counts: Tensor = self.compute_mask(x)
        return x * counts.unsqueeze(-1)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """True for each step that has another value; inputs are (batch, steps, features)."""
        others = not_equal(inputs, self.mask_value)
        return recorded("any", others, axis=-1) if isinstance(inputs, Symbol) else others.any(-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mask_value": self.mask_value}


def not_equal(x: Any, value: float) -> Any:
    """Where `x`, a tensor or a symbol, has another value."""
    return recorded("not_equal", x, value) if isinstance(x, Symbol) else x != value
