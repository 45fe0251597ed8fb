"""A user's own torch optimizer, behind the same face."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from onfit.errors import ArgumentError, NotReadyError
from onfit.optimizers.optimizer import LearningRate, Optimizer

Factory = Callable[[Sequence[Tensor]], Any]


class TorchOptimizer(Optimizer):
    """Steps a `torch.optim.Optimizer`, an instance or one made by a factory at build.

    With several parameter groups, `learning_rate` reads the first group's; setting it scales
    all groups alike.

    Args:
        optimizer: an instance over the model's parameters; or
        factory: called with the parameters when the model is built, such as
            `functools.partial(torch.optim.AdamW, lr=1e-3)`.
    """

    def __init__(self, optimizer: Any = None, factory: Factory | None = None) -> None:
        super().__init__()
        self.optimizer = optimizer
        self._factory = factory

    @property
    def learning_rate(self) -> LearningRate:
        """The learning rate of the first parameter group."""
        return LearningRate(float(self._made().param_groups[0]["lr"]), self)

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        groups = self._made().param_groups
        first = float(groups[0]["lr"])
        for group in groups:
            share = float(group["lr"]) / first if first else 1.0
            rate = float(value) * share
            # A rate that is a tensor (capturable optimizers) is kept and filled.
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def build(self, params: Sequence[Tensor]) -> None:
        """Make the optimizer if it comes from a factory; check that it moves these parameters."""
        self.params = list(params)
        if self.optimizer is None and self._factory is not None:
            self.optimizer = self._factory(self.params)
        moved = {id(p) for group in self._made().param_groups for p in group["params"]}
        if not moved & {id(param) for param in params}:
            raise ArgumentError(
                f"optimizer={type(self.optimizer).__name__} was made with parameters that are "
                "none of this model's. Make it with model.parameters(), or pass the class or a "
                "functools.partial of it, and the model's parameters are given to it."
            )

    def apply(self, grads: Sequence[Tensor | None]) -> None:
        """Hand the gradients over and step."""
        for param, grad in zip(self.params, grads, strict=True):
            param.grad = grad
        self.iterations += 1
        self.optimizer.step()
        for param in self.params:
            param.grad = None

    def _made(self) -> Any:
        if self.optimizer is None:
            raise NotReadyError(
                "this optimizer is made when the model is built: call fit, or build the model, "
                "before reading or setting its learning rate."
            )
        return self.optimizer

    def get_config(self) -> dict[str, Any]:
        return {"name": type(self.optimizer).__name__}
