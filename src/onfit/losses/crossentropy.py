"""The crossentropies: -log of the probability that the model gave to the right answer."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from onfit import activations
from onfit.dtypes import DtypeLike
from onfit.errors import ArgumentError, DataError, ShapeError
from onfit.losses.loss import EPSILON, MEAN, MEANS, NamedLoss, aligned


def binary_crossentropy(
    y_true: Tensor,
    y_pred: Tensor,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """The mean over the last axis of -log of the probability given to the right answer.

    Args:
        y_true: 0 or 1, of the shape of `y_pred`.
        y_pred: probabilities, or logits with `from_logits=True`.
        from_logits: whether `y_pred` are logits, to which no sigmoid was applied.
        label_smoothing: how far to move the labels towards 0.5, from 0 to 1.
        axis: the axis of the mean.
    """
    y_true, y_pred = aligned(y_true, y_pred)
    y_true = smoothed_to_half(y_true, label_smoothing)
    if from_logits:
        return F.binary_cross_entropy_with_logits(y_pred, y_true, reduction="none").mean(axis)
    y_pred = y_pred.clamp(EPSILON, 1.0 - EPSILON)
    return F.binary_cross_entropy(y_pred, y_true, reduction="none").mean(axis)


def categorical_crossentropy(
    y_true: Tensor,
    y_pred: Tensor,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """-log of the probability given to the right class, whose label is one-hot.

    Args:
        y_true: one-hot labels or class probabilities, of the shape of `y_pred`.
        y_pred: class probabilities, or logits with `from_logits=True`.
        from_logits: whether `y_pred` are logits, to which no softmax was applied.
        label_smoothing: how far to move the labels towards uniform, from 0 to 1.
        axis: the axis of the classes.
    """
    y_true, y_pred = aligned(y_true, y_pred)
    y_true = smoothed_to_uniform(y_true, label_smoothing)
    if axis != -1:
        y_true, y_pred = y_true.movedim(axis, -1), y_pred.movedim(axis, -1)
    return -(y_true * _log_probabilities(y_pred, from_logits)).sum(-1)


def smoothed_to_half(y_true: Tensor, amount: float) -> Tensor:
    """Labels of 0 and 1, moved towards 0.5 by so much, from 0 to 1."""
    return y_true * (1.0 - amount) + 0.5 * amount if amount else y_true


def smoothed_to_uniform(y_true: Tensor, amount: float) -> Tensor:
    """One-hot labels, moved towards equal ones by so much, from 0 to 1."""
    return y_true * (1.0 - amount) + amount / y_true.shape[-1] if amount else y_true


def sparse_categorical_crossentropy(
    y_true: Tensor,
    y_pred: Tensor,
    from_logits: bool = False,
    ignore_class: int | None = None,
    axis: int = -1,
) -> Tensor:
    """-log of the probability given to the right class, whose label is its index.

    Args:
        y_true: class indices, of the shape of `y_pred` without the axis of classes (or with 1
            there).
        y_pred: class probabilities, or logits with `from_logits=True`.
        from_logits: whether `y_pred` are logits, to which no softmax was applied.
        ignore_class: labels of this class give 0, and count in no mean of a loss object.
        axis: the axis of the classes.
    """
    if axis != -1:
        if y_true.ndim == y_pred.ndim and y_true.shape[axis] == 1:
            y_true = y_true.squeeze(axis)
        y_pred = y_pred.movedim(axis, -1)
    labels = class_indices(y_true, y_pred)
    if ignore_class is None:
        return _of_labels(labels, y_pred, from_logits)
    counts = labels != ignore_class
    values = _of_labels(torch.where(counts, labels, 0), y_pred, from_logits)
    return torch.where(counts, values, 0.0)


def _of_labels(labels: Tensor, y_pred: Tensor, from_logits: bool) -> Tensor:
    try:
        if from_logits and y_pred.ndim == 2:
            return F.cross_entropy(y_pred, labels, reduction="none", ignore_index=NO_CLASS)
        log_probabilities = _log_probabilities(y_pred, from_logits)
        return -log_probabilities.gather(-1, labels[..., None]).squeeze(-1)
    except (IndexError, RuntimeError) as error:
        raise DataError(_out_of_range(labels, y_pred)) from error


# By default torch leaves out labels of -100 without a word. No label is this number.
NO_CLASS = -(2**62)


def _out_of_range(labels: Tensor, y_pred: Tensor) -> str:
    return (
        f"sparse_categorical_crossentropy: the model has {y_pred.shape[-1]} outputs, for the "
        f"classes 0 to {y_pred.shape[-1] - 1}; y has classes from {int(labels.min())} to "
        f"{int(labels.max())}. Give the last layer an output for each class."
    )


def _log_probabilities(y_pred: Tensor, from_logits: bool) -> Tensor:
    if from_logits:
        return torch.log_softmax(y_pred, -1)
    y_pred = y_pred / y_pred.sum(-1, keepdim=True)
    return torch.log(y_pred.clamp(EPSILON, 1.0 - EPSILON))


def class_indices(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """`y_true` as the class of each sample, for outputs whose last axis has the classes.

    Raises:
        ShapeError: if there is not one label for each sample.
    """
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
        y_true = y_true.squeeze(-1)
    if y_true.shape != y_pred.shape[:-1]:
        raise ShapeError(
            f"sparse_categorical_crossentropy takes one class index per sample: y of shape "
            f"{tuple(y_pred.shape[:-1])} for outputs of shape {tuple(y_pred.shape)}; got "
            f"{tuple(y_true.shape)}. For one-hot y use categorical_crossentropy."
        )
    return y_true.long()


class _Crossentropy(NamedLoss):
    """What the crossentropies share: `from_logits`, and the activation that they can leave out.

    A subclass with a `function` says `call_on_logits` again: see `may_see_logits`.
    """

    activation: activations.Activation

    def __init__(
        self,
        from_logits: bool,
        axis: int,
        reduction: str | None,
        name: str | None,
        dtype: DtypeLike,
    ) -> None:
        super().__init__(reduction, name, dtype)
        self.from_logits = from_logits
        self.axis = axis
        # A model's last activation is one along the last axis.
        ends_so = axis == -1 or self.activation is activations.sigmoid
        if from_logits:
            self.output_activation = self.activation if ends_so else None
        else:
            self.logits_of = self.activation if ends_so else None

    def options(self) -> dict[str, Any]:
        return {"from_logits": self.from_logits, "axis": self.axis}

    def call_on_logits(self, y_true: Tensor, logits: Tensor) -> Tensor:
        return type(self).function(y_true, logits, **{**self.options(), "from_logits": True})


class _SmoothedCrossentropy(_Crossentropy):
    """A crossentropy whose labels can be smoothed."""

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = MEAN,
        name: str | None = None,
        dtype: DtypeLike = None,
    ) -> None:
        if not 0 <= label_smoothing <= 1:
            raise ArgumentError(
                f"{type(self).__name__}(label_smoothing={label_smoothing!r}): from 0 to 1."
            )
        super().__init__(from_logits, axis, reduction, name, dtype)
        self.label_smoothing = label_smoothing

    def options(self) -> dict[str, Any]:
        return {**super().options(), "label_smoothing": self.label_smoothing}


class BinaryCrossentropy(_SmoothedCrossentropy):
    """`binary_crossentropy` with its options."""

    name = "binary_crossentropy"
    activation = staticmethod(activations.sigmoid)
    function = staticmethod(binary_crossentropy)
    call_on_logits = _Crossentropy.call_on_logits


class CategoricalCrossentropy(_SmoothedCrossentropy):
    """`categorical_crossentropy` with its options."""

    name = "categorical_crossentropy"
    activation = staticmethod(activations.softmax)
    function = staticmethod(categorical_crossentropy)
    call_on_logits = _Crossentropy.call_on_logits


class SparseCategoricalCrossentropy(_Crossentropy):
    """`sparse_categorical_crossentropy` with its options."""

    name = "sparse_categorical_crossentropy"
    activation = staticmethod(activations.softmax)
    function = staticmethod(sparse_categorical_crossentropy)

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = MEAN,
        axis: int = -1,
        name: str | None = None,
        dtype: DtypeLike = None,
    ) -> None:
        super().__init__(from_logits, axis, reduction, name, dtype)
        if ignore_class is not None and self.reduction == "mean_with_sample_weight":
            raise ArgumentError(
                "SparseCategoricalCrossentropy(ignore_class=..., reduction="
                "'mean_with_sample_weight'): samples of the class are left out of a plain mean "
                "only. Give them a sample_weight of 0 instead of ignore_class."
            )
        self.ignore_class = ignore_class

    def options(self) -> dict[str, Any]:
        return {**super().options(), "ignore_class": self.ignore_class}

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return self._counted(y_true, super().call(y_true, y_pred))

    def call_on_logits(self, y_true: Tensor, logits: Tensor) -> Tensor:
        return self._counted(y_true, super().call_on_logits(y_true, logits))

    def _counted(self, y_true: Tensor, values: Tensor) -> Tensor:
        """Values whose mean over all is that over the labels which count."""
        if self.ignore_class is None or self.reduction not in MEANS:
            return values
        counts = (y_true != self.ignore_class).sum()
        return values * torch.where(counts == 0, 0.0, values.numel() / counts)
