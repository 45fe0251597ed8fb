"""How long a training goes on, in epochs or in steps, and its walk through the batches."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onfit.core.cadence import Cadence, refuse_tokens
from onfit.core.run import Run
from onfit.engine.data.shares import size_of_whole
from onfit.engine.data.source import Source, size_of
from onfit.engine.model.compiling import Compiling
from onfit.engine.model.validating import Validations
from onfit.engine.step.compiled import Begun
from onfit.errors import ArgumentError, warn

if TYPE_CHECKING:
    from onfit.engine.step.following import FollowingTraining


@dataclass(frozen=True)
class Extent:
    """How long `fit` trains.

    Args:
        epochs: training ends before the epoch of this index.
        initial_epoch: the index of the first epoch.
        steps: in place of epochs: a number of steps, or text such as `"10_000 steps"`, `"2 hours"`.
        steps_per_epoch: what `fit` was given beside them.

    Raises:
        ArgumentError: for epochs beside steps.
    """

    epochs: int = 1
    initial_epoch: int = 0
    steps: int | str | None = None
    steps_per_epoch: float | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "initial_epoch"):
            if getattr(getattr(self, name), "shape", ()):
                raise ArgumentError(f"fit({name}={getattr(self, name)!r}): it is a whole number.")
        beside = {
            "epochs": self.epochs != 1,
            "initial_epoch": self.initial_epoch != 0,
            "steps_per_epoch": self.steps_per_epoch is not None,
        }
        given = [name for name, is_given in beside.items() if is_given]
        if self.steps is not None and given:
            raise ArgumentError(
                f"fit(steps={self.steps!r}, {given[0]}=...): a training of so many steps has no "
                f"epochs. Leave out {' and '.join(given)}, or steps."
            )
        if isinstance(self.steps, str):
            refuse_tokens(Cadence.of(self.steps, owner="fit", argument="steps"))

    @property
    def range(self) -> "range":
        """The epochs after which there may be a validation."""
        return range(self.initial_epoch, self.epochs)

    def params(self) -> dict[str, Any]:
        """What callbacks see as `self.params` of a training without epochs."""
        return {} if self.steps is None else {"epochs": None, "decide_at": "validations"}

    def _warn_of_no_epoch(self) -> None:
        if self.initial_epoch > self.epochs:
            warn(
                f"fit(epochs={self.epochs}, initial_epoch={self.initial_epoch}) trains nothing: "
                "epochs counts the earlier ones, too. "
                f"For {self.epochs} more write epochs={self.initial_epoch + self.epochs}."
            )

    def walk(
        self, run: Run, train: Source, step: "FollowingTraining", validations: Validations
    ) -> None:
        """Train until the end."""
        if self.steps is None:
            self._warn_of_no_epoch()
            _walk_epochs(run, train, step, validations)
        else:
            _walk_steps(run, train, step, validations, self.steps)


def _walk_epochs(
    run: Run, train: Source, step: "FollowingTraining", validations: Validations
) -> None:
    size = size_of if run.processes.world == 1 else size_of_whole
    for epoch in run.epochs():
        validations.begin_epoch(run)
        for batch in run.batches(train.epoch(epoch), size=size):
            step(batch)
            if validations.within:
                validations.after_batch(run, epoch, step.size or 1)
        validations.after_epoch(run, epoch)


def _walk_steps(
    run: Run, train: Source, step: "FollowingTraining", validations: Validations, until: int | str
) -> None:
    def of_pass(index: int) -> Any:
        return None if index and train.facts.once else train.epoch(index)

    size = size_of if run.processes.world == 1 else size_of_whole
    validations.begin_steps(run)
    every = validations.freq_in_steps
    for batch in run.steps(of_pass, until=until, validate_every=every, size=size):
        step(batch)
        if run.validation_due:
            validations.after_step(run)


@contextmanager
def under_way(model: Compiling) -> Iterator[None]:
    """Note in a model and the models in it, for the block, that it is in training, and how it is
    compiled when that begins.
    """
    parts = [part for part in model.modules() if isinstance(part, Compiling)]
    for part in parts:
        part.fits_under_way += 1
    before = model._begun
    if before is None and model._compiled is not None:
        model._begun = Begun(model._compiled)
    try:
        yield
    finally:
        model._begun = before
        for part in parts:
            part.fits_under_way -= 1
