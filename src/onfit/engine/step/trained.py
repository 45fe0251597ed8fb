"""What a model trains in its own steps: noted by `compile`."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import NamedTuple

from torch import Tensor, nn

from onfit.errors import warn
from onfit.layers.modes import Freezable, owned


class _AsCompiled(NamedTuple):
    """What trained before `trainable` of the model itself was set.

    Attributes:
        assignment: the one that set it.
        flags: of each part, whether it trained.
        off: the parameters that did not train.
    """

    assignment: object
    flags: dict[Freezable, bool]
    off: set[Tensor]


class Trained:
    """What the steps of one compiled model train.

    `trainable` set on a part of the model acts from the next step on. Set on the model itself, or
    on a model around it, it leaves the model's own steps as `compile` found them: the classic
    script of a GAN compiles the discriminator, and then freezes it for the model of both.

    Args:
        all_of_it: False if the model is frozen while it is compiled.

    Attributes:
        differs: whether the model's steps train something else than the flags of its parts say.
    """

    def __init__(self, all_of_it: bool = True) -> None:
        self.all_of_it = all_of_it
        self.differs = False  # a plain attribute, since every step reads it
        self._kept: _AsCompiled | None = None
        self._said: set[str] = set()

    def keep(self, model: nn.Module, assignment: object) -> None:
        """Note what trains now, before this assignment changes the flags."""
        flags = {part: self._flag(part) for part in _parts(model)}
        flags[model] = self.all_of_it  # type: ignore[index]
        off = {param for param, owner in owned(model) if not self._trains(param, owner)}
        self._kept, self.differs = _AsCompiled(assignment, flags, off), True

    def settle(self, model: nn.Module) -> None:
        """Forget what was noted if the flags say the same again."""
        same = all(self._flag(part) == part._trainable for part in _parts(model)) and all(
            self._trains(param, owner) == param.requires_grad for param, owner in owned(model)
        )
        if same:
            self._kept, self.differs = None, False

    def weights(self, model: nn.Module) -> list[Tensor]:
        """The parameters that the model's steps change."""
        found = {param: None for param, owner in owned(model) if self._trains(param, owner)}
        return list(found) if self.all_of_it else []

    def _flag(self, part: Freezable) -> bool:
        kept = self._kept
        if kept is None or part._assignment is not kept.assignment:
            return part._trainable
        return kept.flags.get(part, True)

    def _trains(self, param: Tensor, owner: Freezable) -> bool:
        kept = self._kept
        if kept is None or owner._assignment is not kept.assignment:
            return param.requires_grad
        return kept.flags.get(owner, True) and param not in kept.off

    def for_a_step(self, model: nn.Module, described: str) -> AbstractContextManager[None]:
        """A `with` block in which the flags of all parts say what the step trains."""
        if not self.differs:
            return nullcontext()
        self._warn_of_difference(described)
        return self._in_force(model)

    @contextmanager
    def _in_force(self, model: nn.Module) -> Iterator[None]:
        parts = [(part, part._trainable, self._flag(part)) for part in _parts(model)]
        params = [
            (param, param.requires_grad, self._trains(param, owner), owner)
            for param, owner in owned(model)
        ]
        assigned = {part: part._assignment for part, *_ in parts}
        for part, _, flag in parts:
            part._trainable = flag
        for param, _, trains, _ in params:
            param.requires_grad = trains
        try:
            yield
        finally:  # but for the parts that a hook set anew within the step
            for part, flag, _ in parts:
                if part._assignment is assigned[part]:
                    part._trainable = flag
            for param, trained, _, owner in params:
                if owner._assignment is assigned[owner]:
                    param.requires_grad = trained

    # --- what is said ----------------------------------------------------------------------

    def _warn_of_difference(self, model: str) -> None:
        """Warn, once, that `trainable` was set too late for the model's own steps."""
        done = "frozen" if self.all_of_it else "set trainable"
        self._warn(
            f"{model} was {done} after compile: its own steps go on as it was compiled. For the "
            "models around it the change acts. If it is meant for this model's steps, too, "
            "compile again."
        )

    def warn_of_nothing_to_train(self, model: str) -> None:
        """Warn, once, that a step changes nothing."""
        self._warn(
            f"{model} has no trainable weights, so its training changes nothing. Set trainable = "
            "True on the layers that are to train; after setting it on the model itself, compile "
            "again."
        )

    def _warn(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            warn(text)


def _parts(model: nn.Module) -> list[Freezable]:
    return [part for part in model.modules() if isinstance(part, Freezable)]
