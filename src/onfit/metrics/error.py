"""Losses as metrics: how far off the model is."""

from typing import Any

import torch
from torch import Tensor

from onfit import losses
from onfit.dtypes import DtypeLike
from onfit.metrics.arithmetic import quotient, without_last_ones
from onfit.metrics.means import MeanMetricWrapper
from onfit.metrics.metric import CountingMetric


def cosine_similarity(y_true: Tensor, y_pred: Tensor, axis: int = -1) -> Tensor:
    """The cosine of the angle between two vectors: 1 where they point the same way.

    (The loss of this name is its opposite.)

    Args:
        y_true: vectors, of the shape of `y_pred`.
        y_pred: vectors.
        axis: the axis along which the numbers of one vector lie.
    """
    return -losses.cosine_similarity(y_true, y_pred, axis)


class MeanSquaredError(MeanMetricWrapper):
    """`mean_squared_error` as an object.

    Args:
        name: its name in the logs.
        dtype: the type of the mean.
    """

    def __init__(self, name: str = "mean_squared_error", dtype: DtypeLike = None) -> None:
        super().__init__(losses.mean_squared_error, name, dtype, "min")


class RootMeanSquaredError(CountingMetric):
    """The root of the mean squared error over all samples so far.

    Args:
        name: its name in the logs.
        dtype: the type of the mean.

    Example:
        >>> error = RootMeanSquaredError()
        >>> error.update_state([0.0, 0.0], [3.0, 5.0])
        >>> round(float(error.result()) ** 2, 4)
        17.0
    """

    direction = "min"

    def __init__(self, name: str = "root_mean_squared_error", dtype: DtypeLike = None) -> None:
        super().__init__(dtype, name)

    def update(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        squares = losses.mean_squared_error(y_true, y_pred)
        squares = squares.flatten(1).mean(1) if squares.ndim > 1 else squares
        weight = torch.ones_like(squares)
        if sample_weight is not None:
            weight = weight * without_last_ones(sample_weight)
        self.add(torch.stack([(squares * weight).sum(), weight.sum()]))

    def value_of(self, counts: Tensor | None) -> Tensor:
        return torch.zeros(()) if counts is None else torch.sqrt(quotient(counts[0], counts[1]))


class MeanAbsoluteError(MeanMetricWrapper):
    """`mean_absolute_error` as an object.

    Args:
        name: its name in the logs.
        dtype: the type of the mean.
    """

    def __init__(self, name: str = "mean_absolute_error", dtype: DtypeLike = None) -> None:
        super().__init__(losses.mean_absolute_error, name, dtype, "min")


class MeanAbsolutePercentageError(MeanMetricWrapper):
    """`mean_absolute_percentage_error` as an object.

    Args:
        name: its name in the logs.
        dtype: the type of the mean.
    """

    def __init__(
        self, name: str = "mean_absolute_percentage_error", dtype: DtypeLike = None
    ) -> None:
        super().__init__(losses.mean_absolute_percentage_error, name, dtype, "min")


class MeanSquaredLogarithmicError(MeanMetricWrapper):
    """`mean_squared_logarithmic_error` as an object.

    Args:
        name: its name in the logs.
        dtype: the type of the mean.
    """

    def __init__(
        self, name: str = "mean_squared_logarithmic_error", dtype: DtypeLike = None
    ) -> None:
        super().__init__(losses.mean_squared_logarithmic_error, name, dtype, "min")


class LogCoshError(MeanMetricWrapper):
    """`log_cosh` as an object.

    Args:
        name: its name in the logs.
        dtype: the type of the mean.
    """

    def __init__(self, name: str = "logcosh", dtype: DtypeLike = None) -> None:
        super().__init__(losses.log_cosh, name, dtype, "min")


class CosineSimilarity(MeanMetricWrapper):
    """`cosine_similarity` as an object.

    Args:
        name: its name in the logs.
        dtype: the type of the mean.
        axis: the axis along which the numbers of one vector lie.
    """

    def __init__(
        self, name: str = "cosine_similarity", dtype: DtypeLike = None, axis: int = -1
    ) -> None:
        super().__init__(cosine_similarity, name, dtype, "max", axis=axis)


class Hinge(MeanMetricWrapper):
    """`hinge` as an object.

    Args:
        name: its name in the logs.
        dtype: the type of the mean.
    """

    def __init__(self, name: str = "hinge", dtype: DtypeLike = None) -> None:
        super().__init__(losses.hinge, name, dtype, "min")


class SquaredHinge(MeanMetricWrapper):
    """`squared_hinge` as an object.

    Args:
        name: its name in the logs.
        dtype: the type of the mean.
    """

    def __init__(self, name: str = "squared_hinge", dtype: DtypeLike = None) -> None:
        super().__init__(losses.squared_hinge, name, dtype, "min")


class CategoricalHinge(MeanMetricWrapper):
    """`categorical_hinge` as an object.

    Args:
        name: its name in the logs.
        dtype: the type of the mean.
    """

    def __init__(self, name: str = "categorical_hinge", dtype: DtypeLike = None) -> None:
        super().__init__(losses.categorical_hinge, name, dtype, "min")


class KLDivergence(MeanMetricWrapper):
    """`kl_divergence` as an object.

    Args:
        name: its name in the logs.
        dtype: the type of the mean.
    """

    def __init__(self, name: str = "kl_divergence", dtype: DtypeLike = None) -> None:
        super().__init__(losses.kl_divergence, name, dtype, "min")


class Poisson(MeanMetricWrapper):
    """`poisson` as an object.

    Args:
        name: its name in the logs.
        dtype: the type of the mean.
    """

    def __init__(self, name: str = "poisson", dtype: DtypeLike = None) -> None:
        super().__init__(losses.poisson, name, dtype, "min")


class BinaryCrossentropy(MeanMetricWrapper):
    """`binary_crossentropy` as an object.

    Args:
        name: its name in the logs.
        dtype: the type of the mean.
        from_logits: whether outputs are logits, to which no sigmoid was applied.
        label_smoothing: how far to move the labels towards 0.5, from 0 to 1.
    """

    def __init__(
        self,
        name: str = "binary_crossentropy",
        dtype: DtypeLike = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
    ) -> None:
        options: dict[str, Any] = {"from_logits": from_logits, "label_smoothing": label_smoothing}
        super().__init__(losses.binary_crossentropy, name, dtype, "min", **options)
        self.takes_logits = from_logits


class CategoricalCrossentropy(MeanMetricWrapper):
    """`categorical_crossentropy` as an object.

    Args:
        name: its name in the logs.
        dtype: the type of the mean.
        from_logits: whether outputs are logits, to which no softmax was applied.
        label_smoothing: how far to move the labels towards uniform, from 0 to 1.
        axis: the axis of the classes.
    """

    def __init__(
        self,
        name: str = "categorical_crossentropy",
        dtype: DtypeLike = None,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
    ) -> None:
        options: dict[str, Any] = {
            "from_logits": from_logits,
            "label_smoothing": label_smoothing,
            "axis": axis,
        }
        super().__init__(losses.categorical_crossentropy, name, dtype, "min", **options)
        self.takes_logits = from_logits


class SparseCategoricalCrossentropy(MeanMetricWrapper):
    """`sparse_categorical_crossentropy` as an object.

    Args:
        name: its name in the logs.
        dtype: the type of the mean.
        from_logits: whether outputs are logits, to which no softmax was applied.
        ignore_class: labels of this class give 0.
        axis: the axis of the classes.
    """

    def __init__(
        self,
        name: str = "sparse_categorical_crossentropy",
        dtype: DtypeLike = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        options = {"from_logits": from_logits, "ignore_class": ignore_class, "axis": axis}
        super().__init__(losses.sparse_categorical_crossentropy, name, dtype, "min", **options)
        self.takes_logits = from_logits
