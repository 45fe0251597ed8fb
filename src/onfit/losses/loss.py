"""The base class of losses: one value per sample, reduced to one number."""

from collections.abc import Callable
from typing import Any, ClassVar

import torch
from torch import Tensor

from onfit._arguments import ChecksArguments
from onfit.activations import Activation
from onfit.assigning import is_set_by_onfit, refuse_no_method
from onfit.configured import remade
from onfit.dtypes import EPSILON as EPSILON
from onfit.dtypes import DtypeLike
from onfit.errors import ArgumentError, ArgumentTypeError, ShapeError, did_you_mean

MEAN = "sum_over_batch_size"
MEANS = (MEAN, "mean", "mean_with_sample_weight")  # without weights, all are the plain mean
_AUTO = "auto"  # Keras 2's word for the default
_REDUCTIONS = (*MEANS, "sum", "none")


class Loss(ChecksArguments):
    """A loss with its options. Subclass it and write `call`, or pass any function to `compile`.

    Args:
        name: how it is written in files and errors; the name of its class of losses if None.
        reduction: how the values of a batch become one number. `"sum_over_batch_size"`, or
            `"mean"`: their weighted sum over their number; `"sum"`;
            `"mean_with_sample_weight"`: their weighted sum over the sum of the weights;
            `"none"`: they stay a value per sample, on which no model can train. `"auto"`, of
            Keras 2, is the default.
        dtype: the type of numbers in which it is computed; that of the output if None.

    Attributes:
        logits_of: the activation that is left out when `call_on_logits` is called; None if that
            is never called.
        output_activation: the activation that turns the output into probabilities for metrics.

    Raises:
        ArgumentError: for an unknown reduction.
    """

    name: str = "loss"
    reduction: str = MEAN
    dtype: torch.dtype | None = None
    logits_of: Activation | None = None
    output_activation: Activation | None = None

    def __init__(
        self, name: str | None = None, reduction: str | None = MEAN, dtype: DtypeLike = None
    ) -> None:
        reduction = {None: "none", _AUTO: MEAN}.get(reduction, reduction)
        if reduction not in _REDUCTIONS:
            raise ArgumentError(
                f"{type(self).__name__}(reduction={reduction!r}): reduction is one of "
                f"{', '.join(map(repr, _REDUCTIONS))}.{did_you_mean(str(reduction), _REDUCTIONS)}"
            )
        if name is not None and not isinstance(name, str):
            raise ArgumentTypeError(
                f"{type(self).__name__}(name={name!r}): a name is a text. Pass a function itself "
                "to compile(loss=...), without a class around it."
            )
        self.name = name or type(self).name
        self.reduction: str = reduction
        self.dtype = dtype_of(dtype, type(self).__name__)

    def __setattr__(self, name: str, value: Any) -> None:
        refuse_no_method(self, name, value)
        if name in vars(self) and name[0] != "_" and not is_set_by_onfit():
            twin = remade(self, name, value)  # the constructor refuses what cannot be
            value = getattr(twin, name, value)
        super().__setattr__(name, value)

    def in_dtype(self, y_true: Any, y_pred: Any) -> tuple[Any, Any]:
        """Both as the loss is to see them: with `dtype`, as numbers of that type."""
        if self.dtype is None:
            return y_true, y_pred
        return (
            y_true.to(self.dtype) if y_true.is_floating_point() else y_true,
            y_pred.to(self.dtype),
        )

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        """One value per sample, or one for all."""
        raise NotImplementedError

    def call_on_logits(self, y_true: Any, logits: Any) -> Tensor:
        """The same, from the output before the activation `logits_of`."""
        raise NotImplementedError

    @property
    def may_see_logits(self) -> bool:
        """Whether `call_on_logits` computes the same as `call`.

        Not if a subclass wrote `call`, `function` or `__call__` anew, and no `call_on_logits`
        beside it: the one of its base class computes what the base class did.
        """
        places = [vars(self), *map(vars, type(self).__mro__)]
        names = ("call", "function", "__call__", "call_on_logits")
        newest = next(place for place in places if any(name in place for name in names))
        return "call_on_logits" in newest

    @property
    def is_called_whole(self) -> bool:
        """Whether a subclass wrote `__call__` itself: then `call` does not say what it computes."""
        return type(self).__call__ is not Loss.__call__

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """The loss of these samples, each with its weight: a scalar."""
        y_true, y_pred = self.in_dtype(torch.as_tensor(y_true), torch.as_tensor(y_pred))
        values = self.call(y_true, y_pred)
        weight = None if sample_weight is None else torch.as_tensor(sample_weight)
        return reduced(values, weight, self.reduction)

    def weightable(self) -> "Loss":
        """A form of this loss that gives a value per sample."""
        return self

    def get_config(self) -> dict[str, Any]:
        """The arguments that make it again."""
        shared = {"name": self.name, "reduction": self.reduction}
        given = {key: value for key, value in shared.items() if value != getattr(type(self), key)}
        return given if self.dtype is None else {**given, "dtype": str(self.dtype)[len("torch.") :]}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Loss":
        """A loss with these arguments."""
        return cls(**config)


class NamedLoss(Loss):
    """A loss that Keras has a name for: a function of `(y_true, y_pred)` and its options."""

    function: ClassVar[Callable[..., Tensor]]

    def __init__(
        self, reduction: str | None = MEAN, name: str | None = None, dtype: DtypeLike = None
    ) -> None:
        super().__init__(name, reduction, dtype)

    def options(self) -> dict[str, Any]:
        """The arguments of the function besides the data."""
        return {}

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        return type(self).function(y_true, y_pred, **self.options())

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.options()}


def reduced(values: Tensor, sample_weight: Tensor | None, reduction: str = MEAN) -> Tensor:
    """One number of `values`, each times its sample's weight: by default their sum over their
    number.

    Raises:
        ShapeError: if there is not one weight for each sample, or for each value.
    """
    if not isinstance(values, Tensor):
        raise ArgumentTypeError(
            f"a loss returned {values!r} of type {type(values).__name__}. Return a tensor that "
            "comes from the output: a value for each sample, or one for all."
        )
    if sample_weight is not None:
        weight = _fitting(sample_weight, values)
        values = values * weight
        if reduction == "mean_with_sample_weight" and values.ndim:
            total = weight.sum()
            return values.sum() / torch.where(total == 0, 1, total)
    if reduction == "none" or not values.ndim:
        return values
    return values.sum() if reduction == "sum" else values.mean()


def _fitting(weight: Tensor, values: Tensor) -> Tensor:
    """`weight` with the axes of `values`: a loss may give several values per sample."""
    if not values.ndim:  # a user's loss, which took the mean itself
        return weight
    while weight.ndim > 1 and weight.shape[-1] == 1:
        weight = weight.squeeze(-1)
    if weight.shape != values.shape[: weight.ndim]:
        raise ShapeError(
            f"sample_weight has shape {tuple(weight.shape)}, and the loss gives values of shape "
            f"{tuple(values.shape)}. Pass one weight per sample: shape ({len(values)},)."
        )
    return weight.reshape(*weight.shape, *[1] * (values.ndim - weight.ndim))


def aligned(y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
    """Both with the same axes and type: y of shape (n,) meets outputs of shape (n, 1)."""
    if y_true.ndim == y_pred.ndim - 1 and y_pred.shape[-1] == 1:
        y_true = y_true[..., None]
    elif y_true.ndim == y_pred.ndim + 1 and y_true.shape[-1] == 1:
        y_true = y_true.squeeze(-1)
    if y_true.shape != y_pred.shape:
        raise ShapeError(
            f"y has shape {tuple(y_true.shape)} and the model's output has shape "
            f"{tuple(y_pred.shape)}; this loss or metric compares them element by element. "
            "For class indices with one output per class use sparse_categorical_crossentropy."
        )
    if y_pred.ndim == 1:
        y_true, y_pred = y_true[:, None], y_pred[:, None]
    return y_true.to(y_pred.dtype), y_pred


def dtype_of(given: Any, kind: str) -> torch.dtype | None:
    """A type of numbers as torch's, from its name or an object that has one; None if None.

    Raises:
        ArgumentError: if it is no type of floating-point numbers.
    """
    if given is None or isinstance(given, torch.dtype):
        return given
    name = getattr(given, "compute_dtype", None) or getattr(given, "name", None) or given
    found = getattr(torch, str(name), None)
    if not isinstance(found, torch.dtype):
        raise ArgumentError(
            f"{kind}(dtype={given!r}): dtype is a type of numbers, such as 'float32'."
        )
    return found
