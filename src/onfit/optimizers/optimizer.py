"""The base class of onfit's optimizers.

Not a subclass of torch's: constructing one of those imports torch._dynamo, which takes longer
than many a training. The arithmetic is Keras', the kernels are torch's.
"""

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from onfit.errors import ArgumentError, NotReadyError, did_you_mean

_State = tuple[Tensor, dict[str, Tensor]]  # a parameter, and its tensor in each slot


class LearningRate(float):
    """An optimizer's learning rate: a float, that can also be assigned to as Keras' variables.

    >>> rate = SGD(0.1).learning_rate                       # doctest: +SKIP
    >>> rate.assign(0.01)                                   # doctest: +SKIP
    """

    _owner: "Optimizer"

    def __new__(cls, value: float, owner: "Optimizer") -> "LearningRate":
        rate = super().__new__(cls, value)
        rate._owner = owner
        return rate

    @property
    def value(self) -> float:
        """The rate as a plain float."""
        return float(self)

    def numpy(self) -> float:
        """The rate as a plain float."""
        return float(self)

    def assign(self, value: float) -> None:
        """Set the optimizer's learning rate."""
        self._owner.learning_rate = value

    def __reduce__(self) -> tuple[Any, ...]:
        return (float, (float(self),))


class Optimizer:
    """Changes parameters by their gradients.

    A recipe until `build` gives it parameters; its `learning_rate` can be read and set before.
    Subclass it: name its state in `slot_names`, write `_update`.

    Args:
        learning_rate: how far a step goes.
        name: its name; by default that of its class, in lower case.

    Attributes:
        iterations: how many steps were taken.
        params: the parameters it was built for.
        slots: for each name of `slot_names`, a tensor per parameter.
    """

    slot_names: tuple[str, ...] = ()

    def __init__(self, learning_rate: float = 0.01, name: str | None = None, **old: Any) -> None:
        if "lr" in old:
            learning_rate = old.pop("lr")  # Keras' name before 2.3
        if old:
            raise ArgumentError(
                f"{type(self).__name__}({next(iter(old))}=...) is not an argument of this "
                f"optimizer. It takes {', '.join(self.get_config_names())}."
                f"{did_you_mean(next(iter(old)), self.get_config_names())}"
            )
        self.name = name or type(self).__name__.lower()
        self._rate = checked_rate(learning_rate)
        self.iterations = 0
        self.params: list[Tensor] = []
        self.slots: dict[str, list[Tensor]] = {slot: [] for slot in self.slot_names}
        self._resting: list[_State] = []

    @property
    def learning_rate(self) -> LearningRate:
        """How far a step goes; setting it takes effect at the next batch."""
        return LearningRate(self._rate, self)

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self._rate = checked_rate(value)

    @property
    def lr(self) -> LearningRate:
        """The older name of `learning_rate`."""
        return self.learning_rate

    @lr.setter
    def lr(self, value: Any) -> None:
        self.learning_rate = value

    def build(self, params: Sequence[Tensor]) -> None:
        """Make room for the state of `params`; what is known of any of them is kept.

        The state of a parameter that is no longer among them (its layer was frozen) is put
        aside until it is.
        """
        states = [*self._resting, *self._states()]
        known = {id(param): state for param, state in states}
        wanted = {id(param) for param in params}
        self._resting = [(param, state) for param, state in states if id(param) not in wanted]
        self.params = list(params)
        self.slots = {
            slot: [
                known[id(param)][slot] if id(param) in known else torch.zeros_like(param)
                for param in self.params
            ]
            for slot in self.slot_names
        }

    def _states(self) -> list[_State]:
        slots = self.slots.items()
        return [
            (param, {name: slot[index] for name, slot in slots})
            for index, param in enumerate(self.params)
        ]

    def apply(self, grads: Sequence[Tensor | None]) -> None:
        """Take one step along `grads`, one for each parameter; None leaves one as it is."""
        params, slots = self.params, list(self.slots.values())
        known = [grad for grad in grads if grad is not None]
        if len(known) < len(grads):
            moved = [index for index, grad in enumerate(grads) if grad is not None]
            params = [params[index] for index in moved]
            slots = [[slot[index] for index in moved] for slot in slots]
        self.iterations += 1
        if params:
            self._update(params, known, *slots)

    def _update(self, params: list[Tensor], grads: list[Tensor], *slots: list[Tensor]) -> None:
        """Change `params` in place. Runs without gradients; `iterations` counts this step."""
        raise NotImplementedError

    def state(self) -> list[Tensor]:
        """Its state, parameter after parameter: what a file has to hold besides iterations."""
        return [slot[index] for index in range(len(self.params)) for slot in self.slots.values()]

    def load_state(self, iterations: int, values: Sequence[Any]) -> None:
        """Put back what `state` gave.

        Raises:
            NotReadyError: if the optimizer has no parameters yet, or others.
        """
        mine = self.state()
        if [tuple(v.shape) for v in values] != [tuple(m.shape) for m in mine]:
            raise NotReadyError(
                f"{self.name}: this state belongs to other parameters: it has shapes "
                f"{[tuple(v.shape) for v in values]}, expected {[tuple(m.shape) for m in mine]}."
            )
        self.iterations = int(iterations)
        for slot, value in zip(mine, values, strict=True):
            slot.copy_(torch.as_tensor(value))

    def get_config(self) -> dict[str, Any]:
        """The arguments that would make it again."""
        return {"learning_rate": self._rate, "name": self.name}

    @classmethod
    def get_config_names(cls) -> list[str]:
        """The names of its arguments."""
        names = [p for c in cls.__mro__[:-1] for p in inspect.signature(c).parameters]
        return [name for name in dict.fromkeys(names) if name not in ("base", "old")]


def checked_rate(value: Any) -> float:
    """`value` as a float, if it can be a learning rate."""
    try:
        rate = float(value)
    except (TypeError, ValueError):
        rate = -1.0
    if not rate >= 0:
        raise ArgumentError(f"learning_rate={value!r}: a learning rate is a number from 0 upwards.")
    return rate
