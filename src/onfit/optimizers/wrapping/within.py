"""An optimizer around another one, which has the parameters and all state."""

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from onfit.optimizers.optimizer import Optimizer

State = list[tuple[Tensor, dict[str, Tensor]]]


def _of_inner(name: str) -> Any:
    """An attribute of the optimizer within, read and set there."""

    def read(self: "WithInner") -> Any:
        return getattr(self.inner_optimizer, name)

    def write(self: "WithInner", value: Any) -> None:
        setattr(self.inner_optimizer, name, value)

    return property(read, write, doc=f"`{name}` of the optimizer within.")


class WithInner(Optimizer):
    """An optimizer around another one, whose state and arguments are read and set there.

    Args:
        inner_optimizer: the optimizer within.
    """

    # What is read and set within: state, learning rate, and the arguments of all optimizers.
    params = _of_inner("params")
    slots = _of_inner("slots")
    batches = _of_inner("batches")
    iterations = _of_inner("iterations")
    learning_rate = _of_inner("learning_rate")
    decay = _of_inner("decay")
    schedule = _of_inner("schedule")
    scalars = _of_inner("scalars")
    slot_names = _of_inner("slot_names")
    watch = _of_inner("watch")
    swapped = _of_inner("swapped")
    torch_optimizers = _of_inner("torch_optimizers")
    weight_decay = _of_inner("weight_decay")
    clipnorm = _of_inner("clipnorm")
    clipvalue = _of_inner("clipvalue")
    global_clipnorm = _of_inner("global_clipnorm")
    use_ema = _of_inner("use_ema")
    ema_momentum = _of_inner("ema_momentum")
    ema_overwrite_frequency = _of_inner("ema_overwrite_frequency")
    gradient_accumulation_steps = _of_inner("gradient_accumulation_steps")

    def __init__(self, inner_optimizer: Optimizer) -> None:
        # Not `Optimizer.__init__`, which would set all that is read within.
        self.inner_optimizer = inner_optimizer

    def build(self, params: Sequence[Tensor]) -> None:
        self.inner_optimizer.build(params)

    def states(self) -> State:
        return self.inner_optimizer.states()

    def slot_order(self, indices: Sequence[int] | None = None) -> list[tuple[str, int]]:
        return self.inner_optimizer.slot_order(indices)

    def exclude_from_weight_decay(
        self, var_list: Sequence[Tensor] | None = None, var_names: Sequence[str] | None = None
    ) -> None:
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def rate_state(self) -> float | None:
        return self.inner_optimizer.rate_state()

    def load_rate_state(self, state: float | None) -> None:
        self.inner_optimizer.load_rate_state(state)

    def finalize_variable_values(self, var_list: Sequence[Tensor] | None = None) -> None:
        self.inner_optimizer.finalize_variable_values(var_list)

    def swap_average(self) -> None:
        self.inner_optimizer.swap_average()
