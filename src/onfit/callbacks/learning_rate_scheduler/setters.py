"""Callbacks of one training that set the same learning rate."""

from typing import Any

from onfit.core.packages.keras_fit import in_keras_fit, setters_with
from onfit.errors import warn


def warn_of_other_setters(callback: Any) -> None:
    """Warn which callbacks of the training set the rate, too. `callback` sets it whatever it is by
    then, so it undoes what they do.

    Of two callbacks that both do so, the one that is called later warns.
    """
    session = callback._session
    if in_keras_fit(callback):
        listed = setters_with(callback)
    else:
        listed = [] if session is None else list(session.callbacks)
    for place, other in enumerate(listed):
        later = place > next(n for n, each in enumerate(listed) if each is callback)
        if other is callback or not getattr(other, "sets_learning_rate", False):
            continue
        if later and getattr(other, "sets_rate_anew", False):
            continue
        warn(
            f"{type(callback).__name__} and {type(other).__name__} set the same learning rate. "
            f"{type(callback).__name__} sets it anew each time, so what {type(other).__name__} "
            "sets is lost then. Leave one of them out, or give LearningRateScheduler a schedule "
            "that goes on from the rate: lambda epoch, rate: rate * 0.9."
        )
