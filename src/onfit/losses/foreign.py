"""Losses that onfit did not write: a user's function, and torch's."""

import copy
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from onfit import activations
from onfit.errors import ArgumentError, DataError
from onfit.losses.loss import MEAN, Loss


class FunctionLoss(Loss):
    """A user's function of `(y_true, y_pred)`, Keras' order."""

    def __init__(self, function: Callable[..., Tensor]) -> None:
        super().__init__(name=getattr(function, "__name__", type(function).__name__))
        self.function = function

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        return self.function(y_true, y_pred)


class TorchLoss(Loss):
    """A torch loss: a module or function of `(input, target)`, torch's order."""

    def __init__(self, criterion: Callable[..., Tensor]) -> None:
        super().__init__(name=getattr(criterion, "__name__", type(criterion).__name__))
        self.criterion = criterion
        self._has_weights = any(True for _ in _tensors_of(criterion))
        if isinstance(criterion, nn.CrossEntropyLoss) or criterion is F.cross_entropy:
            self.output_activation = activations.softmax
        elif (
            isinstance(criterion, nn.BCEWithLogitsLoss)
            or criterion is F.binary_cross_entropy_with_logits
        ):
            self.output_activation = activations.sigmoid

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        if isinstance(y_true, Tensor) and isinstance(y_pred, Tensor):
            y_true = _as_torch_target(y_true, y_pred)
            if self._has_weights:
                self._follow(y_pred)
        try:
            return self.criterion(y_pred, y_true)
        except RuntimeError as error:
            if isinstance(self.criterion, _OF_CLASSES) or self.criterion in _FUNCTIONS_OF_CLASSES:
                _require_whole(self.name, y_true, y_pred, error)
            raise

    def _follow(self, y_pred: Tensor) -> None:
        """Bring the weights of classes to the device that the model has gone to."""
        criterion: Any = self.criterion
        if any(tensor.device != y_pred.device for tensor in _tensors_of(criterion)):
            criterion.to(y_pred.device)

    def weightable(self) -> Loss:
        reduction = getattr(self.criterion, "reduction", "none")
        if reduction == "none":
            return self
        if getattr(self.criterion, "weight", None) is not None:
            raise ArgumentError(
                f"{self.name}(weight=...) beside weights of samples: torch takes its mean over the "
                "weights of the classes, which is no mean over samples. Pass class_weight= to fit "
                "instead of weight= to the loss."
            )
        criterion = copy.copy(self.criterion)
        criterion.reduction = "none"  # type: ignore[attr-defined]
        weightable = TorchLoss(criterion)
        weightable.reduction = "sum" if reduction == "sum" else MEAN
        return weightable


def _tensors_of(criterion: Any) -> Iterator[Tensor]:
    is_module = isinstance(criterion, nn.Module)
    return chain(criterion.parameters(), criterion.buffers()) if is_module else iter(())


# Torch's losses whose targets are classes, as whole numbers; crossentropy takes probabilities, too.
_OF_CLASSES = (nn.CrossEntropyLoss, nn.NLLLoss)
_FUNCTIONS_OF_CLASSES = (F.cross_entropy, F.nll_loss)


def _require_whole(name: str, y_true: Any, y_pred: Any, error: RuntimeError) -> None:
    if y_true.is_floating_point() and y_true.shape != y_pred.shape:
        raise DataError(
            f"{name} compares outputs of shape {tuple(y_pred.shape)} with y, which are classes; y "
            f"has the type {str(y_true.dtype).removeprefix('torch.')}. Give whole numbers: "
            "y.astype('int64')."
        ) from error


def _as_torch_target(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Class indices lose an axis of length 1; other targets take the output's shape and type."""
    if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1 != y_pred.shape[-1]:
        return y_true.squeeze(-1)
    if y_true.ndim == y_pred.ndim - 1 and y_pred.shape[-1] == 1:
        y_true = y_true[..., None]
    return y_true.to(y_pred.dtype) if y_true.shape == y_pred.shape else y_true


def is_of_torch_functional(identifier: Any) -> bool:
    """Whether this is a function of `torch.nn.functional`."""
    return getattr(F, getattr(identifier, "__name__", ""), None) is identifier
