"""TerminateOnNaN: stop when the loss is no longer a number."""

import math
from typing import Any

from onfit.core.callback import Callback, Logs
from onfit.core.console import say
from onfit.core.judging.deciding import decides
from onfit.core.judging.decisions import Decisions, forget_decisions, note_at_batch
from onfit.core.judging.monitor import Monitor
from onfit.core.meter import as_number
from onfit.core.representation import checked_arguments
from onfit.errors import InvalidLossError


class TerminateOnNaN(Callback):
    """Stops training as soon as a batch's loss is NaN or infinite.

    Only `loss` is checked; a metric may be NaN. The check waits for the device after every batch.
    Where a loop logs no loss of batches, that of each epoch or validation is checked; where it logs
    none there, either, one warning says so.

    Weights and optimizer may hold NaN by then. To train on, load weights from before, and let the
    optimizer forget its momentum: `model.load_weights("best.h5"); model.optimizer.reset_state()`.
    In a loop of your own that is `run.model.optimizer.reset_state()`.

    Args:
        raise_error: raise instead of stopping, so that the run counts as failed.

    Attributes:
        decisions: a list with the `Decision` to stop, if it did.

    Raises:
        InvalidLossError: with `raise_error=True`, at the first such batch.

    Example:
        >>> stop = TerminateOnNaN()
    """

    remembers = ()
    stop_means = "failure"
    decisions = Decisions()

    @checked_arguments
    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = raise_error
        self._checks_rows = True  # until a batch logs its loss, or one is found
        self._has_batches = False  # whether a batch came, of no loss
        self._monitor = Monitor("loss", "TerminateOnNaN")

    def on_train_begin(self, logs: Logs | Any = None) -> None:
        self._checks_rows, self._has_batches = True, False
        self._monitor.reset()
        forget_decisions(self)

    def on_train_batch_end(self, batch: int, logs: Logs | Any = None) -> None:
        loss = as_number((logs or {}).get("loss"))
        if loss is not None:
            self._checks_rows = False
            self._check(f"batch {batch}", batch, loss)
        else:
            self._has_batches = True

    def on_epoch_end(self, epoch: int, logs: Logs | Any = None) -> None:
        self._check_row(f"epoch {epoch}", logs, "epochs")

    def on_validation_end(self, step: int, logs: Logs | Any = None) -> None:
        self._check_row(f"the steps up to {step}", logs, "validations")

    def _check_row(self, where: str, logs: Logs | Any, at: str) -> None:
        if not self._checks_rows:
            return
        loss = as_number((logs or {}).get("loss"))
        if loss is not None:
            self._check(where, 0, loss)
        elif self._has_batches and decides(self, at):
            self._monitor.read(logs or {}, self.params)  # which warns

    def _check(self, where: str, batch: int, loss: Any) -> None:
        # A loss for each sample, or each output, is an array.
        losses = loss.ravel().tolist() if getattr(loss, "ndim", 0) else [loss]
        wrong = [one for one in losses if not math.isfinite(one)]
        if not wrong:
            return
        loss = wrong[0]
        self._checks_rows = False
        note_at_batch(self, batch, "stopped", f"the loss of {where} was {loss}", loss)
        if self.raise_error:
            raise InvalidLossError(_explained(where, loss))
        say(f"{where[0].upper()}{where[1:]}: Invalid loss, terminating training")
        self.request_stop(f"the loss of {where} was {loss}")


def _explained(where: str, loss: float) -> str:
    return (
        f"TerminateOnNaN(raise_error=True): NaN or Inf loss encountered; {where} has {loss}. "
        "Lower the learning rate, clip the gradients, or look for NaN in the data. Without "
        "raise_error=True training would stop here without an error."
    )
