"""The gradients of each step, shown as `.grad` before and after the optimizer uses them."""

from collections.abc import Callable, Sequence
from operator import is_
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from onfit.errors import CapabilityError
from onfit.optimizers.accumulation import waits_for_others

if TYPE_CHECKING:
    from onfit.optimizers.optimizer import Optimizer

# Called when the gradients of a step are in `.grad`, and may change them.
BeforeUpdate = Callable[[], object]
Gradients = Sequence[Tensor | None]


class GradientWatch:
    """Puts the gradients of each step into `.grad` of the parameters, for observers.

    A copy or a pickle of what holds it has None in its place.
    """

    def __init__(self) -> None:
        self._observers: dict[object, BeforeUpdate | None] = {}
        self._optimizers: list[Optimizer] = []
        self._plain: list[Any] = []  # torch optimizers that no optimizer of onfit holds
        self._hooks: list[Any] = []  # on torch optimizers
        # For each parameter with a gradient from here, what its `.grad` was before.
        self._before: dict[Tensor, Tensor | None] = {}
        self._shown: Sequence[Tensor] = ()  # the parameters of the last step

    def add(self, before_update: BeforeUpdate | None) -> Callable[[], None]:
        """Add an observer. Returns a function that removes it; with the last observer, all that the
        watch has set is set back.

        Args:
            before_update: called before each update; None only to have the gradients in `.grad`.
        """
        key = object()
        self._observers[key] = before_update

        def remove() -> None:
            if self._observers.pop(key, self) is not self and not self._observers:
                self._close()

        return remove

    def attach(self, optimizer: Any) -> None:
        """Watch the steps of this optimizer, onfit's or torch's, too."""
        if hasattr(optimizer, "param_groups"):
            if optimizer not in self._plain:
                self._plain.append(optimizer)
                self.follow([optimizer])
        elif optimizer.watch is not self:
            _require_gradients_of_batches(optimizer)
            optimizer.watch = self
            self._optimizers.append(optimizer)
            self.follow(_torch_optimizers(optimizer))

    def follow(self, torch_optimizers: Sequence[Any]) -> None:
        """Call the observers before each step of these torch optimizers, which read `.grad`."""
        for one in map(_innermost, torch_optimizers):
            if hasattr(one, "register_step_pre_hook"):
                self._hooks.append(one.register_step_pre_hook(self._before_step))

    def _before_step(
        self, optimizer: Any, args: tuple[Any, ...], named: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        """Call the observers once the gradients are there: a closure makes them within the step.
        torch hands over the arguments of the step, and takes others in their place.
        """
        _, closure = (*args, named.get("closure"))[:2]
        if closure is None:
            self.call()
            return None

        def watched() -> Any:
            loss = closure()
            self.call()
            return loss

        return (args[0],), {**named, "closure": watched}

    def show(self, params: Sequence[Tensor], grads: Gradients) -> None:
        """Put gradients into `.grad`."""
        if len(params) != len(self._shown) or not all(map(is_, params, self._shown)):
            self._follow_parameters(params)
        for param, grad in zip(params, grads, strict=True):
            param.grad = grad

    def _follow_parameters(self, params: Sequence[Tensor]) -> None:
        """Other parameters train than in the last step: note what is in their `.grad`, and give
        back what was in that of those whose layer was frozen.
        """
        self._shown = list(params)
        training = {param for one in self._optimizers for param in one.params}.union(params)
        for param in self._before.keys() - training:
            param.grad = self._before.pop(param)
        for param in params:
            if param not in self._before:
                self._before[param] = param.grad

    def call(self) -> None:
        """Call the observers."""
        with torch.enable_grad():
            for before_update in list(self._observers.values()):
                if before_update is not None:
                    before_update()

    def changed(self, params: Sequence[Tensor], grads: Gradients) -> Gradients:
        """Show gradients, call the observers, and return what is in `.grad` then."""
        self.show(params, grads)
        if not any(self._observers.values()):  # nothing is called that could change them
            return grads
        self.call()
        return [None if param.grad is None else param.grad.detach() for param in params]

    def _close(self) -> None:
        for hook in self._hooks:
            hook.remove()
        for optimizer in self._optimizers:
            optimizer.watch = None
        for param, grad in self._before.items():
            param.grad = grad
        self._hooks, self._optimizers, self._plain, self._before = [], [], [], {}
        self._shown = ()

    def __reduce__(self) -> tuple[type[None], tuple[()]]:
        return type(None), ()


def observe(
    optimizer: Any, before_update: BeforeUpdate | None, others: Sequence[Any] = ()
) -> Callable[[], None]:
    """Add an observer to the watch of an optimizer, which may have none yet: see `add`.

    Args:
        optimizer: the optimizer.
        before_update: the observer.
        others: further optimizers to watch, onfit's or torch's.

    Raises:
        CapabilityError: if a torch optimizer does not say when it steps.
    """
    if before_update is not None:
        for one in (optimizer, *others):
            _require_hooks(_torch_optimizers(one))
    watch: GradientWatch = getattr(optimizer, "watch", None) or GradientWatch()
    for one in (optimizer, *others):
        watch.attach(one)
    return watch.add(before_update)


def _require_gradients_of_batches(optimizer: "Optimizer") -> None:
    if waits_for_others(optimizer):
        raise CapabilityError(
            "the gradients of each batch were asked for in the middle of a training of several "
            "processes with gradient_accumulation_steps, which bring them together for each step "
            "alone. Ask for them before fit, or write a callback with on_before_optimizer_step."
        )


def _torch_optimizers(optimizer: Any) -> Sequence[Any]:
    if hasattr(optimizer, "param_groups"):
        return [optimizer]
    found: Sequence[Any] = getattr(optimizer, "torch_optimizers", ())
    return found


def _innermost(optimizer: Any) -> Any:
    """The torch optimizer that steps, within a wrapper around it."""
    inner = getattr(optimizer, "optimizer", None)
    return _innermost(inner) if hasattr(inner, "param_groups") else optimizer


def _require_hooks(torch_optimizers: Sequence[Any]) -> None:
    for one in map(_innermost, torch_optimizers):
        if not hasattr(one, "register_step_pre_hook"):
            raise CapabilityError(
                f"gradients are to be seen before each update, and {type(one).__name__} has no "
                "register_step_pre_hook, by which torch's optimizers say when they step. Make it "
                "a subclass of torch.optim.Optimizer, or look at gradients in your own loop."
            )
