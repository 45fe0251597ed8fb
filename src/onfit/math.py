"""The functions of TensorFlow's `math` that learning rate schedules use, on numbers and tensors.

>>> float(exp(0))
1.0
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from onfit.errors import refusal_of_names

__all__ = ["cos", "exp", "log", "pow", "sqrt"]


def _of_numbers_too(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A torch function, which takes tensors only, made to take plain numbers too."""

    def taking_numbers(x: Any, *others: Any) -> Tensor:
        return function(torch.as_tensor(x), *others)

    return taking_numbers


cos = _of_numbers_too(torch.cos)
exp = _of_numbers_too(torch.exp)
log = _of_numbers_too(torch.log)
pow = _of_numbers_too(torch.pow)  # noqa: A001  # TensorFlow's name
sqrt = _of_numbers_too(torch.sqrt)


if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others
    __getattr__ = refusal_of_names(__name__, __all__)
