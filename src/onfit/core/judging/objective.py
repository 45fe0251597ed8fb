"""Whether the values of a quantity get better, and the best one."""

import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from numbers import Real
from typing import Any, Self

from onfit._types import AskedMode, Mode
from onfit.core.aliases import other_names
from onfit.errors import ArgumentError, did_you_mean

# A share, such as "1%", "0.5 %" or "-1%": as everywhere in min_delta, the sign does not matter.
_SHARE = re.compile(r"\s*[+-]?(\d+(?:\.\d*)?|\.\d+)\s*%\s*")
MODES = ("auto", "min", "max")

# Words in a metric's name that say whether it should grow or shrink.
_UP = {
    "acc", "accuracy", "auc", "f1", "fmeasure", "precision", "recall", "iou", "dice", "r2",
    "score", "similarity", "proximity", "sensitivity", "specificity", "map", "bleu", "rouge",
}  # fmt: skip
_DOWN = {
    "loss", "error", "mse", "mae", "mape", "msle", "rmse", "crossentropy", "nll", "perplexity",
    "hinge", "poisson", "kld", "divergence", "wer", "cer", "bce", "huber", "logcosh",
}  # fmt: skip


def check_mode(mode: str, owner: str) -> None:
    """Raise an ArgumentError unless `mode` is auto, min or max."""
    if mode not in MODES:
        raise ArgumentError(
            f"{owner}(mode={mode!r}): mode is one of 'auto', 'min', 'max'."
            f"{did_you_mean(mode, MODES)}"
        )


def check_count(count: Any, owner: str, argument: str, otherwise: str = "") -> None:
    """Raise an ArgumentError unless `count` is a number of epochs, 0 or more.

    Args:
        count: what the user wrote.
        owner: the name of the callback, for the error.
        argument: the name of its argument, for the error.
        otherwise: what else it may be, for the error.
    """
    if not isinstance(count, Real) or not float(count) >= 0:
        further = f", {otherwise}" if otherwise else ""
        raise ArgumentError(
            f"{owner}({argument}={count!r}): a number of epochs, 0 or more{further}."
        )


@lru_cache(maxsize=1024)  # callbacks ask for the same names at every epoch
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


def direction_of(monitor: str, model: Any = None) -> Mode | None:
    """Whether a quantity should grow or shrink, as `metric_direction(name)` of the model says, if
    it has that, or else the name; None if neither does.
    """
    ask = getattr(model, "metric_direction", None)
    found: Mode | None = ask(monitor) if ask is not None else None
    return found or direction_by_name(monitor)


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
    found = direction_of(monitor, model)
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


class MonitorOp:
    """The attribute `monitor_op` of a callback that monitors: the function that says whether one
    value is better than another.

    It is `operator.lt` or `operator.gt`, after the callback's `mode`; None while nothing says the
    direction. Of several quantities it is the first one's. Set to a function such as
    `numpy.greater`, it sets `mode`.
    """

    def __get__(self, callback: Any, kind: type) -> Callable[[Any, Any], Any] | None:
        if callback is None:
            return None
        mode, monitor = map(_first, (callback.mode, callback.monitor))
        try:
            mode = resolve_mode(mode, monitor, type(callback).__name__, callback.model)
        except ArgumentError:
            return None
        return operator.lt if mode == "min" else operator.gt

    def __set__(self, callback: Any, better: Callable[[Any, Any], Any]) -> None:
        try:
            answers = bool(better(0.0, 1.0)), bool(better(1.0, 0.0))
        except TypeError:  # no function of two numbers
            answers = False, False
        if answers not in ((True, False), (False, True)):
            raise ArgumentError(
                f"{type(callback).__name__}.monitor_op = {better!r}: it says whether one number "
                "is better than another, and does not tell 0 and 1 apart. Set operator.lt or "
                "operator.gt, or pass mode='min' or mode='max'."
            )
        callback.mode = "min" if answers[0] else "max"


def _first(given: Any) -> Any:
    return given[0] if isinstance(given, (list, tuple)) else given


@dataclass(frozen=True)
class Objective:
    """The rule for an improvement, in Keras 3.15's arithmetic, except that NaN is never better.

    Args:
        mode: `"min"` or `"max"`.
        min_delta: a better value has to differ by more than this; its sign is ignored.
        relative: whether `min_delta` is a share of the value to beat.

    >>> Objective("min", min_delta=0.1).better(0.85, than=1.0)
    True
    >>> Objective.of("min", "1%", "EarlyStopping").better(199, than=200)
    False
    """

    mode: Mode
    min_delta: float = 0.0
    relative: bool = False

    @classmethod
    def of(cls, mode: Mode, min_delta: Any, owner: str) -> Self:
        """The rule for what a user wrote as `min_delta`: a number, or text such as `"1%"`.

        Raises:
            ArgumentError: if it is neither.
        """
        share = isinstance(min_delta, str) and _SHARE.fullmatch(min_delta)
        if share:
            return cls(mode, float(share[1]) / 100, relative=True)
        if isinstance(min_delta, str) or not hasattr(min_delta, "__float__"):
            raise ArgumentError(
                f"{owner}(min_delta={min_delta!r}): min_delta is a number, or a share of the value "
                "to beat, such as '1%'."
            )
        return cls(mode, float(min_delta))

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
            return value + self._margin(than) < than
        return value - self._margin(than) > than

    def _margin(self, than: float) -> float:
        if not self.relative:
            return abs(self.min_delta)
        return abs(self.min_delta * than) if math.isfinite(than) else 0.0

    @property
    def margin_said(self) -> str:
        """By how much a better value has to differ, in words; empty if any difference counts.

        >>> Objective.of("min", "1%", "EarlyStopping").margin_said
        ' by 1%'
        """
        least = abs(self.min_delta)
        if not least:
            return ""
        return f" by {least * 100:g}%" if self.relative else f" by {least:g}"


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
