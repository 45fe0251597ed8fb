"""What else calls itself a callback in a training of LightGBM, and would end it."""

import inspect
from typing import Any

from lightgbm.callback import early_stopping

from onfit.errors import CapabilityError
from onfit.integrations.hosting.rounds import Boosting

_THEIRS = (
    "LightGBM's early_stopping ends a training without a word to the other callbacks, whose end "
    "hooks would not be called. Leave it out, early_stopping_round among the parameters, too, and "
    "use onfit's EarlyStopping(restore_best_weights=True)."
)
_OURS = (
    "two OnfitCallbacks: one that stops the training does so without a word to the other, as "
    "LightGBM tells callbacks of no end. Hand all callbacks to one OnfitCallback."
)


def refuse_other_stops(callback: Boosting) -> None:
    """Raise a CapabilityError for what would end the training of `callback` behind its back."""
    for other in _callbacks_of_the_training():
        if isinstance(other, type(early_stopping(1))) and other.enabled:
            raise CapabilityError(_THEIRS)
        if isinstance(other, Boosting) and other is not callback:
            raise CapabilityError(_OURS)


def _callbacks_of_the_training() -> list[Any]:
    """The callbacks that LightGBM calls after each round. It says to none which others there are,
    so they are read where it keeps them.
    """
    frame = inspect.currentframe()
    while frame is not None and "callbacks_after_iter" not in frame.f_locals:
        frame = frame.f_back
    return [] if frame is None else list(frame.f_locals["callbacks_after_iter"])
