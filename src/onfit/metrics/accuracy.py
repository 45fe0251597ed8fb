"""How often the model is right."""

from typing import Any

import torch
from torch import Tensor

from onfit.dtypes import DtypeLike
from onfit.errors import ShapeError
from onfit.metrics.means import MeanMetricWrapper


def binary_accuracy(y_true: Tensor, y_pred: Tensor, threshold: float = 0.5) -> Tensor:
    """The share, over the last axis, of outputs on the right side of `threshold`."""
    return _share(right_side(y_true, y_pred, threshold))


def categorical_accuracy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """1 where the largest output is that of the one-hot label's class, else 0."""
    return right_class(y_true, y_pred).float()


def sparse_categorical_accuracy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """1 where the largest output is that of the class whose index is the label, else 0."""
    return right_index(y_true, y_pred).float()


def top_k_categorical_accuracy(y_true: Tensor, y_pred: Tensor, k: int = 5) -> Tensor:
    """1 where the one-hot label's class is among those of the `k` largest outputs, else 0."""
    _require_same_shape("top_k_categorical_accuracy", y_true, y_pred)
    return _in_top_k(y_true.argmax(-1), y_pred, k)


def sparse_top_k_categorical_accuracy(
    y_true: Tensor, y_pred: Tensor, k: int = 5, from_sorted_ids: bool = False
) -> Tensor:
    """1 where the label, a class index, is among those of the `k` largest outputs, else 0.

    Args:
        y_true: class indices.
        y_pred: an output for each class.
        k: how many of the largest outputs to look at.
        from_sorted_ids: whether `y_pred` are classes, the likeliest first, instead of outputs.
    """
    if from_sorted_ids:
        labels = y_true if y_true.ndim == y_pred.ndim else y_true[..., None]
        return (y_pred[..., :k] == labels).any(-1).float()
    return _in_top_k(_indices("sparse_top_k_categorical_accuracy", y_true, y_pred), y_pred, k)


def accuracy(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The accuracy that fits the shapes: binary, sparse categorical or categorical.

    One output per sample is binary; class indices are sparse; one-hot labels are categorical.
    """
    if y_pred.ndim == 1 or y_pred.shape[-1] == 1:
        return binary_accuracy(y_true, y_pred)
    return right_by_shape(y_true, y_pred).float()


def right_side(y_true: Tensor, y_pred: Tensor, threshold: float) -> Tensor:
    """For each output, whether it is on the right side of `threshold`."""
    y_true, y_pred = matched("binary_accuracy", y_true, y_pred)
    return torch.eq(y_pred > threshold, y_true)  # 0 or 1, in the labels' type


def right_by_shape(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """For each sample, whether its largest output is that of its class: an index, or one-hot."""
    sparse = y_true.ndim < y_pred.ndim or y_true.shape[-1] == 1
    return right_index(y_true, y_pred) if sparse else right_class(y_true, y_pred)


def right_class(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """For each sample, whether its largest output is that of its one-hot label's class."""
    _require_same_shape("categorical_accuracy", y_true, y_pred)
    return y_true.argmax(-1) == y_pred.argmax(-1)


def right_index(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """For each sample, whether its largest output is that of the class whose index is its label."""
    return y_pred.argmax(-1) == _indices("sparse_categorical_accuracy", y_true, y_pred)


def _equality(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """The share, over the last axis, of outputs that equal the label."""
    y_true, y_pred = matched("Accuracy", y_true, y_pred)
    return _share(y_true.to(y_pred.dtype) == y_pred)


def _share(right: Tensor) -> Tensor:
    return right.float().mean(-1) if right.ndim > 1 else right.float()


def _in_top_k(labels: Tensor, y_pred: Tensor, k: int) -> Tensor:
    """Whether the label's output is among the `k` largest, as 1 or 0.

    It is compared with the k-th largest, so that all classes with an output equal to that count.
    """
    least = y_pred.topk(min(k, y_pred.shape[-1]), -1).values[..., -1]
    return (y_pred.gather(-1, labels.long()[..., None]).squeeze(-1) >= least).float()


def matched(name: str, y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
    """Both with the same axes: y of shape (n,) meets outputs of shape (n, 1), and back.

    Raises:
        ShapeError: if they do not fit.
    """
    if y_true.ndim == y_pred.ndim - 1 and y_pred.shape[-1] == 1:
        y_true = y_true[..., None]
    elif y_true.ndim == y_pred.ndim + 1 and y_true.shape[-1] == 1:
        y_true = y_true.squeeze(-1)
    _require_same_shape(name, y_true, y_pred)
    return y_true, y_pred


def _require_same_shape(name: str, y_true: Tensor, y_pred: Tensor) -> None:
    if y_true.shape != y_pred.shape:
        raise ShapeError(
            f"{name} compares y with outputs of the same shape; got y of shape "
            f"{tuple(y_true.shape)} and outputs of shape {tuple(y_pred.shape)}. Where y is a "
            "class index and the outputs are one per class, make it one-hot."
        )


def _indices(name: str, y_true: Tensor, y_pred: Tensor) -> Tensor:
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
        y_true = y_true.squeeze(-1)
    if y_true.shape != y_pred.shape[:-1]:
        raise ShapeError(
            f"{name} takes one class index per sample; got y of shape {tuple(y_true.shape)} for "
            f"outputs of shape {tuple(y_pred.shape)}."
        )
    return y_true


class Accuracy(MeanMetricWrapper):
    """The share of outputs that equal the label.

    (The name `"accuracy"` means something else: the accuracy that fits the shapes.)

    Args:
        name: its name in the logs.
        dtype: the type of the mean.
    """

    def __init__(self, name: str = "accuracy", dtype: DtypeLike = None) -> None:
        super().__init__(_equality, name, dtype, "max")


class AccuracyByShape(MeanMetricWrapper):
    """`accuracy` under the user's name for it: what `metrics=["acc"]` makes.

    Args:
        name: its name in the logs.
        dtype: the type of the mean.
    """

    def __init__(self, name: str = "accuracy", dtype: DtypeLike = None) -> None:
        super().__init__(accuracy, name, dtype, "max")

    def sees_logits(self, output: Tensor) -> bool:
        # As the classes below do. But the one output of a binary classifier is compared with a
        # threshold, which is one for probabilities.
        return output.ndim > 1 and output.shape[-1] > 1


class BinaryAccuracy(MeanMetricWrapper):
    """`binary_accuracy` as an object.

    Args:
        name: its name in the logs.
        dtype: the type of the mean.
        threshold: outputs above it mean 1.

    Example:
        >>> accuracy = BinaryAccuracy(threshold=0.8)
        >>> accuracy.update_state([1, 1, 0, 0], [0.9, 0.6, 0.6, 0.2])
        >>> float(accuracy.result())
        0.75
    """

    def __init__(
        self, name: str = "binary_accuracy", dtype: DtypeLike = None, threshold: float = 0.5
    ) -> None:
        super().__init__(binary_accuracy, name, dtype, "max", threshold=threshold)


class CategoricalAccuracy(MeanMetricWrapper):
    """`categorical_accuracy` as an object.

    Args:
        name: its name in the logs.
        dtype: the type of the mean.
    """

    # The largest output is the largest after a softmax, too. So no softmax is needed.
    takes_logits = True

    def __init__(self, name: str = "categorical_accuracy", dtype: DtypeLike = None) -> None:
        super().__init__(categorical_accuracy, name, dtype, "max")


class SparseCategoricalAccuracy(MeanMetricWrapper):
    """`sparse_categorical_accuracy` as an object.

    Args:
        name: its name in the logs.
        dtype: the type of the mean.
    """

    takes_logits = True

    def __init__(self, name: str = "sparse_categorical_accuracy", dtype: DtypeLike = None) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype, "max")


class TopKCategoricalAccuracy(MeanMetricWrapper):
    """`top_k_categorical_accuracy` as an object.

    Args:
        k: how many of the largest outputs to look at.
        name: its name in the logs.
        dtype: the type of the mean.
    """

    takes_logits = True

    def __init__(
        self, k: int = 5, name: str = "top_k_categorical_accuracy", dtype: DtypeLike = None
    ) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, "max", k=k)


class SparseTopKCategoricalAccuracy(MeanMetricWrapper):
    """`sparse_top_k_categorical_accuracy` as an object.

    Args:
        k: how many of the largest outputs to look at.
        name: its name in the logs.
        dtype: the type of the mean.
        from_sorted_ids: whether outputs are classes, the likeliest first.
    """

    takes_logits = True

    def __init__(
        self,
        k: int = 5,
        name: str = "sparse_top_k_categorical_accuracy",
        dtype: DtypeLike = None,
        from_sorted_ids: bool = False,
    ) -> None:
        options: dict[str, Any] = {"k": k, "from_sorted_ids": from_sorted_ids}
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, "max", **options)
        self.takes_logits = not from_sorted_ids
