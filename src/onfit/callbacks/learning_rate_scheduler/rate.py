"""A learning rate, read from what a schedule returns."""

from typing import Any

from onfit.errors import ArgumentError


def as_rate(value: Any, place: str) -> float:
    """The rate that a schedule returned for a place, such as `"epoch 3"`.

    Raises:
        ArgumentError: if it is no number, or a negative or infinite one.
    """
    try:
        number = value.item() if hasattr(value, "item") else value
        rate = float("nan") if isinstance(number, (bool, str, bytes)) else float(number)
    except (TypeError, ValueError, RuntimeError, OverflowError):  # arrays of several values too
        rate = float("nan")
    if not 0.0 <= rate < float("inf"):
        raise ArgumentError(
            f"LearningRateScheduler asked schedule for the learning rate of {place} and "
            f"got {value!r} of type {type(value).__name__}. Return one number, finite and not "
            "negative."
        )
    return rate
