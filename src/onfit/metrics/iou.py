"""How far the areas of classes overlap with what the outputs say: intersection over union."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from onfit.dtypes import EPSILON, DtypeLike
from onfit.errors import ArgumentError
from onfit.metrics.arithmetic import wide
from onfit.metrics.metric import CountingMetric

_LEAST = 1e-9  # a class with less than this is in neither of both


class IoU(CountingMetric):
    """The mean over some classes of intersection over union: how many samples are of a class and
    are taken for it, over how many are either.

    A class that neither labels nor outputs have does not count. As in Keras, the weights of samples
    count in `weighted_metrics`; they count as they are, and are not cut to whole numbers.

    Args:
        num_classes: how many classes there are. Other numbers are left out.
        target_class_ids: the classes to take the mean over.
        name: its name in the logs.
        dtype: the type of the value.
        ignore_class: samples with this label are left out.
        sparse_y_true: whether labels are numbers of classes; else they are one-hot.
        sparse_y_pred: whether outputs are numbers of classes; else the largest is the class.
        axis: the axis of the classes, where there is one.

    Raises:
        ArgumentError: for a target that is no class.

    Example:
        >>> metric = IoU(num_classes=2, target_class_ids=[0])
        >>> round(float(metric([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    direction = "max"

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: DtypeLike = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(dtype, name)
        self.num_classes = num_classes
        self.target_class_ids = list(target_class_ids)
        if not set(self.target_class_ids) <= set(range(num_classes)):
            raise ArgumentError(
                f"{type(self).__name__}(target_class_ids={self.target_class_ids}): a class is a "
                f"number from 0 to {num_classes - 1}, one less than num_classes."
            )
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis

    def update(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> None:
        true = y_true if self.sparse_y_true else y_true.argmax(self.axis)
        said = self._classes(y_pred)
        true, said = true.long().flatten(), said.long().flatten()
        counts = self._of(true) & self._of(said)
        if self.ignore_class is not None:
            counts &= true != self.ignore_class
        kind = wide(said.device)
        weight = torch.ones((), device=said.device) if sample_weight is None else sample_weight
        weight = _for_each(weight.to(kind), len(said)) * counts
        place = (true * self.num_classes + said).where(counts, 0)
        empty = torch.zeros(self.num_classes**2, dtype=kind, device=said.device)
        self.add(empty.index_add(0, place, weight).reshape(self.num_classes, self.num_classes))

    def _classes(self, y_pred: Tensor) -> Tensor:
        return y_pred if self.sparse_y_pred else y_pred.argmax(self.axis)

    def _of(self, classes: Tensor) -> Tensor:
        """Which of these are numbers of classes."""
        return (classes >= 0) & (classes < self.num_classes)

    def value_of(self, counts: Tensor | None) -> Tensor:
        if counts is None:
            return torch.zeros(())
        both = counts.diag()
        either = (counts.sum(0) + counts.sum(1) - both)[self.target_class_ids]
        shares = both[self.target_class_ids] / (either + EPSILON)
        return shares.sum() / (either > _LEAST).sum()

    def get_config(self) -> dict[str, Any]:
        """The arguments that make it again."""
        names = ("num_classes", "target_class_ids", "ignore_class", "sparse_y_true")
        more = {name: getattr(self, name) for name in (*names, "sparse_y_pred", "axis")}
        return {**super().get_config(), **{k: v for k, v in more.items() if k not in self._fixed}}

    _fixed: tuple[str, ...] = ()  # the arguments that a subclass does not have


def _for_each(weight: Tensor, count: int) -> Tensor:
    """A weight for each of so many labels: those of a sample's pixels are the sample's."""
    flat = weight.flatten()
    return flat if flat.numel() in (1, count) else flat.repeat_interleave(count // flat.numel())


class BinaryIoU(IoU):
    """The same for two classes, which are told apart by a threshold.

    Args:
        target_class_ids: the classes to take the mean over.
        threshold: outputs from this on mean class 1.
        name: its name in the logs.
        dtype: the type of the value.
    """

    _fixed = ("num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: DtypeLike = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def _classes(self, y_pred: Tensor) -> Tensor:
        return y_pred >= self.threshold

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "threshold": self.threshold}


class MeanIoU(IoU):
    """The mean of intersection over union over all classes. The arguments are those of `IoU`."""

    _fixed: tuple[str, ...] = ("target_class_ids",)

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: DtypeLike = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        every = range(num_classes)
        sparse = {"sparse_y_true": sparse_y_true, "sparse_y_pred": sparse_y_pred}
        super().__init__(num_classes, every, name, dtype, ignore_class, **sparse, axis=axis)


class OneHotIoU(IoU):
    """The same where labels are one-hot. The arguments are those of `IoU`."""

    _fixed = ("sparse_y_true",)

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: DtypeLike = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis
        )


class OneHotMeanIoU(MeanIoU):
    """The same over all classes, where labels are one-hot. The arguments are those of `IoU`."""

    _fixed = (*MeanIoU._fixed, "sparse_y_true")

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: DtypeLike = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
