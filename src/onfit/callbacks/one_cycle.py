"""OneCycle: a learning rate that rises once and falls to almost nothing."""

import math
from collections.abc import Iterable
from typing import Any

from onfit.callbacks.learning_rate_scheduler.setters import warn_of_other_setters
from onfit.core.callback import Callback, Logs
from onfit.core.faces import HasLearningRate, Need
from onfit.core.judging.deciding import in_steps
from onfit.core.rates import rate_of, set_rate
from onfit.core.representation import checked_arguments
from onfit.errors import ArgumentError, NotReadyError


class OneCycle(Callback):
    """Sets the learning rate of each batch along one cycle (Smith, Topin 2017): along a cosine from
    a low rate up to the highest, and down to almost nothing when training ends.

    The arithmetic is that of torch's `OneCycleLR`; the momentum stays as it is.

    Args:
        max_learning_rate: the highest rate. `LearningRateFinder` helps to find it.
        total_steps: how many batches the cycle takes; by default those of the whole training:
            epochs times batches of an epoch, or the end of a run of steps.
        pct_start: the share of them in which the rate rises.
        div_factor: the first rate is the highest divided by this.
        final_div_factor: the last rate is the first divided by this.

    Where epochs have a known number of batches, a training that goes on at a later epoch
    (`initial_epoch`) goes on in the cycle, too. At the end of an epoch, or a validation in a run of
    steps, `logs["learning_rate"]` holds the rate of its last batch. A warning names another
    callback that sets the rate.

    Raises:
        ArgumentError: for a number that makes no cycle.
        ArgumentTypeError: for an argument that does not exist.
        NotReadyError: at the first batch, if nothing says how many batches there will be.

    Example:
        >>> cycle = OneCycle(0.1, total_steps=10)
        >>> [round(cycle.rate_at(step), 4) for step in (0, 2, 9)]
        [0.004, 0.1, 0.0]
    """

    remembers = ()
    sets_learning_rate = sets_rate_anew = True

    @checked_arguments
    def __init__(
        self,
        max_learning_rate: float,
        total_steps: int | None = None,
        pct_start: float = 0.3,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
    ) -> None:
        right = {
            "max_learning_rate": 0 < max_learning_rate < math.inf,
            "total_steps": total_steps is None or total_steps >= 1,
            "pct_start": 0 <= pct_start <= 1,
            "div_factor": 0 < div_factor < math.inf,
            "final_div_factor": 0 < final_div_factor < math.inf,
        }
        for name in (name for name, fits in right.items() if not fits):
            raise ArgumentError(
                f"OneCycle({name}={locals()[name]!r}): rates, factors and steps are above 0, and "
                "pct_start is a share from 0 to 1."
            )
        self.max_learning_rate = max_learning_rate
        self.total_steps = total_steps
        self.pct_start = pct_start
        self.div_factor = div_factor
        self.final_div_factor = final_div_factor
        self._epoch = 0

    def needs(self) -> Iterable[Need]:
        yield Need(HasLearningRate)

    def on_train_begin(self, logs: Logs | Any = None) -> None:
        self._epoch = 0
        warn_of_other_setters(self)

    def on_epoch_begin(self, epoch: int, logs: Logs | Any = None) -> None:
        self._epoch = epoch

    def on_train_batch_begin(self, batch: int, logs: Logs | Any = None) -> None:
        set_rate(self, self.rate_at(self._step(batch)))

    def on_epoch_end(self, epoch: int, logs: Logs | Any = None) -> None:
        if logs is not None:
            logs["learning_rate"] = rate_of(self)

    def on_validation_end(self, step: int, logs: Logs | Any = None) -> None:
        if in_steps(self):
            self.on_epoch_end(step, logs)

    def rate_at(self, step: int) -> float:
        """The rate of the batch before which `step` batches are done. After the cycle it stays.

        Raises:
            NotReadyError: if nothing says how long the cycle is.
        """
        total = self._total()
        first = self.max_learning_rate / self.div_factor
        top, end = self.pct_start * total - 1, total - 1
        step = min(step, end)
        if step <= top:
            return _between(first, self.max_learning_rate, step / top if top else 1.0)
        last = first / self.final_div_factor
        return _between(self.max_learning_rate, last, (step - top) / (end - top))

    def _step(self, batch: int) -> int:
        """How many batches of the cycle are done."""
        epoch, steps = self._epoch, self.params.get("steps")
        session = self._session
        if session is None:
            return epoch * (steps or 0) + batch
        if in_steps(self) or not steps:
            return session.progress.step
        return session.progress.epoch * int(steps) + batch

    def _total(self) -> int:
        epochs, steps = self.params.get("epochs"), self.params.get("steps")
        whole = epochs * steps if epochs and steps else None
        total = self.total_steps or self.params.get("total_steps") or whole
        if total is None:
            raise NotReadyError(
                "OneCycle needs to know how many batches the training will have, and nothing says "
                "so: data without a length, or a trainer that does not tell. Pass total_steps=."
            )
        return int(total)


def _between(first: float, last: float, share: float) -> float:
    """The rate at this share of the way from `first` to `last`, along half a wave of the cosine."""
    return last + (first - last) / 2.0 * (1.0 + math.cos(math.pi * share))
