"""The base class of onfit's optimizers.

It is no subclass of torch's optimizer: constructing one of those imports torch._dynamo, which
takes longer than many trainings. The arithmetic is Keras', the kernels are torch's.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from onfit.errors import ArgumentError
from onfit.optimizers import accumulation, assigned, clipping, options, schedules
from onfit.optimizers.accumulation import WAITING, BringsTogether
from onfit.optimizers.averages import AVERAGE, WithAverage
from onfit.optimizers.gradient_watch import GradientWatch
from onfit.optimizers.learning_rate import Iterations, checked_count
from onfit.optimizers.rated import RateLike

_State = tuple[Tensor, dict[str, Tensor]]  # a parameter, and its tensor in each slot


class Optimizer(WithAverage):
    """Changes parameters by their gradients.

    It has no parameters until `build` is called; its `learning_rate` can be read and set before.
    To subclass it, name its state in `slot_names` and write `_update`.

    Args:
        learning_rate: how far a step goes; a schedule of `onfit.optimizers.schedules`, or a
            function without arguments that says it at each step.
        name: its name; by default the name of its class, in lower case.
        weight_decay: before each step, parameters lose this share of themselves, times the
            learning rate.
        clipnorm: scale each gradient so that its norm is no more than this.
        clipvalue: cut each number of a gradient off at this, and at its negative.
        global_clipnorm: scale all gradients by one factor, so that their common norm is no more
            than this.
        use_ema: keep a moving average of the parameters, which `fit` puts in their place when it
            has ended; `SwapEMAWeights` validates with it.
        ema_momentum: the share of the old average that is kept at each step.
        ema_overwrite_frequency: put the average in the parameters' place every so many steps, too.
        loss_scale_factor: multiply the loss by this, and divide the gradients by it, so that small
            gradients of float16 do not become 0.
        gradient_accumulation_steps: take a step each time that there are the gradients of so many
            batches, along their mean.
        **old: `lr`, the older name of `learning_rate`; `decay`, of Keras 2: the rate is divided by
            `1 + decay * steps`.

    Attributes:
        iterations: how many steps were taken.
        batches: for how many batches there were gradients; more than `iterations` where gradients
            accumulate.
        params: the parameters it was built for.
        slots: for each name of its state, a tensor per parameter.

    Raises:
        ArgumentError: for an argument that does not exist, for an impossible value, and for more
            than one way to clip.
    """

    slot_names: tuple[str, ...] = ()
    _is_made = False  # whether one of the classes here was constructed
    watch: GradientWatch | None = None  # shows the gradients of each step, if there is one
    exchange: BringsTogether | None = (
        None  # brings those of several processes together, if there are any
    )
    # Whether a checkpoint keeps the parameters' gradients, which wait for the next step: in a loop
    # that a user writes and that accumulates them.
    keeps_gradients = False

    def __init__(
        self,
        learning_rate: RateLike = 0.01,
        name: str | None = None,
        *,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        **old: Any,
    ) -> None:
        if "lr" in old:
            learning_rate = old.pop("lr")  # Keras' name before 2.3
        self.decay = old.pop("decay", None) or 0.0
        for argument in old:
            raise options.unknown(type(self).__name__, argument, self.get_config_names())
        self.name = name or type(self).__name__.lower()
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = bool(use_ema)
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        options.check(type(self).__name__, {n: getattr(self, n) for n in options.DEFAULTS})
        self.batches = 0
        self._take(learning_rate)
        self.params: list[Tensor] = []
        self.slots: dict[str, list[Tensor]] = {slot: [] for slot in self._all_slots}
        self._resting: list[_State] = []
        self._is_made = type(self).__module__.startswith("onfit.")

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "batches" or name[0] == "_" or not self._is_made:
            object.__setattr__(self, name, value)
        elif name in vars(self) and name in options.settable(self):
            assigned.set_option(self, name, value)
        else:
            assigned.refuse_wrong(self, name, value)
            object.__setattr__(self, name, value)

    @property
    def iterations(self) -> Iterations:
        """How many steps were taken."""
        return Iterations(self._steps, self)

    @iterations.setter
    def iterations(self, count: int) -> None:
        self.batches = checked_count(count) * (self.gradient_accumulation_steps or 1)

    @property
    def _steps(self) -> int:
        """The same as a plain number; within `_update` it counts this step."""
        every = self.gradient_accumulation_steps
        return self.batches // every if every else self.batches

    @property
    def _all_slots(self) -> tuple[str, ...]:
        """The names of all state, in Keras' order."""
        average = (AVERAGE,) if self.use_ema else ()
        waiting = (WAITING,) if self.gradient_accumulation_steps else ()
        return (*average, *waiting, *self.slot_names)

    def build(self, params: Sequence[Tensor]) -> None:
        """Make the state of `params`; state that a parameter already has is kept, where it is now.

        The state of a parameter that is no longer in `params` (its layer was frozen) is set aside
        until the parameter is in them again.

        Raises:
            ArgumentError: if the optimizer has changed other parameters, and none of these.
        """
        states = self.states()
        known = {id(param): state for param, state in states}
        wanted = {id(param) for param in params}
        if self.batches and known and wanted and not known.keys() & wanted:
            raise ArgumentError(
                f"this {type(self).__name__} has taken {self._steps} steps for another model. "
                "Give each model an optimizer of its own."
            )
        self._resting = [(param, state) for param, state in states if id(param) not in wanted]
        self.params = list(params)
        self.slots = {
            slot: [
                known[id(param)][slot].to(param.device)
                if id(param) in known
                else self._first(slot, param)
                for param in self.params
            ]
            for slot in self._all_slots
        }

    def forget_weights(self) -> None:
        """Have no parameters, and no state of any: the model's are about to be other tensors."""
        self.params, self._resting = [], []
        self.slots = {slot: [] for slot in self._all_slots}

    def _first(self, slot: str, param: Tensor) -> Tensor:
        """What a parameter starts with in a slot."""
        if slot == AVERAGE:
            return param.detach().clone()
        return torch.zeros_like(param) if slot == WAITING else self._new_slot(slot, param)

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

    def apply(
        self,
        grads: Sequence[Tensor | None],
        trainable_variables: Sequence[Tensor] | None = None,
    ) -> None:
        """Take one step.

        Args:
            grads: a gradient for each parameter; one that has None stays as it is.
            trainable_variables: the parameters of these gradients; by default all that the
                optimizer was built for. The first call builds it for them.

        Raises:
            ArgumentError: for a parameter that the optimizer was not built for.
        """
        if torch.is_grad_enabled():  # in a `train_step` that a user wrote
            with torch.no_grad():
                Optimizer.apply(self, grads, trainable_variables)
            return
        if trainable_variables is not None:
            grads = self._in_own_order(grads, trainable_variables)
        if self.exchange is not None:
            grads = self.exchange(self.params, grads, bool(self.gradient_accumulation_steps))
        if self.watch is not None:
            grads = self.watch.changed(self.params, grads)
        if self.loss_scale_factor is not None:
            grads = [None if grad is None else grad / self.loss_scale_factor for grad in grads]
        if self.gradient_accumulation_steps:
            count = self.gradient_accumulation_steps
            due, waiting = accumulation.is_last(self), self.slots[WAITING]
            grads = accumulation.gathered(grads, waiting, count, due, self.exchange)
        if self._schedule is not None or self.decay:
            self._rate = self._rate_of_step()
        before = self._steps if self.use_ema else 0
        self.__dict__["batches"] += 1  # without `__setattr__`, which each step would pay for
        self._move(grads)
        if self.use_ema:
            self._follow(before)

    def _move(self, grads: Sequence[Tensor | None]) -> None:
        """Change the parameters that have a gradient."""
        params, slots = self.params, [self.slots[name] for name in self.slot_names]
        known = [grad for grad in grads if grad is not None]
        if len(known) < len(grads):
            moved = [index for index, grad in enumerate(grads) if grad is not None]
            params = [params[index] for index in moved]
            slots = [[slot[index] for index in moved] for slot in slots]
        if not params:
            return
        if self.clipnorm or self.global_clipnorm or self.clipvalue:
            known = clipping.clipped(known, self.clipnorm, self.global_clipnorm, self.clipvalue)
        if self.weight_decay:
            torch._foreach_mul_(self._decaying(params), 1.0 - self.weight_decay * self._rate)
        self._update(params, known, *slots)

    def scale_loss(self, loss: Any) -> Any:
        """The loss whose gradients `apply` expects: times `loss_scale_factor`, if there is one."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

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
        self.batches, self.swapped = 0, False
        for param, slots in self.states():
            for name, tensor in slots.items():
                tensor.copy_(self._first(name, param))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments for an equal optimizer."""
        rate = self._set_rate if self._schedule is None else self._schedule
        shared = {name: getattr(self, name) for name in options.DEFAULTS}
        old = {"decay": self.decay} if self.decay else {}
        return {"learning_rate": rate, "name": self.name, **shared, **old}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Optimizer":
        """An optimizer with these arguments."""
        rate = config.get("learning_rate")
        if isinstance(rate, dict):  # a schedule, as Keras writes it
            rate = schedules.from_config(rate["class_name"], rate["config"])
            config = {**config, "learning_rate": rate}
        return cls(**config)

    @classmethod
    def get_config_names(cls) -> list[str]:
        """The names of its arguments."""
        return list(options.arguments_of(cls))  # type: ignore[arg-type]
