"""The session of a trainer that logs and evaluates after it has told of the end of a step."""

from collections.abc import Mapping
from typing import Any

from onfit.core.meter import RunningMeans
from onfit.errors import ArgumentError
from onfit.integrations.hosting.sessions import SelfEnding


class LateSession(SelfEnding):
    """A session whose epochs end after what the trainer still logs, or evaluates, of them.

    Args:
        model: the model that is trained.
        callbacks: the callbacks.
        size: how many samples a step has.
        step: how many steps were done when the training began.
        evaluations: how many evaluations come at a time.
        **settings: further arguments of a session.
    """

    def __init__(
        self, model: Any, callbacks: Any, *, size: int, step: int, evaluations: int, **settings: Any
    ) -> None:
        self._losses = RunningMeans()
        super().__init__(model, callbacks, meter=self._losses, **settings)
        self._size, self._evaluations, self._left = size, evaluations, evaluations
        self._begun_at = self._logged_at = self._decided_at = step
        self._late: dict[str, Any] = {}  # what belongs to the next row
        self._ends_after = ""  # the event after which the epoch is over, if it is about to end

    @property
    def has_loss_to_log(self) -> bool:
        """Whether steps are done whose loss the trainer has not logged."""
        return self.progress.step > self._logged_at

    def batch_begin(self, size: int | None = None) -> None:
        self._log(self._late)
        self._late = {}
        super().batch_begin(size)

    def epoch_ends_after(self, event: str) -> None:
        """The epoch has no more steps; it ends after `"logs"`, an `"evaluation"` or `"steps"`."""
        self._ends_after = event
        self._happened("steps")

    def logged(self, values: dict[str, Any]) -> None:
        """The trainer has logged these values; `loss` is the mean since it was logged before."""
        if self._in_steps and self._decided_at == self.progress.step:
            self._late |= values
        else:
            self._log(values)
        self._happened("logs")

    def evaluated(self, values: Mapping[str, Any]) -> None:
        """An evaluation is over. Of several that come at a time the last is where callbacks decide;
        none before the first step counts.

        Raises:
            ArgumentError: if one comes after those that were to come.
        """
        self.evaluation_end(values)
        step = self.progress.step
        if step == self._begun_at:
            return
        if step == self._decided_at:
            with self._ending():
                raise ArgumentError(_too_many(self._evaluations, step))
        self.validated_before(**values)
        self._left -= 1
        if self._left == 0:
            self._left, self._decided_at = self._evaluations, step
            self.validated()
            self._happened("evaluation")

    def _log(self, values: dict[str, Any]) -> None:
        if "loss" in values:
            steps = self.progress.step - self._logged_at
            self._logged_at += steps
            self._losses.add({"loss": values.pop("loss")}, steps * self._size)
        self.log(values)

    def _happened(self, event: str) -> None:
        if event == self._ends_after and not self._in_steps:
            self._ends_after = ""
            self.epoch_end()


def _too_many(evaluations: int, step: int) -> str:
    return (
        f"OnfitCallback(..., evaluations={evaluations}): at step {step} another evaluation came, "
        "after the callbacks had decided. With a dict as eval_dataset, pass its length as "
        "evaluations=."
    )
