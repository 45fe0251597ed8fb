"""Penalties on weights, by Keras' names. Their factors may be changed in mid-training."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from onfit.errors import ArgumentError, ArgumentTypeError, did_you_mean, refusal_of_names


class Regularizer:
    """A penalty on a weight, added to the loss. Subclass it and write `__call__`."""

    def __call__(self, x: Tensor) -> Tensor:
        """The penalty: a scalar."""
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments for an equal regularizer."""
        return dict(vars(self))


class L1L2(Regularizer):
    """l1 * sum(|x|) + l2 * sum(x squared).

    Args:
        l1: factor of the absolute values.
        l2: factor of the squares.

    A change of either takes effect at the next batch.

    Example:
        >>> float(L1L2(l2=0.5)(torch.tensor([1.0, 2.0])))
        2.5
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = l1
        self.l2 = l2

    def __call__(self, x: Tensor) -> Tensor:
        penalty = x.new_zeros(())
        if self.l1:
            penalty = penalty + self.l1 * torch.sum(torch.abs(x))
        if self.l2:
            penalty = penalty + self.l2 * torch.sum(torch.square(x))
        return penalty

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}


class L1(L1L2):
    """l1 * sum(|x|)."""

    def __init__(self, l1: float = 0.01) -> None:
        super().__init__(l1=l1)

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1}


class L2(L1L2):
    """l2 * sum(x squared)."""

    def __init__(self, l2: float = 0.01) -> None:
        super().__init__(l2=l2)

    def get_config(self) -> dict[str, Any]:
        return {"l2": self.l2}


# Keras' older, lower-case spelling, which is called like a class.
l1 = L1
l2 = L2
l1_l2 = L1L2

_CLASSES: dict[str, type[Regularizer]] = {
    "l1": L1, "L1": L1, "l2": L2, "L2": L2, "l1_l2": L1L2, "L1L2": L1L2,
}  # fmt: skip


def get(identifier: Any) -> Callable[[Tensor], Tensor] | None:
    """The regularizer of that name; a callable is returned as it is, and None means none.

    Raises:
        ArgumentError: for an unknown name.

    >>> get("l2").get_config()
    {'l2': 0.01}
    """
    if identifier is None:
        return None
    if isinstance(identifier, str):
        if identifier not in _CLASSES:
            raise ArgumentError(
                f"regularizer {identifier!r} is not known. Known are {', '.join(_CLASSES)}."
                f"{did_you_mean(identifier, _CLASSES)}"
            )
        return _CLASSES[identifier]()
    if callable(identifier):
        found: Callable[[Tensor], Tensor] = identifier
        return found
    raise ArgumentTypeError(
        f"a regularizer is a name or a callable of a weight; got {identifier!r}."
    )


def from_config(class_name: str, config: dict[str, Any]) -> Regularizer:
    """The regularizer that a saved model names."""
    if class_name not in _CLASSES:
        raise ArgumentError(f"a saved model names the regularizer {class_name!r}, unknown here.")
    return _CLASSES[class_name](**config)


if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others
    __getattr__ = refusal_of_names(__name__, _CLASSES)
