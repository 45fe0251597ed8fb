"""A user's own torch optimizer, with the interface of onfit's."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from onfit.errors import ArgumentError, NotReadyError
from onfit.optimizers.learning_rate import Iterations, LearningRate, checked_rate
from onfit.optimizers.optimizer import Optimizer
from onfit.optimizers.wrapping.rate_watch import RateWatch
from onfit.optimizers.wrapping.several import SeveralOptimizers

Factory = Callable[[Sequence[Tensor]], Any]


class TorchOptimizer(Optimizer):
    """Steps a `torch.optim.Optimizer`: an instance, or one that a factory makes at build.

    With several parameter groups, `learning_rate` reads the rate of the first group; setting it
    scales the rates of all groups by one factor. If a rate that was set is found undone later, as
    by a torch scheduler, a warning says so once.

    Args:
        optimizer: an instance over the model's parameters, or `SeveralOptimizers`; or
        factory: called with the parameters when the model is built, such as
            `functools.partial(torch.optim.AdamW, lr=1e-3)`.
    """

    progress: Any = None  # of the run whose loop steps the torch optimizer itself, with its `step`

    def __init__(self, optimizer: Any = None, factory: Factory | None = None) -> None:
        super().__init__()
        self.optimizer = optimizer
        self._factory = factory
        self._shares: list[float] = []
        self._given: list[Tensor] = []  # the parameters that the factory was called with
        self._watch = RateWatch()

    @classmethod
    def around(cls, optimizers: Sequence[Any], factory: Factory | None) -> "TorchOptimizer":
        """One around torch optimizers that are made already.

        Args:
            optimizers: these.
            factory: what made the only one, so that it gets weights that are unfrozen later; None
                if the user did.
        """
        one = cls(optimizers[0] if len(optimizers) == 1 else SeveralOptimizers(optimizers))
        one._factory = factory
        one._given = [p for group in one.optimizer.param_groups for p in group["params"]]
        return one

    @property
    def iterations(self) -> Iterations:
        """How many steps were taken; in a loop that steps the torch optimizer itself, how many
        batches are done.
        """
        loops = 0 if self.progress is None else self.progress.step
        return Iterations(max(self._steps, loops), self)

    @iterations.setter
    def iterations(self, count: int) -> None:
        self.batches = int(count) * (self.gradient_accumulation_steps or 1)

    @property
    def by_factory(self) -> bool:
        """Whether a factory makes it, and not the user."""
        return self._factory is not None

    @property
    def torch_optimizers(self) -> list[Any]:
        """The torch optimizers in it; none before a factory's is made."""
        if self.optimizer is None:
            return []
        several = isinstance(self.optimizer, SeveralOptimizers)
        return list(self.optimizer.optimizers) if several else [self.optimizer]

    @property
    def kind(self) -> str:
        """The classes of the torch optimizers in it."""
        return " and ".join(type(one).__name__ for one in self.torch_optimizers)

    @property
    def learning_rate(self) -> LearningRate:
        """The learning rate of the first parameter group."""
        group = self._made().param_groups[0]
        rate = float(group["lr"])
        if self._watch.undone(rate):
            self._watch.warn(rate, self.kind, scheduled="initial_lr" in group)
        return LearningRate(rate, self)

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        groups = self._made().param_groups
        first = float(self.learning_rate)
        if first or len(self._shares) != len(groups):  # after a rate of 0, use the earlier shares
            self._shares = [float(group["lr"]) / first if first else 1.0 for group in groups]
        for group, share in zip(groups, self._shares, strict=True):
            rate = checked_rate(value) * share
            # A rate that is a tensor (capturable optimizers) is kept and filled.
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
        self._watch.changed(before=first, now=checked_rate(value))

    def rate_goes_on(self) -> None:
        """A schedule goes on from the rate that was set: what it makes of it undoes nothing."""
        self._watch.forget()

    def build(self, params: Sequence[Tensor]) -> None:
        """Make the optimizer if it comes from a factory; check that it moves these parameters."""
        self.params = list(params)
        self._watch.forget()
        for one in self.torch_optimizers:
            _bring_state(one)
        if self._factory is not None:
            self._give(self.params)
            return
        self._made()
        mine = {id(param) for param in params}
        for one in self.torch_optimizers if params else ():
            if not mine & {id(p) for group in one.param_groups for p in group["params"]}:
                raise ArgumentError(
                    f"optimizer={type(one).__name__} was made with parameters that are none of "
                    "this model's. Make it with model.parameters(), or pass the class or a "
                    "functools.partial of it, and the model's parameters are given to it. A model "
                    "of several nets is a torch.nn.ModuleDict of them."
                )

    def _give(self, params: list[Tensor]) -> None:
        """Give the factory's optimizer `params`, also those of a layer that is unfrozen later."""
        assert self._factory is not None
        known = {id(param) for param in self._given}
        new = [param for param in params if id(param) not in known]
        self._given += new
        if self.optimizer is None and new:
            self.optimizer = _made_by(self._factory, new)
            if self.watch is not None:
                self.watch.follow(self.torch_optimizers)
        elif new:
            rate = float(self.learning_rate)
            self.optimizer.add_param_group({"params": new, "lr": rate})

    def apply(
        self,
        grads: Sequence[Tensor | None],
        trainable_variables: Sequence[Tensor] | None = None,
    ) -> None:
        """Give the gradients to torch's optimizer, and take a step. What was in `.grad` before,
        such as a user's own accumulation, is there afterwards.
        """
        if trainable_variables is not None:
            grads = self._in_own_order(grads, trainable_variables)
        if self.exchange is not None:
            with torch.no_grad():
                grads = self.exchange(self.params, grads)
        if not self.params:  # all layers are frozen
            return
        watch, before = self.watch, [param.grad for param in self.params]
        if watch is None:
            _put_grads(self.params, grads)
        else:
            watch.show(self.params, grads)
        self.batches += 1
        try:
            self.optimizer.step()
        except TypeError as error:
            if "closure" not in str(error):
                raise
            raise ArgumentError(
                f"{type(self.optimizer).__name__} asks for a closure, to compute the loss several "
                "times a step, which fit does not do. Use another optimizer, or write the loop "
                "with onfit.Run."
            ) from error
        finally:
            if watch is None:
                _put_grads(self.params, before)

    def reset_state(self) -> None:
        self.batches = 0
        for one in self.torch_optimizers:
            one.state.clear()
            _begin(one)

    @property
    def variables(self) -> list[Any]:
        """Its steps and its learning rate. The state is in `state_dict`, in torch's form."""
        return [Iterations(self.batches, self, "batches"), self.learning_rate]

    def state_dict(self) -> dict[str, Any]:
        """Steps, and the `state_dict` of each torch optimizer in it."""
        return {"batches": self.batches, "torch": [one.state_dict() for one in self._all_made()]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned."""
        for one, its in zip(self._all_made(), state["torch"], strict=True):
            one.load_state_dict(its)
        self.batches = state["batches"]

    def _all_made(self) -> list[Any]:
        self._made()
        return self.torch_optimizers

    def _made(self) -> Any:
        if self.optimizer is None:
            raise NotReadyError(
                "this optimizer is made when the model is built: call fit, or build the model, "
                "before reading or setting its learning rate."
            )
        return self.optimizer

    def get_config(self) -> dict[str, Any]:
        return {"name": self.kind}


def _made_by(factory: Factory, params: list[Tensor]) -> Any:
    """What a factory makes of weights, if that is an optimizer."""
    instead = "Pass a name, an optimizer, or a function that makes a torch optimizer of weights."
    try:
        made = factory(params)
    except TypeError as error:
        raise ArgumentError(
            f"optimizer={factory!r}: called with the model's weights, it raised: {error}. {instead}"
        ) from error
    if not hasattr(made, "step") or not hasattr(made, "param_groups"):
        raise ArgumentError(
            f"optimizer={factory!r}: called with the model's weights, it gave {made!r}. {instead}"
        )
    return made


def _put_grads(params: Sequence[Tensor], grads: Sequence[Tensor | None]) -> None:
    for param, grad in zip(params, grads, strict=True):
        param.grad = grad


def _bring_state(optimizer: Any) -> None:
    """Have the state follow the weights to another device. Steps stay where torch keeps them."""
    its_own = getattr(optimizer, "state", {})  # a user's wrapper may have none
    if any(
        isinstance(value, Tensor) and name != "step" and value.device != param.device
        for param, state in its_own.items()
        for name, value in state.items()
    ):
        optimizer.load_state_dict(optimizer.state_dict())  # which puts all where torch wants it


def _begin(optimizer: Any) -> None:
    """Give an optimizer the state that its constructor makes. All others make it at a step."""
    if isinstance(optimizer, torch.optim.Adagrad):
        start = optimizer.defaults["initial_accumulator_value"]
        groups = [dict(group) for group in optimizer.param_groups]
        new = torch.optim.Adagrad(groups, initial_accumulator_value=start)
        optimizer.state.update(new.state)
