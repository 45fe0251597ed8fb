"""A number, or several, that a metric keeps: what `add_variable` gives."""

from typing import Any, Self

import torch
from torch import Tensor

from onfit.dtypes import Numbers, as_numpy


class MetricVariable(Tensor):
    """A tensor that can be assigned to. Arithmetic with it gives plain tensors.

    It moves to the device of what is assigned to it.

    Example:
        >>> from onfit.metrics import Metric
        >>> count = Metric(name="seen").add_variable(name="count")
        >>> count.assign_add(3.0)
        >>> float(count / 2)
        1.5
    """

    name = ""
    # As torch's own Parameter: what is computed from it is a plain tensor.
    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def of(cls, tensor: Tensor, name: str) -> Self:
        """A variable that begins as this tensor."""
        variable = tensor.detach().clone().as_subclass(cls)
        variable.name = name
        return variable

    @property
    def value(self) -> Tensor:
        """Its numbers, as a plain tensor that later changes do not reach."""
        return self.detach().as_subclass(Tensor).clone()

    def numpy(self) -> Any:  # type: ignore[override]
        """Its numbers, as an array that later changes do not reach."""
        return as_numpy(self.value)

    def assign(self, value: Numbers) -> None:
        """Set its numbers."""
        self._become(self._met(value).expand(self.shape).clone())

    def assign_add(self, value: Numbers) -> None:
        """Add to its numbers."""
        met = self._met(value)
        self._become(self.value.to(met.device) + met)

    def assign_sub(self, value: Numbers) -> None:
        """Subtract from its numbers."""
        met = self._met(value)
        self._become(self.value.to(met.device) - met)

    def _met(self, value: Any) -> Tensor:
        return torch.as_tensor(value, dtype=self.dtype).detach().as_subclass(Tensor)

    def _become(self, value: Tensor) -> None:
        self.data = value

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        twin = memo.get(id(self))
        if twin is None:
            twin = memo[id(self)] = type(self).of(self.value, self.name)
        return twin

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return type(self).of, (self.value, self.name)
