"""LearningRateFinder: try many learning rates in one short training."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onfit._types import StrPath
from onfit.callbacks.learning_rate_scheduler.setters import warn_of_other_setters
from onfit.core.callback import Callback, Logs
from onfit.core.console import readable
from onfit.core.faces import CanResume, HasLearningRate, Need, model_of
from onfit.core.meter import as_number
from onfit.core.packages.keras_fit import is_of_keras, load_state_of_keras, state_of_keras
from onfit.core.rates import set_rate
from onfit.core.representation import checked_arguments
from onfit.errors import (
    ArgumentError,
    MissingMetricError,
    MissingPackageError,
    NotReadyError,
    warn,
)
from onfit.storage import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class LearningRateFinder(Callback):
    """Raises the learning rate from batch to batch and notes the loss (Smith 2015); then it stops
    the training, and model and optimizer are as they were before.

    Use it in a training of its own: `model.fit(x, y, epochs=9, callbacks=[finder])`, with epochs
    enough for `steps` batches.

    Args:
        min_learning_rate: the first rate.
        max_learning_rate: the last rate; between them each is a fixed factor above the one before.
        steps: how many batches, each with a rate of its own.
        smoothing: the share of the earlier losses in the smoothed loss, from 0 up to 1.
        diverges_at: stop earlier, at a smoothed loss of this many times the best, or a NaN.

    Attributes:
        learning_rates: the rate of each batch.
        losses: the smoothed loss of each batch.

    Raises:
        ArgumentError: for numbers that make no search.
        ArgumentTypeError: for an argument that does not exist.
        CapabilityError: before training, if the state of the model cannot be saved and put back.
        MissingMetricError: at the end of an epoch whose batches logged no loss.
        NotReadyError: before training, for a model of Keras' own that is not built yet.

    Example:
        >>> finder = LearningRateFinder(1e-6, 1.0, steps=50)
        >>> model.fit(x, y, epochs=5, callbacks=[finder])  # doctest: +SKIP
        >>> model.optimizer.learning_rate = finder.suggestion  # doctest: +SKIP
    """

    remembers = ()
    sets_learning_rate = sets_rate_anew = True

    @checked_arguments
    def __init__(
        self,
        min_learning_rate: float = 1e-7,
        max_learning_rate: float = 10.0,
        steps: int = 100,
        smoothing: float = 0.9,
        diverges_at: float = 4.0,
    ) -> None:
        rising = 0 < min_learning_rate < max_learning_rate < math.inf
        if not (rising and steps >= 3 and 0 <= smoothing < 1 and diverges_at > 1):
            raise ArgumentError(
                f"LearningRateFinder({min_learning_rate!r}, {max_learning_rate!r}, "
                f"steps={steps!r}, "
                f"smoothing={smoothing!r}, diverges_at={diverges_at!r}): the rates rise from above "
                "0, steps are 3 or more, smoothing is from 0 up to 1, diverges_at is above 1."
            )
        self.min_learning_rate = min_learning_rate
        self.max_learning_rate = max_learning_rate
        self.steps = steps
        self.smoothing = smoothing
        self.diverges_at = diverges_at
        self._begin_anew()

    def _begin_anew(self) -> None:
        self.learning_rates: list[float] = []
        self.losses: list[float] = []
        self._mean = 0.0  # of the losses so far, before its bias is corrected
        self._diverged = False
        self._before: Any = None  # the state of model and optimizer

    def needs(self) -> Iterable[Need]:
        yield Need(HasLearningRate)
        if not is_of_keras(self.model):  # whose state a list of variables holds
            yield Need(CanResume)

    def on_train_begin(self, logs: Logs | Any = None) -> None:
        warn_of_other_setters(self)
        self._begin_anew()
        model = model_of(self)
        of_keras = is_of_keras(model)
        self._before = state_of_keras(model) if of_keras else model.state_for_resume()

    def on_train_batch_begin(self, batch: int, logs: Logs | Any = None) -> None:
        share = min(len(self.losses), self.steps - 1) / (self.steps - 1)
        ratio = self.max_learning_rate / self.min_learning_rate
        self._rate = self.min_learning_rate * ratio**share
        set_rate(self, self._rate)

    def on_train_batch_end(self, batch: int, logs: Logs | Any = None) -> None:
        loss = as_number((logs or {}).get("loss"))
        if loss is None or len(self.losses) >= self.steps:
            return
        self._note(float(loss))
        best, last = min(self.losses), self.losses[-1]
        if not last <= self.diverges_at * best:
            self._diverged = True
            self.request_stop(f"the loss diverges at a rate of {readable(self._rate)}")
        elif len(self.losses) == self.steps:
            self.request_stop(f"{self.steps} learning rates are tried")

    def on_epoch_end(self, epoch: int, logs: Logs | Any = None) -> None:
        self._require_losses(logs)

    def on_validation_end(self, step: int, logs: Logs | Any = None) -> None:
        self._require_losses(logs)

    def _require_losses(self, logs: Logs | Any) -> None:
        if not self.losses:
            raise MissingMetricError(
                "LearningRateFinder notes the loss of each batch, and this training logs none for "
                f"its batches. There are: {', '.join(sorted(logs or {})) or 'none'}. Log loss= in "
                "each batch; in a trainer that logs it more rarely, as that of transformers does, "
                "search in onfit's fit or onfit.Run instead."
            )

    def _note(self, loss: float) -> None:
        self._mean = self.smoothing * self._mean + (1 - self.smoothing) * loss
        self.learning_rates.append(self._rate)
        self.losses.append(self._mean / (1 - self.smoothing ** len(self.learning_rates)))

    def on_train_end(self, logs: Logs | Any = None) -> None:
        before, self._before = self._before, None
        if before is None:
            return
        self._warn_of_an_early_end()
        self._bring_together()
        model = model_of(self)
        if is_of_keras(model):
            load_state_of_keras(model, before)
            return
        if hasattr(model.optimizer, "reset_state"):
            model.optimizer.reset_state()  # of momentum that was not there before
        model.load_state_for_resume(before)

    def _warn_of_an_early_end(self) -> None:
        cut = self._session is not None and self._session.outcome != "completed"
        if self._diverged or cut or not 0 < len(self.losses) < self.steps:
            return
        warn(
            f"LearningRateFinder tried {len(self.losses)} of {self.steps} rates, up to "
            f"{self.learning_rates[-1]:.3g}: the training had no more batches. Give it more "
            "epochs, or steps= a smaller number."
        )

    def _bring_together(self) -> None:
        """Take the means of the losses of all processes, each of which has seen its share of the
        batches: they then suggest one rate.
        """
        run = self._session
        if run is None or run.outcome == "failed":
            return
        mine = dict(zip(map(repr, self.learning_rates), self.losses, strict=True))
        means = run.processes.mean_of(mine, "the end of LearningRateFinder")
        self.learning_rates, self.losses = list(map(float, means)), list(means.values())

    @property
    def suggestion(self) -> float:
        """The rate at two thirds of the longest fall of the smoothed loss, which may rise in
        between: below the rates at which the loss is least, or begins to diverge.

        Raises:
            NotReadyError: if fewer than three losses are known, or the loss never fell.
        """
        fall = _longest_fall(self.losses)
        if len(self.losses) < 3 or len(fall) < 2:
            raise NotReadyError(
                f"LearningRateFinder suggests a rate at which the loss falls, and of "
                f"{len(self.losses)} losses none fell. Train with it first, for {self.steps} "
                "batches, and with other rates if plot() shows no fall."
            )
        return self.learning_rates[fall[len(fall) * 2 // 3]]

    def plot(self, path: StrPath | None = None) -> "Figure":
        """Draw the smoothed loss over the rates, with the suggestion marked.

        Args:
            path: where to save it, if anywhere; its suffix chooses the format.

        Raises:
            NotReadyError: if no rate has been tried.
            MissingPackageError: if matplotlib is not installed.
        """
        if not self.losses:
            raise NotReadyError("LearningRateFinder.plot(): no rate is tried yet. Train with it.")
        try:
            from onfit.callbacks.history.curves import Curves
        except ImportError as error:
            raise MissingPackageError(
                "LearningRateFinder.plot() draws with matplotlib, which is not installed. "
                'Install it with: pip install "onfit[plot]"',
                name="matplotlib",
            ) from error
        figure = Curves(figsize=(6, 4), layout="constrained", dpi=120)
        axes = figure.add_subplot()
        axes.plot(self.learning_rates, self.losses)
        axes.set(xscale="log", xlabel="learning rate", ylabel="smoothed loss")
        if len(self.losses) > 2 and len(_longest_fall(self.losses)) > 1:
            label = f"suggestion: {readable(self.suggestion):.3g}"
            axes.axvline(self.suggestion, color="#d95f02", linestyle="--", label=label)
            axes.legend(frameon=False)
        if path is not None:
            with replacing(Path(path)) as temporary:
                figure.savefig(temporary)
        return figure


def _longest_fall(losses: list[float]) -> list[int]:
    """The places of the longest row of losses, each below the one before it in the row.

    >>> _longest_fall([3.0, 1.0, 2.5, 2.0, 2.2, 1.5])
    [0, 2, 3, 5]
    """
    lengths: list[int] = []
    before: list[int | None] = []
    for place, loss in enumerate(losses):
        higher = [earlier for earlier in range(place) if losses[earlier] > loss]
        last = max(higher, key=lengths.__getitem__, default=None)
        lengths.append(1 if last is None else lengths[last] + 1)
        before.append(last)
    fall: list[int] = []
    at = max(range(len(losses)), key=lengths.__getitem__, default=None)
    while at is not None:
        fall.insert(0, at)
        at = before[at]
    return fall
