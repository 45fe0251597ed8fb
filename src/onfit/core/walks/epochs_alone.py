"""Callbacks that act at epochs alone, in a training that has none."""

from onfit.core.listeners import Listeners
from onfit.errors import warn

_OF_EPOCHS = ("on_epoch_begin", "on_epoch_end")
_OF_STEPS = (
    "on_validation_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_before_optimizer_step",
    "on_test_end",
)


def warn_of_hooks_of_epochs(callbacks: Listeners) -> None:
    """Warn which callbacks act at epochs alone, which a run of steps does not have."""
    at_epochs = {id(each.callback) for hook in _OF_EPOCHS for each in callbacks.of(hook)}
    elsewhere = {id(each.callback) for hook in _OF_STEPS for each in callbacks.of(hook)}
    for callback in callbacks:
        if id(callback) in at_epochs - elsewhere:
            warn(
                f"{type(callback).__name__} acts at the begin or the end of epochs, and this "
                "training counts steps and has none. Write on_validation_end, or a hook of "
                "batches; LearningRateScheduler takes by='batch'."
            )
