"""Several torch optimizers, such as the two of a GAN, with the methods of one."""

from collections.abc import Sequence
from typing import Any

from onfit.errors import ArgumentError, ArgumentTypeError


class SeveralOptimizers:
    """Torch optimizers that one loop steps, as `Run(net, optimizer=[a, b])` gets them.

    It answers like one torch optimizer that has the parameter groups of all.

    Args:
        optimizers: one or more torch optimizers.

    Raises:
        ArgumentError: if there is none.
        ArgumentTypeError: for anything that is no torch optimizer.

    Example:
        >>> import torch
        >>> weights = [torch.zeros(2, requires_grad=True) for _ in range(2)]
        >>> both = SeveralOptimizers([torch.optim.SGD([w], lr=0.1) for w in weights])
        >>> len(both.param_groups)
        2
    """

    def __init__(self, optimizers: Sequence[Any]) -> None:
        self.optimizers = list(optimizers)
        if not self.optimizers:
            raise ArgumentError("optimizer=[]: the list is empty. Pass an optimizer, or None.")
        for one in self.optimizers:
            if not hasattr(one, "param_groups"):
                raise ArgumentTypeError(
                    f"optimizer=[...] takes torch optimizers over the model's parameters, and got "
                    f"{one!r} of type {type(one).__name__}. Pass instances of torch.optim."
                )

    @property
    def param_groups(self) -> list[dict[str, Any]]:
        """The groups of all, in their order."""
        return [group for one in self.optimizers for group in one.param_groups]

    def step(self) -> None:
        """Step each of them."""
        for one in self.optimizers:
            one.step()
