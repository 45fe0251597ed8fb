"""What a callback watches: a quantity in the logs, whether its values get better, the best one."""

import math
import re
import warnings
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

from onfit._types import AskedMode, Mode
from onfit.core.aliases import find, other_names
from onfit.core.packages.plain import text_of
from onfit.errors import ArgumentError, MissingMetricError, OnfitWarning, did_you_mean

MODES = ("auto", "min", "max")
DECIDE_AT = ("epochs", "validations")
_ON_MISSING = ("warn", "raise")

# Words in a metric's name that say whether it should grow or shrink.
_UP = {
    "acc", "accuracy", "auc", "f1", "fmeasure", "precision", "recall", "iou", "dice", "r2",
    "score", "similarity", "proximity", "sensitivity", "specificity", "map", "bleu", "rouge",
}  # fmt: skip
_DOWN = {
    "loss", "error", "mse", "mae", "mape", "msle", "rmse", "crossentropy", "nll", "perplexity",
    "hinge", "poisson", "kld", "divergence", "wer", "cer", "bce", "huber", "logcosh",
}  # fmt: skip


def decides(callback: Any, at: str) -> bool:
    """Whether a callback that judges a quantity does so at `"epochs"`, or at `"validations"`. A
    session says it in `params`; a loop that calls the hooks by hand says it by the hook it calls.
    """
    return bool(callback.params.get("decide_at", at) == at)


def in_steps(callback: Any) -> bool:
    """Whether a callback is in a run of steps, which has no epochs."""
    return callback.params.get("epochs", 0) is None


def place(callback: Any, index: int) -> str:
    """What callbacks print of the epoch, or of the step, at which they decide."""
    at_step = callback.params.get("decide_at") == "validations"
    return f"Step {index}" if at_step else f"Epoch {index + 1:05d}"


def turns(callback: Any) -> str:
    """What a callback's patience counts: `"epochs"` or `"validations"`."""
    return str(callback.params.get("decide_at", "epochs"))


def check_mode(mode: str, owner: str) -> None:
    """Raise an ArgumentError unless `mode` is auto, min or max."""
    if mode not in MODES:
        raise ArgumentError(
            f"{owner}(mode={mode!r}): mode is one of 'auto', 'min', 'max'."
            f"{did_you_mean(mode, MODES)}"
        )


def check_count(count: Any, owner: str, argument: str) -> None:
    """Raise an ArgumentError unless `count` is a number of epochs, 0 or more."""
    if not isinstance(count, Real) or not float(count) >= 0:
        raise ArgumentError(f"{owner}({argument}={count!r}): a number of epochs, 0 or more.")


def direction_by_name(monitor: str) -> Mode | None:
    """Whether a quantity of this name should grow or shrink; None if the name does not say.

    >>> direction_by_name("val_acc"), direction_by_name("val_loss"), direction_by_name("pearson")
    ('max', 'min', None)
    """
    words = {
        word
        for name in (monitor, *other_names(monitor))
        for word in re.split(r"\W|_", name.lower())
    }
    # "log_loss_score" has words of both kinds, so it says nothing.
    if bool(words & _UP) == bool(words & _DOWN):
        return None
    return "max" if words & _UP else "min"


def resolve_mode(mode: AskedMode, monitor: str, owner: str, model: Any = None) -> Mode:
    """The direction in which `monitor` gets better: from `mode`, from its metric, or from its name.

    Args:
        mode: `"min"`, `"max"` or `"auto"`.
        monitor: the name of the quantity.
        owner: the name of the callback, for the error.
        model: for `"auto"`, its `metric_direction(name)` comes before the name, if it has one.

    Raises:
        ArgumentError: if neither the metric nor the name says it.
    """
    if mode != "auto":
        return mode
    ask = getattr(model, "metric_direction", None)
    found: Mode | None = (ask(monitor) if ask is not None else None) or direction_by_name(monitor)
    if found is None:
        known = getattr(model, "metrics_names", None) or []
        names = [*known, *(f"val_{name}" for name in known)]
        near = did_you_mean(monitor, names)
        if near:
            raise ArgumentError(
                f"{owner}(monitor={monitor!r}): no metric of this model is called so.{near} If a "
                "callback logs it, pass mode='max' or mode='min' to say what is better."
            )
        raise ArgumentError(
            f"{owner}(monitor={monitor!r}, mode='auto'): nothing says whether {monitor!r} should "
            "grow or shrink. Pass mode='max' or mode='min'."
        )
    return found


@dataclass(frozen=True)
class Objective:
    """The rule for an improvement, in Keras 3.15's arithmetic, except that NaN is never better.

    Args:
        mode: `"min"` or `"max"`.
        min_delta: a better value has to differ by more than this; its sign is ignored.

    >>> Objective("min", min_delta=0.1).better(0.85, than=1.0)
    True
    """

    mode: Mode
    min_delta: float = 0.0

    @property
    def worst(self) -> float:
        """The value on which every other number improves."""
        return math.inf if self.mode == "min" else -math.inf

    def better(self, value: float, than: float | None) -> bool:
        """Whether `value` improves on `than`; anything but NaN improves on None."""
        if math.isnan(value):
            return False
        if than is None:
            return True
        if self.mode == "min":
            return value + abs(self.min_delta) < than
        return value - abs(self.min_delta) > than


@dataclass
class Best:
    """The best value so far, its epoch, and how many values came since the last success.

    Attributes:
        value: the best value; None before the first.
        epoch: the epoch it came from, counted from 0.
        wait: how many values came since the callback last set it to 0.
    """

    value: float | None = None
    epoch: int | None = None
    wait: int = field(default=0)

    def accept(self, value: float, epoch: int) -> None:
        """Take `value` as the best. The callback itself sets `wait` to 0."""
        self.value, self.epoch = value, epoch


class Monitor:
    """Reads a quantity from the logs; warns once, or raises, if no quantity has that name.

    Args:
        name: the name as the user wrote it; `acc` finds `accuracy`.
        owner: the name of the callback that watches, for messages.
        on_missing: `"warn"` (once) or `"raise"`.
    """

    def __init__(self, name: str, owner: str, on_missing: str = "warn") -> None:
        if on_missing not in _ON_MISSING:
            raise ArgumentError(
                f"{owner}(on_missing={on_missing!r}): on_missing is 'warn' or 'raise'."
                f"{did_you_mean(on_missing, _ON_MISSING)}"
            )
        if not isinstance(name, str):
            raise ArgumentError(
                f"{owner}(monitor={name!r}): monitor is the name of one logged quantity, "
                "such as 'val_loss'."
            )
        self.name = name
        self.owner = owner
        self.on_missing = on_missing
        self._warned = False

    def reset(self) -> None:
        """A new run starts, so a missing name leads to a warning again."""
        self._warned = False

    def read(self, logs: dict[str, Any], params: dict[str, Any]) -> float | None:
        """The quantity as a float; None if this epoch has none.

        Raises:
            MissingMetricError: with `on_missing="raise"`, at the first epoch that could have
                had it.
        """
        found = find(self.name, logs)
        if found is not None:
            value = _as_float(logs[found])
            if value is not None:
                return value
            text = text_of(logs[found], repr)
            self._complain(f"is {text}, which is not one number", logs)
        elif not self._comes_with_a_later_validation(logs, params):
            self._complain("is not in the logs", logs)
        return None

    def _comes_with_a_later_validation(self, logs: dict[str, Any], params: dict[str, Any]) -> bool:
        """Whether a later validation may bring the name: it is a `val_` name, in an epoch without
        validation (because of `validation_freq`, or a stop).
        """
        validated = any(name.startswith("val_") for name in logs)
        return self.name.startswith("val_") and not validated and bool(params.get("do_validation"))

    def _complain(self, problem: str, logs: dict[str, Any]) -> None:
        text = (
            f"{self.owner} monitors {self.name!r}, which {problem}. "
            f"There are: {', '.join(sorted(map(str, logs))) or 'none'}."
            f"{did_you_mean(self.name, logs)}{self._hint(logs)}"
        )
        if self.on_missing == "raise":
            raise MissingMetricError(text)
        if not self._warned:
            self._warned = True
            warnings.warn(text, OnfitWarning, stacklevel=2)

    def _hint(self, logs: dict[str, Any]) -> str:
        if self.name.startswith("val_") and not any(name.startswith("val_") for name in logs):
            return " Pass validation_data= or validation_split= to fit to have val_ values."
        return ""


def _as_float(value: Any) -> float | None:
    try:
        return float(value)
    except Exception:  # whatever a user logs: what is no number is said to be none
        return None
