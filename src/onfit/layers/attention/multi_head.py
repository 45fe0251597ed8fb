"""MultiHeadAttention: attention with several heads, each with weights of its own."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from onfit import constraints, initializers, regularizers
from onfit.errors import ArgumentTypeError
from onfit.layers.arguments import NotHere
from onfit.layers.attention.dropping import DropsScores
from onfit.layers.attention.einsum_dense import EinsumDense
from onfit.layers.checks import known, require_rank, whole
from onfit.layers.graph import shapes_of
from onfit.layers.layer import Layer
from onfit.layers.shapes import Shape

_AXES = ("batch", "steps", "features")
_TO_HEADS, _FROM_HEADS = "abc,cde->abde", "abcd,cde->abe"


class MultiHeadAttention(DropsScores):
    """Attention with several heads (Vaswani et al. 2017).

    It is called as `layer(query, value)`, or `layer(query, value, key)`, each of shape
    (batch, steps, features).

    Args:
        num_heads: how many heads there are.
        key_dim: how many features of query and key each head sees.
        value_dim: how many features of the values each head has; `key_dim` if None.
        dropout: the fraction of the attention to drop in training.
        use_bias: whether the four projections have a bias.
        output_shape: how many features the output has; as many as the query if None.
        attention_axes: the axis of the steps: 1, or None.
        kernel_initializer: sets the first values of the kernels.
        bias_initializer: sets the first values of the biases.
        kernel_regularizer: penalty on the kernels.
        bias_regularizer: penalty on the biases.
        kernel_constraint: limit of the kernels.
        bias_constraint: limit of the biases.
        seed: an int, to drop with a generator of the layer's own.
        **layer: arguments of every layer.

    Example:
        >>> x = torch.zeros(2, 5, 8)
        >>> MultiHeadAttention(num_heads=2, key_dim=4)(x, x).shape
        torch.Size([2, 5, 8])
    """

    supports_masking = True
    of_keras_alone: ClassVar[Mapping[str, NotHere]] = {
        "flash_attention": NotHere(None),
        "sliding_window": NotHere("Give a call attention_mask=."),
        "use_gate": NotHere("Multiply the output by the sigmoid of a Dense layer.", (False,)),
    }

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        attention_axes: Any = None,
        *,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        seed: int | None = None,
        **layer: Any,
    ) -> None:
        super().__init__(dropout, seed, **layer)
        self.num_heads = whole(self, "num_heads", num_heads)
        self.key_dim = whole(self, "key_dim", key_dim)
        self.value_dim = self.key_dim if value_dim is None else whole(self, "value_dim", value_dim)
        self.use_bias = use_bias
        self.features = _one_number(self, "output_shape", output_shape)
        self.attention_axes = _one_number(self, "attention_axes", attention_axes)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    def _get_ready(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if not self.built:
            given = {**dict(zip(("query", "value", "key"), args, strict=False)), **kwargs}
            if missing := {"query", "value"} - given.keys():
                raise ArgumentTypeError(
                    f"{self.described} is called as layer(query, value) or layer(query, value, "
                    f"key); got no {' and no '.join(sorted(missing))}."
                )
            key = given["value"] if given.get("key") is None else given["key"]
            self.ensure_built(*map(shapes_of, (given["query"], given["value"], key)))

    def build(  # type: ignore[override]
        self, query_shape: Shape, value_shape: Shape, key_shape: Shape | None = None
    ) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        for shape in (query_shape, value_shape, key_shape):
            require_rank(self, shape, _AXES)
        heads, outputs = self.num_heads, self.features or known(self, query_shape, -1, "features")
        self.query_dense = self._projection(_TO_HEADS, (None, heads, self.key_dim), "de", "query")
        self.key_dense = self._projection(_TO_HEADS, (None, heads, self.key_dim), "de", "key")
        self.value_dense = self._projection(_TO_HEADS, (None, heads, self.value_dim), "de", "value")
        self.output_dense = self._projection(_FROM_HEADS, (None, outputs), "e", "attention_output")
        self.dropout_layer.built = True  # it may be called in training alone
        self.query_dense.ensure_built(query_shape)
        self.key_dense.ensure_built(key_shape)
        self.value_dense.ensure_built(value_shape)
        self.output_dense.ensure_built((None, None, heads, self.value_dim))

    def _projection(self, equation: str, shape: Any, bias_axes: str, name: str) -> EinsumDense:
        return EinsumDense(
            equation,
            shape,
            bias_axes=bias_axes if self.use_bias else None,
            name=name,
            kernel_initializer=self.kernel_initializer,
            bias_initializer=self.bias_initializer,
            kernel_regularizer=self.kernel_regularizer,
            bias_regularizer=self.bias_regularizer,
            kernel_constraint=self.kernel_constraint,
            bias_constraint=self.bias_constraint,
        )

    def forward(  # type: ignore[override]
        self,
        query: Tensor,
        value: Tensor,
        key: Tensor | None = None,
        query_mask: Tensor | None = None,
        value_mask: Tensor | None = None,
        key_mask: Tensor | None = None,
        attention_mask: Tensor | None = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """Attend to the values.

        Args:
            query: of shape (batch, steps, features).
            value: of shape (batch, others, features).
            key: one for each value; the values if None.
            query_mask: True for each step of the query that counts.
            value_mask: True for each value that counts.
            key_mask: True for each key that counts.
            attention_mask: True where a step may see a value, of shape (batch, steps, others).
            return_attention_scores: whether to return the attention of each head, too.
            use_causal_mask: whether a step sees no later value.
        """
        q, k, v = (
            dense(x).transpose(1, 2)
            for dense, x in (
                (self.query_dense, query),
                (self.key_dense, value if key is None else key),
                (self.value_dense, value),
            )
        )
        masks = (query_mask, value_mask, key_mask, attention_mask)
        counts = _what_counts(*masks, use_causal_mask, (q.shape[2], k.shape[2]), q.device)
        if return_attention_scores or (self.dropout and self.training):
            scores = (q / math.sqrt(self.key_dim)) @ k.transpose(-2, -1)
            if counts is not None:
                scores = torch.where(counts, scores, torch.finfo(scores.dtype).min / 2)
            scores = scores.softmax(-1)
            seen = self.dropout_layer(scores) @ v
        else:
            scores = None
            seen = F.scaled_dot_product_attention(q, k, v, counts)
        output = self.output_dense(seen.transpose(1, 2))
        return (output, scores) if return_attention_scores else output

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "key_dim": self.key_dim,
            "value_dim": self.value_dim,
            "use_bias": self.use_bias,
            "output_shape": self.features,
            "attention_axes": self.attention_axes,
            "kernel_initializer": self.kernel_initializer,
            "bias_initializer": self.bias_initializer,
            "kernel_regularizer": self.kernel_regularizer,
            "bias_regularizer": self.bias_regularizer,
            "kernel_constraint": self.kernel_constraint,
            "bias_constraint": self.bias_constraint,
        }


def _one_number(layer: Layer, argument: str, value: Any) -> int | None:
    """The number of an argument that may be in a tuple of one; None if there is none."""
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    return None if value is None else whole(layer, argument, value)


def _what_counts(
    query: Tensor | None,
    value: Tensor | None,
    key: Tensor | None,
    given: Tensor | None,
    causal: bool,
    sizes: tuple[int, int],
    device: torch.device,
) -> Tensor | None:
    """Where a step of the query sees a value: (batch, heads, steps, others); None for all."""
    parts = [mask.bool()[:, None, None, :] for mask in (value, key) if mask is not None]
    if query is not None:
        parts.append(query.bool()[:, None, :, None])
    if given is not None:
        parts.append(given.bool() if given.ndim == 4 else given.bool().unsqueeze(-3))
    if causal:
        parts.append(torch.ones(sizes, dtype=torch.bool, device=device).tril())
    found = None
    for part in parts:
        found = part if found is None else found & part
    return found
