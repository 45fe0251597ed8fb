"""Attention without weights for each head: of products, and of sums."""

from typing import Any

import torch
from torch import Tensor

from onfit.errors import ArgumentError, ArgumentTypeError
from onfit.layers.attention.dropping import DropsScores
from onfit.layers.checks import one_of

SCORE_MODES = ("dot", "concat")
# How far what is masked is pushed down; the largest number of float16 where that is the type.
_FAR, _FAR_IN_HALF = 1e9, 65504.0


class Attention(DropsScores):
    """For each step of the query a mean of the values, weighed by how well its keys fit.

    It is called on [query, value], or on [query, value, key], each of shape
    (batch, steps, features).

    Args:
        use_scale: whether to multiply the scores by a number that is learned.
        score_mode: `"dot"` for the products of query and key; `"concat"` for the sum of
            tanh(query + key).
        dropout: the fraction of the scores to drop in training.
        seed: an int, to drop with a generator of the layer's own.
        **layer: arguments of every layer.

    Example:
        >>> query, value = torch.zeros(2, 5, 4), torch.zeros(2, 7, 4)
        >>> Attention()([query, value]).shape
        torch.Size([2, 5, 4])
    """

    supports_masking = True
    scale: Tensor | None
    concat_score_weight: Tensor | None

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **layer: Any,
    ) -> None:
        super().__init__(dropout, seed, **layer)
        self.use_scale = use_scale
        self.score_mode = one_of(self, "score_mode", score_mode, SCORE_MODES)

    def build(self, input_shape: Any) -> None:
        if not isinstance(input_shape, list) or len(input_shape) not in (2, 3):
            raise ArgumentTypeError(
                f"{self.described} is called on a list: [query, value] or [query, value, key]."
            )
        self.dropout_layer.built = True
        if self.use_scale:
            self.add_scale(input_shape[0])
        else:
            self.scale = None
        if self.score_mode == "concat":
            self.add_weight("concat_score_weight", (), "ones")
        else:
            self.concat_score_weight = None

    def add_scale(self, query_shape: Any) -> None:
        """Make the weight `scale`."""
        self.add_weight("scale", (), "ones")

    def forward(
        self,
        inputs: Any,
        mask: Any = None,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        """Weigh the values.

        Args:
            inputs: [query, value], or [query, value, key].
            mask: [mask of the query, mask of the value]; True for each step that counts.
            return_attention_scores: whether to return the weights of the values, too.
            use_causal_mask: whether a step of the query sees no later step of the values.
        """
        query, value = inputs[:2]
        key = inputs[2] if len(inputs) > 2 else value
        of_query, of_value = (None, None) if mask is None else mask[:2]
        scores = self.scores(query, key)
        counts = _allowed(scores, of_value, use_causal_mask)
        if counts is not None:
            far = _FAR_IN_HALF if scores.dtype == torch.float16 else _FAR
            scores = torch.where(counts, scores, scores - far)
        weights = self.dropout_layer(scores.softmax(-1))
        output = weights @ value
        if of_query is not None:
            output = output * of_query[..., None]
        return (output, weights) if return_attention_scores else output

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        """How well each step of the key fits to each of the query: (batch, steps, steps)."""
        if self.score_mode == "dot":
            products = query @ key.transpose(-2, -1)
            return products if self.scale is None else products * self.scale
        both = query.unsqueeze(-2) + key.unsqueeze(-3)
        scaled = both if self.scale is None else both * self.scale
        weight: Any = self.concat_score_weight
        found: Tensor = weight * torch.tanh(scaled).sum(-1)
        return found

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask of the query."""
        return None if mask is None else mask[0]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "use_scale": self.use_scale,
            "score_mode": self.score_mode,
        }


def _allowed(scores: Tensor, of_value: Tensor | None, causal: bool) -> Tensor | None:
    """Which scores count; None for all."""
    counts = None if of_value is None else of_value.bool().unsqueeze(-2)
    if not causal:
        return counts
    earlier = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    return earlier if counts is None else counts & earlier


class AdditiveAttention(Attention):
    """Attention whose scores are sums of tanh(query + key) (Bahdanau et al. 2015).

    Args:
        use_scale: whether each feature of the sum has a weight that is learned.
        dropout: the fraction of the scores to drop in training.
        **layer: arguments of `Attention`, but `score_mode`.

    Example:
        >>> query, value = torch.zeros(2, 5, 4), torch.zeros(2, 7, 4)
        >>> AdditiveAttention()([query, value]).shape
        torch.Size([2, 5, 4])
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **layer: Any) -> None:
        if "score_mode" in layer:
            raise ArgumentError(
                "AdditiveAttention(score_mode=...) is not there. Write Attention(score_mode=...)."
            )
        super().__init__(use_scale=use_scale, dropout=dropout, **layer)

    def add_scale(self, query_shape: Any) -> None:
        self.add_weight("scale", (query_shape[-1],), "glorot_uniform")

    def scores(self, query: Tensor, key: Tensor) -> Tensor:
        both = torch.tanh(query.unsqueeze(-2) + key.unsqueeze(-3))
        return (both if self.scale is None else both * self.scale).sum(-1)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["score_mode"]
        return config
