"""The base class of onfit's optimizers.

It is no subclass of torch's optimizer: constructing one of those imports torch._dynamo, which
takes longer than many trainings. The arithmetic is Keras', the kernels are torch's.
"""

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from onfit.errors import ArgumentError, NotReadyError, did_you_mean
from onfit.optimizers import clipping
from onfit.optimizers.gradient_watch import GradientWatch
from onfit.optimizers.learning_rate import LearningRate, checked_rate
from onfit.optimizers.schedules import LearningRateSchedule

_CLIPS = ("clipnorm", "clipvalue", "global_clipnorm")
_State = tuple[Tensor, dict[str, Tensor]]  # a parameter, and its tensor in each slot


class Optimizer:
    """Changes parameters by their gradients.

    It has no parameters until `build` is called; its `learning_rate` can be read and set before.
    To subclass it, name its state in `slot_names` and write `_update`.

    Args:
        learning_rate: how far a step goes, or a schedule of `onfit.optimizers.schedules`.
        name: its name; by default the name of its class, in lower case.
        weight_decay: before each step, parameters lose this share of themselves, times the
            learning rate.
        clipnorm: scale each gradient so that its norm is no more than this.
        clipvalue: cut each number of a gradient off at this, and at its negative.
        global_clipnorm: scale all gradients by one factor, so that their common norm is no more
            than this.

    Attributes:
        iterations: how many steps were taken.
        params: the parameters it was built for.
        slots: for each name of `slot_names`, a tensor per parameter.

    Raises:
        ArgumentError: for an argument that does not exist, for an impossible value, and for more
            than one way to clip.
    """

    slot_names: tuple[str, ...] = ()
    watch: GradientWatch | None = None  # shows the gradients of each step, if there is one
    # Whether a checkpoint keeps the parameters' gradients, which wait for the next step: in a loop
    # that a user writes and that accumulates them.
    keeps_gradients = False
    # A file of Keras holds the first `together` slots side by side, parameter after parameter;
    # each further slot follows as a whole.
    together = 1

    def __init__(
        self,
        learning_rate: Any = 0.01,
        name: str | None = None,
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        **old: Any,
    ) -> None:
        if "lr" in old:
            learning_rate = old.pop("lr")  # Keras' name before 2.3
        if old:
            raise ArgumentError(self._unknown(next(iter(old))))
        self.name = name or type(self).__name__.lower()
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self._check_clips()
        self.iterations = 0
        self._take(learning_rate)
        self.params: list[Tensor] = []
        self.slots: dict[str, list[Tensor]] = {slot: [] for slot in self.slot_names}
        self._resting: list[_State] = []

    def _unknown(self, name: str) -> str:
        if name == "decay":
            return (
                f"{type(self).__name__}(decay=...) is of Keras 2. Write learning_rate="
                "schedules.InverseTimeDecay(rate, decay_steps=1, decay_rate=decay), which is the "
                "same."
            )
        return (
            f"{type(self).__name__}({name}=...) is not an argument of this optimizer. It takes "
            f"{', '.join(self.get_config_names())}.{did_you_mean(name, self.get_config_names())}"
        )

    def _check_clips(self) -> None:
        given = {name: getattr(self, name) for name in _CLIPS if getattr(self, name) is not None}
        asked = f"{type(self).__name__}({', '.join(f'{n}={v!r}' for n, v in given.items())})"
        if len(given) > 1:
            raise ArgumentError(f"{asked}: gradients are clipped in one way. Pass one of them.")
        if not all(value > 0 for value in given.values()):
            raise ArgumentError(f"{asked}: a limit is above 0; None is no limit.")

    @property
    def learning_rate(self) -> LearningRate:
        """How far the next step goes; setting it takes effect at the next batch.

        Raises:
            ArgumentError: if it is set to a number although it follows a schedule.
        """
        return LearningRate(self._rate if self._schedule is None else self._scheduled(), self)

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if self._schedule is not None and not isinstance(value, LearningRateSchedule):
            raise ArgumentError(
                f"{self.name}.learning_rate = {value!r}: this learning rate follows a schedule, "
                f"{type(self._schedule).__name__}, which says it anew at every step. Make the "
                f"optimizer with a number, {type(self).__name__}(learning_rate=...), or leave out "
                "what sets it (ReduceLROnPlateau, LearningRateScheduler)."
            )
        self._take(value)

    def _take(self, rate: Any) -> None:
        self._schedule = rate if isinstance(rate, LearningRateSchedule) else None
        self._rate = checked_rate(rate) if self._schedule is None else self._scheduled()

    def _scheduled(self) -> float:
        """The schedule's rate for the next step."""
        assert self._schedule is not None
        return checked_rate(self._schedule(self.iterations))

    @property
    def schedule(self) -> LearningRateSchedule | None:
        """The schedule that the learning rate follows; None if the rate is a number."""
        return self._schedule

    def rate_state(self) -> float | None:
        """The learning rate that a resumed run goes on with; None if it follows a schedule."""
        return None if self._schedule is not None else self._rate

    def load_rate_state(self, state: float | None) -> None:
        """Go on with the learning rate that `rate_state` returned."""
        if state is not None and self._schedule is None:
            self._rate = checked_rate(state)

    @property
    def lr(self) -> LearningRate:
        """The older name of `learning_rate`."""
        return self.learning_rate

    @lr.setter
    def lr(self, value: Any) -> None:
        self.learning_rate = value

    def build(self, params: Sequence[Tensor]) -> None:
        """Make the state of `params`; state that a parameter already has is kept.

        The state of a parameter that is no longer in `params` (its layer was frozen) is set aside
        until the parameter is in them again.

        Raises:
            ArgumentError: if the optimizer has changed other parameters, and none of these.
        """
        states = self.states()
        known = {id(param): state for param, state in states}
        wanted = {id(param) for param in params}
        if self.iterations and known and wanted and not known.keys() & wanted:
            raise ArgumentError(
                f"this {type(self).__name__} has taken {self.iterations} steps for another model. "
                "Give each model an optimizer of its own."
            )
        self._resting = [(param, state) for param, state in states if id(param) not in wanted]
        self.params = list(params)
        self.slots = {
            slot: [
                known[id(param)][slot] if id(param) in known else self._new_slot(slot, param)
                for param in self.params
            ]
            for slot in self.slot_names
        }

    def _new_slot(self, slot: str, param: Tensor) -> Tensor:
        """The state that a parameter starts with."""
        return torch.zeros_like(param)

    def states(self) -> list[_State]:
        """Every parameter it has changed, frozen since or not, with its tensor in each slot."""
        slots = self.slots.items()
        active = [
            (param, {name: slot[index] for name, slot in slots})
            for index, param in enumerate(self.params)
        ]
        return [*self._resting, *active]

    def apply(self, grads: Sequence[Tensor | None]) -> None:
        """Take one step along `grads`, one for each parameter; with None it stays as it is."""
        if torch.is_grad_enabled():  # in a `train_step` that a user wrote
            with torch.no_grad():
                Optimizer.apply(self, grads)
            return
        if self.watch is not None:
            grads = self.watch.changed(self.params, grads)
        params, slots = self.params, list(self.slots.values())
        known = [grad for grad in grads if grad is not None]
        if len(known) < len(grads):
            moved = [index for index, grad in enumerate(grads) if grad is not None]
            params = [params[index] for index in moved]
            slots = [[slot[index] for index in moved] for slot in slots]
        if self._schedule is not None:
            self._rate = self._scheduled()
        self.iterations += 1
        if params:
            known = self._clipped(known)
            if self.weight_decay:
                torch._foreach_mul_(params, 1.0 - self.weight_decay * self._rate)
            self._update(params, known, *slots)

    def _clipped(self, grads: list[Tensor]) -> list[Tensor]:
        if self.clipnorm is not None:
            return clipping.by_norm(grads, self.clipnorm)
        if self.global_clipnorm is not None:
            return clipping.by_global_norm(grads, self.global_clipnorm)
        if self.clipvalue is not None:
            return clipping.by_value(grads, self.clipvalue)
        return grads

    def _update(self, params: list[Tensor], grads: list[Tensor], *slots: list[Tensor]) -> None:
        """Change `params` in place. Runs without gradients; `iterations` counts this step."""
        raise NotImplementedError

    def reset_state(self) -> None:
        """Forget the gradients of all steps so far, as a new optimizer: the momentum, the means,
        and `iterations`, so that a schedule begins again. A learning rate that is a number stays.

        After a NaN these hold NaN, and weights that are loaded from a file would not last a step.

        Example:
            >>> from onfit.optimizers import Adam
            >>> optimizer = Adam(0.1)
            >>> optimizer.build([torch.zeros(2)])
            >>> optimizer.apply([torch.tensor([float("nan"), 1.0])])
            >>> optimizer.reset_state()
            >>> optimizer.slots["momentum"]
            [tensor([0., 0.])]
        """
        self.iterations = 0
        for param, slots in self.states():
            for name, tensor in slots.items():
                tensor.copy_(self._new_slot(name, param))

    @property
    def scalars(self) -> dict[str, float]:
        """Numbers that Keras stores in a file after the slots, although `iterations` gives them."""
        return {}

    def state(self) -> list[Tensor]:
        """Its state, parameter after parameter. A file has to hold this and `iterations`."""
        return [slot[index] for index in range(len(self.params)) for slot in self.slots.values()]

    def load_state(self, iterations: int, values: Sequence[Any]) -> None:
        """Restore what `state` returned.

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
        """The constructor's arguments for an equal optimizer."""
        rate = self._rate if self._schedule is None else self._schedule
        shared = {name: getattr(self, name) for name in ("weight_decay", *_CLIPS)}
        given = {name: value for name, value in shared.items() if value is not None}
        return {"learning_rate": rate, "name": self.name, **given}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Optimizer":
        """An optimizer with these arguments."""
        return cls(**config)

    @classmethod
    def get_config_names(cls) -> list[str]:
        """The names of its arguments."""
        names = [p for c in cls.__mro__[:-1] for p in inspect.signature(c).parameters]
        return [name for name in dict.fromkeys(names) if name not in ("base", "old")]
