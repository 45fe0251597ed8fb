"""A model of paper, and copies of callbacks that decide and write nothing."""

import copy
import inspect
import os
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from onfit._types import Callbacks
from onfit.callbacks.model_checkpoint import ModelCheckpoint
from onfit.callbacks.time_limit import TimeLimit
from onfit.core.callback import Callback
from onfit.core.judging.decisions import keeps_decisions
from onfit.core.judging.patience import Patience
from onfit.core.listeners import Listeners
from onfit.errors import ArgumentError


class PaperModel:
    """A model whose weights are the number of the row: it can be saved, and nothing is written.

    Args:
        learning_rate: the rate at the begin.
    """

    def __init__(self, learning_rate: float) -> None:
        self.stop_training = False
        self.optimizer = SimpleNamespace(learning_rate=learning_rate)
        self.row = 0

    def get_weights(self) -> list[Any]:
        """The number of the row."""
        return [self.row]

    def set_weights(self, weights: list[Any]) -> None:
        """Take back such a number."""
        (self.row,) = weights

    def save(self, filepath: str) -> None:
        """Write nothing."""

    save_weights = load_weights = save


def split(callbacks: Callbacks) -> tuple[list[Callback], list[str]]:
    """Those of the callbacks that keep their decisions, and the names of the others, which are left
    out: what they write, or ask of a model, belongs to a real training.
    """
    listed = list(Listeners(callbacks))
    deciding = [each for each in listed if _decides_by_values(each)]
    return deciding, [type(each).__name__ for each in listed if not _decides_by_values(each)]


def _decides_by_values(callback: Callback) -> bool:
    return keeps_decisions(callback) and not isinstance(callback, TimeLimit)


def on_paper(callbacks: Iterable[Callback], folder: str) -> list[Callback]:
    """Copies of callbacks that print nothing, and whose files would be in `folder`."""
    return [_copied(each, folder) for each in callbacks]


def _copied(callback: Callback, folder: str) -> Callback:
    copied = copy.deepcopy(callback)
    if hasattr(copied, "verbose"):
        copied.verbose = 0
    if isinstance(copied, ModelCheckpoint):
        _put_into(folder, copied)
    return copied


def _put_into(folder: str, checkpoint: ModelCheckpoint) -> None:
    """Let a checkpoint begin anew, in `folder`."""
    names = list(inspect.signature(ModelCheckpoint.__init__).parameters)[1:]
    given = {name: getattr(checkpoint, name) for name in names}
    for name in ("filepath", "save_last"):
        if not isinstance(given[name], bool):
            path = os.path.abspath(given[name])
            given[name] = os.path.join(folder, os.path.splitdrive(path)[1].lstrip(os.sep))
    given |= {"load_weights_on_restart": False, "background": False}
    ModelCheckpoint.__init__(checkpoint, **given)


def check_units(callbacks: Iterable[Callback], steps_known: bool) -> None:
    """Check that the record says what the callbacks count.

    Raises:
        ArgumentError: for one that counts time or batches, of which a record of epochs has none.
    """
    for each in callbacks:
        asked = getattr(each, "patience", None)
        unit = Patience.of(asked, type(each).__name__).unit if isinstance(asked, str) else ""
        if unit in ("seconds", "samples", "tokens") or (unit == "batches" and not steps_known):
            more = ", or pass steps_per_epoch=" if unit == "batches" else ""
            raise ArgumentError(
                f"replay(...) of {each!r}: the record does not say how many {unit} its rows took. "
                f"Give a patience in epochs{more}."
            )
        if isinstance(each, ModelCheckpoint) and each.hears("on_train_batch_end"):
            raise ArgumentError(
                f"replay(...) of {each!r}: it saves within epochs, of which the record has only "
                "the ends. Give save_freq='epoch'."
            )
