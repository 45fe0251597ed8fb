"""Stops: why a run ends before its last epoch, and what asked for it."""

import signal as signals
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from onfit.core.processes import ALONE, Processes

if TYPE_CHECKING:
    from onfit.core.callback import Callback
    from onfit.core.listeners import Listeners

# What a stop says about the training: it is finished; it goes on later in another process; it went
# wrong; or nothing, if the loop itself asked for the stop.
Means = Literal["end", "pause", "failure", "nothing"]

# How a run ended.
Outcome = Literal["completed", "stopped", "interrupted", "failed"]

THE_LOOP = "the training loop"


@dataclass
class Stop:
    """One request to end a run early.

    Attributes:
        by: the name of the callback's class, of the signal, or `"the training loop"`.
        why: the reason; may be empty.
        means: what the stop says about the training.
        signal: the signal that asked for the stop; None for all other stops.
        cut_short: whether the run saw the stop after a batch, so that the rest of the epoch and
            its validation are left out.
    """

    by: str = THE_LOOP
    why: str = ""
    means: Means = "nothing"
    signal: signals.Signals | None = None
    cut_short: bool = False

    @classmethod
    def of_callback(cls, callback: "Callback", why: str = "") -> "Stop":
        """A stop that `callback` asks for."""
        return cls(type(callback).__name__, why, callback.stop_means)

    @classmethod
    def of_signal(cls, number: int) -> "Stop":
        """A stop that a signal asks for; the run goes on later in another process."""
        found = signals.Signals(number)
        by = "Ctrl-C" if found is signals.SIGINT else found.name
        return cls(by, means="pause", signal=found)


class Stoppable:
    """The part of every session that is asked to stop, and that says whether, why and by what.

    A run only ever adds stops. Adding one is a single step for Python, so that a signal's handler
    and the code that it interrupts never undo each other's work. Where several processes train
    together, a stop counts as soon as all of them know of it.
    """

    model: Any
    callbacks: "Listeners"
    processes: Processes = ALONE  # those that go through the walk with this one
    over = False  # whether every end hook has been called
    before: Mapping[str, Any] = MappingProxyType({})  # to save instead, where a signal may cut in
    settings: Mapping[str, str] = MappingProxyType({})  # of the script, when training began
    unheard: dict[str, Any] | None = None  # the call of a hook that a signal has cut off
    _stops: list[Stop]  # those that count
    _asked: list[Stop]  # those that count once all processes know of them

    def stop(self, why: str = "", *, by: "Callback | str | None" = None) -> None:
        """Ask the run to end with this batch, or with this epoch between two batches.

        Args:
            why: the reason, which is printed when the run ends. Of several stops the first counts.
            by: the callback that asks, or the name of what asks; None for the callback that is
                being called, or for the loop if none is.
        """
        by = by or self.callbacks.called
        if by is None or isinstance(by, str):
            self.ask(Stop(by or THE_LOOP, why))
        else:
            self.ask(Stop.of_callback(by, why))

    def ask(self, stop: Stop) -> None:
        """Add a stop. Of several stops the first counts, but a signal's before all others."""
        self._asked.append(stop)
        self.model.stop_training = True

    @property
    def stopped(self) -> Stop | None:
        """The stop that counts: a signal's, else the first; None if nothing asked for a stop."""
        if not self.stopping:
            return None
        return next((stop for stop in self._stops if stop.signal is not None), self._stops[0])

    @property
    def signal(self) -> signals.Signals | None:
        """The signal that asked for a stop; None if none did."""
        return next((stop.signal for stop in self._stops if stop.signal is not None), None)

    @property
    def stopping(self) -> bool:
        """Whether something asked for a stop. This stays True until a new run begins."""
        # A stop that was seen is kept: a callback that clears the flag does not undo it.
        if not self._stops and self.model.stop_training and not self._asked:
            self._asked.append(Stop())
        return bool(self._stops)

    @property
    def stopped_by(self) -> str:
        """What asked for the stop: the class of a callback, a signal, or the training loop."""
        return THE_LOOP if self.stopped is None else self.stopped.by

    @property
    def stop_reason(self) -> str:
        """The reason of the stop that counts; empty if it gave none."""
        return "" if self.stopped is None else self.stopped.why

    @property
    def lasting_stop(self) -> Stop | None:
        """The first stop that holds in another process, too; None if the run goes on there."""
        return next((stop for stop in self._stops if stop.means != "pause"), None)

    @property
    def cut_short(self) -> bool:
        """Whether the epoch ends before its last batch or its validation."""
        return any(stop.cut_short for stop in self._stops)

    @property
    def pausing(self) -> bool:
        """Whether the run goes on later in another process: a signal came, or time is up."""
        return self.stopped is not None and self.stopped.means == "pause"

    def _outcome_of(self, error: BaseException | None) -> Outcome:
        by_signal = self.signal is not None and isinstance(error, SystemExit | None)
        if by_signal or isinstance(error, KeyboardInterrupt):
            return "interrupted"
        if error is not None:
            return "failed"
        return "stopped" if self.stopping else "completed"

    def _flag_was_set(self, callback: "Callback") -> None:
        """Note that `callback` asked for a stop, if only by `model.stop_training = True`."""
        if not self._stops and not self._asked:
            self._asked.append(Stop.of_callback(callback))


class _Attributes:
    """Reads the attributes of an object by `[]`; False for an attribute that it lacks."""

    def __init__(self, owner: Any) -> None:
        self._owner = owner

    def __getitem__(self, name: str) -> Any:
        return getattr(self._owner, name, False)


def flags_of(model: Any) -> "dict[str, Any] | _Attributes":
    """The object from which `stop_training` of a model is read, after each call of a callback.

    It is the model's own dict, if the flag is in it and the class has no attribute of that name.
    To read an attribute of a torch module takes three times as long.
    """
    own: dict[str, Any] = getattr(model, "__dict__", {})
    if "stop_training" in own and not hasattr(type(model), "stop_training"):
        return own
    return _Attributes(model)
