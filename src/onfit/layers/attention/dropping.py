"""What the layers of attention have in common: they drop a fraction of the scores in training."""

from typing import Any

from onfit.layers.checks import fraction
from onfit.layers.core import Dropout
from onfit.layers.layer import Layer


class DropsScores(Layer):
    """A layer that drops a fraction of its scores in training.

    Args:
        dropout: the fraction; it may be set at any time.
        seed: an int, to drop with a generator of the layer's own.
        **layer: arguments of every layer.
    """

    def __init__(self, dropout: float = 0.0, seed: int | None = None, **layer: Any) -> None:
        super().__init__(**layer)
        self.seed = seed
        self.dropout_layer = Dropout(fraction(self, "dropout", dropout), seed=seed)

    @property
    def dropout(self) -> float:
        """The fraction of the scores to drop in training."""
        return self.dropout_layer.rate

    @dropout.setter
    def dropout(self, rate: float) -> None:
        self.dropout_layer.rate = fraction(self, "dropout", rate)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dropout": self.dropout, "seed": self.seed}
