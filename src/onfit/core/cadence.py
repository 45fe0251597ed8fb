"""How often something is done: each epoch, each batch, every so many samples, every ten minutes.

A user writes it as "epoch", "batch", 10_000 (samples), "500 batches", "10 minutes", "5 epochs" ...
"""

import math
import operator
import re
import time
from collections.abc import Callable
from typing import Any, Literal, Self

from onfit.core.packages.keras_fit import batches_until, in_keras_fit
from onfit.core.sizes import counts_of
from onfit.errors import ArgumentError, CapabilityError, did_you_mean, warn

Unit = Literal["epochs", "batches", "samples", "tokens", "seconds"]

# For every word for a unit: what the cadence counts, and how many of these one such unit is.
_UNITS: dict[str, tuple[Unit, int]] = {
    "epoch": ("epochs", 1),
    "epochs": ("epochs", 1),
    "batch": ("batches", 1),
    "batches": ("batches", 1),
    "step": ("batches", 1),
    "steps": ("batches", 1),
    "token": ("tokens", 1),
    "tokens": ("tokens", 1),
    "sample": ("samples", 1),
    "samples": ("samples", 1),
    "second": ("seconds", 1),
    "seconds": ("seconds", 1),
    "minute": ("seconds", 60),
    "minutes": ("seconds", 60),
    "hour": ("seconds", 3600),
    "hours": ("seconds", 3600),
}
_TEXT = re.compile(r"\s*(?:(?P<amount>\d[\d_]*(?:\.\d+)?)\s*)?(?P<unit>[A-Za-z]+)\s*")

# A bare number counts samples. If they fill at most this many batches, the user most likely meant
# batches.
_SUSPICIOUSLY_FEW_BATCHES = 10


_HOW_TO_SAY = (
    "Say 'epoch', 'batch', a number of samples such as 10000, or text such as '500 batches', "
    "'5 epochs' or '10 minutes'."
)


class Cadence:
    """Counts, and says when something is due again. `Cadence.of` reads one from an argument.

    The count begins anew each time something is due: "every 100 samples" with batches of 32 is
    due after the 4th batch (128 samples) and then after the 8th.

    Args:
        amount: how many of `unit` lie between two times.
        unit: `"epochs"`, `"batches"`, `"samples"`, `"tokens"` or
            `"seconds"`.
        clock: returns seconds; only differences matter.

    Example:
        >>> cadence = Cadence.of("2 batches", owner="ModelCheckpoint", argument="save_freq")
        >>> [cadence.due_after_batch(32) for _ in range(4)]
        [False, True, False, True]
    """

    def __init__(
        self, amount: float, unit: Unit, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.amount = amount
        self.unit = unit
        self._clock = clock
        self._asked = ""  # what the user wrote
        self._doubt = ""  # the warning for an amount of samples that fills only a few batches
        self._warned = False
        self._batches_without_tokens = 0.0
        self.restart()

    @classmethod
    def of(
        cls,
        value: Any,
        *,
        owner: str,
        argument: str,
        clock: Callable[[], float] = time.monotonic,
        how_to_say: str = _HOW_TO_SAY,
    ) -> Self:
        """Read a cadence from what a user wrote.

        Args:
            value: an int (samples), or text: a unit, with or without a number before it.
            owner: the name of the callback, for messages.
            argument: the name of its argument, for messages.
            clock: returns seconds; only differences matter.
            how_to_say: what the argument takes, for messages.

        Raises:
            ArgumentError: if `value` is not a cadence.
        """
        asked = f"{owner}({argument}={value!r})"
        if isinstance(value, str):
            cadence = cls(*_read_text(value, asked, how_to_say), clock=clock)
            cadence._asked = asked
            return cadence
        samples = _read_samples(value, asked, how_to_say)
        cadence = cls(samples, "samples", clock=clock)
        cadence._asked = asked
        cadence._doubt = (
            f"{asked} means every {value} samples, and a batch has %d. "
            f"For batches say {argument}='{value} batches'."
        )
        return cadence

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_since": self._clock() - self._since}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Go on from the seconds waited: another process has another clock."""
        vars(self).update(state)
        self._since = self._clock() - state["_since"]

    @property
    def counts_batches(self) -> bool:
        """Whether the cadence has to see every batch. A cadence of epochs does not."""
        return self.unit != "epochs"

    def restart(self) -> None:
        """Begin the count anew."""
        self._count = 0.0
        self._since = self._clock()

    def state_dict(self) -> dict[str, float]:
        """How far the count is. It keeps the seconds waited: another process has another clock."""
        return {"count": self._count, "waited": self._clock() - self._since}

    def load_state_dict(self, state: dict[str, float]) -> None:
        """Go on counting from a state of `state_dict`."""
        self._count = state["count"]
        self._since = self._clock() - state["waited"]

    def due_after_batch(
        self, size: int | None, tokens: int | None = None, batches: int = 1
    ) -> bool:
        """Count a batch of `size` samples and so many `tokens`; return whether something is due. A
        batch of unknown size counts as one sample; `batches` are told of at a time.

        Raises:
            ArgumentError: for a cadence of tokens, where the loop counts none.
        """
        if self.unit in ("samples", "tokens"):
            self._doubt_what_is_counted(size, tokens)
        size = 1 if size is None else size
        tokens = tokens or 0
        self._count += {"batches": batches, "samples": size, "tokens": tokens}.get(self.unit, 0)
        return self.unit != "epochs" and self._due()

    def due_after_epoch(self) -> bool:
        """Count an epoch, and return whether something is due. A cadence of batches or samples is
        never due here.
        """
        self._count += self.unit == "epochs"
        return self.unit in ("epochs", "seconds") and self._due()

    def put_off(self) -> None:
        """Make the next epoch due again, because the callback did nothing at this one. This only
        concerns a cadence of epochs.
        """
        if self.unit == "epochs":
            self._count = self.amount

    def _due(self) -> bool:
        reached = self._clock() - self._since if self.unit == "seconds" else self._count
        if reached < self.amount:
            return False
        self.restart()
        return True

    def _doubt_what_is_counted(self, size: int | None, tokens: int | None) -> None:
        if self.unit == "tokens":
            self._require_tokens(tokens)
        elif size is None:
            self._warn_once(
                f"{self._asked} counts samples, and this loop does not say how many a batch has: "
                f"each batch counts as one. Say '{self.amount:g} batches'."
            )
        else:
            self._doubt_few_batches(size)

    def _require_tokens(self, tokens: int | None) -> None:
        if tokens is None:
            raise ArgumentError(
                f"{self._asked} counts tokens, and this training counts none. Walk through "
                "run.steps(...), and log for each batch: run.log(tokens=...); or count steps."
            )
        self._batches_without_tokens += 1
        if tokens:
            self._batches_without_tokens = -math.inf
        elif self._batches_without_tokens > 1:  # those of a batch may come when it is over
            self._warn_once(
                f"{self._asked} counts tokens, and none are logged, so it is never due. Log them "
                "for each batch: run.log(tokens=...)."
            )

    def _warn_once(self, text: str) -> None:
        if not self._warned:
            self._warned = True
            warn(text)

    def _doubt_few_batches(self, size: int) -> None:
        """Warn once, at the first batch, that a small bare number counts samples."""
        doubt, self._doubt = self._doubt, ""
        if doubt and self.amount <= _SUSPICIOUSLY_FEW_BATCHES * size:
            warn(doubt % size)


def begin_cadence(callback: Any) -> None:
    """The cadence of a callback begins anew with a training.

    Raises:
        CapabilityError: if it counts samples or tokens, and Keras trains its own model.
    """
    cadence: Cadence = callback._cadence
    if cadence.unit in ("samples", "tokens") and in_keras_fit(callback):
        raise CapabilityError(
            f"{type(callback).__name__} acts every {cadence.amount:g} {cadence.unit}, "
            "and Keras' fit does not tell callbacks how many a batch has. Count batches, such as "
            "'100 batches', or seconds."
        )
    cadence.restart()


def due_after_batch(callback: Any, batch: int, logs: Any) -> bool:
    """Whether something is due, by the cadence of a callback, at the end of `batch`."""
    done = batches_until(callback, batch)
    cadence: Cadence = callback._cadence
    return cadence.due_after_batch(*counts_of(callback, logs), batches=done)


def refuse_tokens(cadence: Cadence) -> None:
    """Refuse a cadence of tokens of `fit`, which counts none.

    Raises:
        ArgumentError: for such a cadence.
    """
    if cadence.unit == "tokens":
        raise ArgumentError(
            f"{cadence._asked}: fit counts no tokens. Give steps, samples or minutes. A loop of "
            "your own counts what it logs: run.steps(..., until='1_000_000 tokens')."
        )


def _read_samples(value: Any, asked: str, how_to_say: str) -> int:
    try:
        samples = 0 if isinstance(value, bool) else operator.index(value)
    except TypeError:
        samples = 0
    if samples < 1:
        raise ArgumentError(f"{asked} is no cadence. {how_to_say}")
    return samples


def _read_text(text: str, asked: str, how_to_say: str) -> tuple[float, Unit]:
    match = _TEXT.fullmatch(text)
    if match is None:
        raise ArgumentError(f"{asked} is no cadence. {how_to_say}")
    word = match["unit"].lower()
    if word not in _UNITS:
        raise ArgumentError(
            f"{asked}: {match['unit']!r} is no unit.{did_you_mean(word, _UNITS)} {how_to_say}"
        )
    unit, size = _UNITS[word]
    amount = float(match["amount"] or 1) * size
    if amount <= 0 or (unit != "seconds" and not amount.is_integer()) or math.isinf(amount):
        raise ArgumentError(f"{asked}: there must be a whole number of {unit}, 1 or more.")
    return amount, unit
