"""Embedding: a row of numbers for each whole number."""

from collections.abc import Iterable
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from onfit import constraints, initializers, regularizers
from onfit._types import Identifier
from onfit.errors import DataError
from onfit.initializers.initializer import InitializerLike
from onfit.layers.arguments import OF_ADAPTERS
from onfit.layers.checks import whole
from onfit.layers.layer import Layer
from onfit.layers.masking.skipped import not_equal
from onfit.layers.shapes import Shape


class Embedding(Layer):
    """Looks up a row of its table for each whole number in the input.

    Args:
        input_dim: how many rows there are: inputs are 0 ... input_dim - 1.
        output_dim: how long a row is.
        embeddings_initializer: sets the first values of the table, of shape
            (input_dim, output_dim).
        embeddings_regularizer: penalty on the table.
        embeddings_constraint: limit of the table.
        mask_zero: whether 0 stands for a step that is not there. The output then has a mask, which
            layers behind it (`LSTM`, `GlobalAveragePooling1D` ...) and the loss heed.
        weights: an array, or a list of one array: the table's first values, instead of the
            initializer's.
        input_length: the length of the sequences, if it is fixed; the same as
            `input_shape=(input_length,)`.
        **layer: arguments of every layer.

    Example:
        >>> import torch
        >>> Embedding(1000, 8)(torch.tensor([[4, 20, 7]])).shape
        torch.Size([1, 3, 8])
    """

    of_keras_alone = OF_ADAPTERS
    casts_inputs = False  # half types lack many of the numbers of rows

    embeddings: Tensor

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: InitializerLike = "uniform",
        embeddings_regularizer: Identifier | None = None,
        embeddings_constraint: Identifier | None = None,
        mask_zero: bool = False,
        weights: Iterable[Any] | None = None,
        input_length: int | None = None,
        **layer: Any,
    ) -> None:
        if input_length is not None:
            layer.setdefault("input_shape", (input_length,))
        super().__init__(**layer)
        self.input_dim = whole(self, "input_dim", input_dim)
        self.output_dim = whole(self, "output_dim", output_dim)
        self.input_length = input_length
        self.mask_zero = self.supports_masking = self.makes_masks = bool(mask_zero)
        if mask_zero:
            self.is_simple = False
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        if weights is not None:
            self.ensure_built((None,))
            self.set_weights(list(weights) if isinstance(weights, (list, tuple)) else [weights])

    def build(self, input_shape: Shape) -> None:
        shape = (self.input_dim, self.output_dim)
        self.add_weight("embeddings", shape, self.embeddings_initializer)

    def forward(self, x: Tensor) -> Tensor:
        x = x.long()
        try:
            return F.embedding(x, self.embeddings)
        except IndexError as error:
            raise DataError(
                f"{self.described} has rows 0 ... {self.input_dim - 1}; got numbers from "
                f"{int(x.min())} to {int(x.max())}. Make input_dim larger than the largest."
            ) from error

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """True for each number that is not 0; None without `mask_zero`."""
        return not_equal(inputs, 0) if self.mask_zero else None

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": self.embeddings_initializer,
            "embeddings_regularizer": self.embeddings_regularizer,
            "embeddings_constraint": self.embeddings_constraint,
            "mask_zero": self.mask_zero,
            "input_length": self.input_length,
        }
