"""TerminateOnNaN: stop when the loss is no longer a number."""

import math
from typing import Any

from onfit.core.callback import Callback, Logs
from onfit.core.console import say
from onfit.core.judging.decisions import Decisions, forget_decisions, note_at_batch
from onfit.core.meter import as_number
from onfit.core.representation import checked_arguments
from onfit.errors import InvalidLossError


class TerminateOnNaN(Callback):
    """Stops training as soon as a batch's loss is NaN or infinite.

    Only `loss` is checked; a metric may be NaN. The check waits for the device after every batch.

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

    def on_train_begin(self, logs: Logs | Any = None) -> None:
        forget_decisions(self)

    def on_train_batch_end(self, batch: int, logs: Logs | Any = None) -> None:
        loss = as_number((logs or {}).get("loss"))
        if loss is None or math.isfinite(loss):
            return
        note_at_batch(self, batch, "stopped", f"the loss of batch {batch} was {loss}", loss)
        if self.raise_error:
            raise InvalidLossError(_explained(batch, loss))
        say(f"Batch {batch}: Invalid loss, terminating training")
        self.request_stop(f"the loss of batch {batch} was {loss}")


def _explained(batch: int, loss: float) -> str:
    return (
        f"TerminateOnNaN(raise_error=True): NaN or Inf loss encountered; batch {batch} has {loss}. "
        "Lower the learning rate, clip the gradients, or look for NaN in the data. Without "
        "raise_error=True training would stop here without an error."
    )
