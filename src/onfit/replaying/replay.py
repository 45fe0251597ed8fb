"""Give callbacks a recorded training, and see what they would have decided."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from onfit._types import Callbacks
from onfit.core.aliases import find
from onfit.core.console import readable
from onfit.core.judging.decisions import Decision, decisions_of
from onfit.core.session import Session
from onfit.core.state import names_of
from onfit.replaying.paper import PaperModel, check_units, on_paper, split
from onfit.replaying.records import Record, Unit, record_of


@dataclass(frozen=True)
class Replay:
    """What callbacks would have decided. As text it is a few sentences.

    In a record of a run of steps, all places are steps in place of epochs.

    Attributes:
        unit: `"epoch"` or `"step"`: what a row of the record is.
        places: the epochs that would have been trained, counted from 0.
        recorded: how many rows the record has.
        stopped_epoch: the epoch after which training would have stopped; None if it would not.
        stopped_by: the name of the callback that would have stopped it; empty if none would.
        stop_reason: why.
        best_epoch: the epoch with the best value, as the first callback that compares values sees
            it; None if none does.
        saved_epochs: the epochs at whose end a model would have been saved.
        learning_rates: the rate of each epoch.
        decisions: all decisions of each callback, by its name.
        left_out: the names of callbacks that decide nothing, and had no part in this.
    """

    unit: Unit
    places: list[int]
    recorded: int
    stopped_epoch: int | None
    stopped_by: str
    stop_reason: str
    best_epoch: int | None
    saved_epochs: list[int]
    learning_rates: list[float]
    decisions: dict[str, list[Decision]] = field(repr=False)
    left_out: list[str] = field(repr=False)

    def __str__(self) -> str:
        return "\n".join(self._sentences())

    def _sentences(self) -> Iterator[str]:
        if self.stopped_epoch is None:
            yield f"No callback would have stopped the training of {self._count(self.recorded)}."
        else:
            place = self._said(self.stopped_epoch)
            done = f"row {len(self.places)} of {self.recorded}"
            yield (
                f"{self.stopped_by} would have stopped after {place} ({done}): {self.stop_reason}."
            )
        if self.best_epoch is not None:
            yield f"The best is {self._said(self.best_epoch)}."
        if self.saved_epochs:
            places = ", ".join(str(self._shown(place)) for place in self.saved_epochs)
            yield f"A model would have been saved after {self.unit} {places}."
        changes = list(self._changes_of_rate())
        if changes:
            yield f"The learning rate would have been {', then '.join(changes)}."
        if self.left_out:
            yield f"Left out, since they decide nothing: {', '.join(self.left_out)}."

    def _changes_of_rate(self) -> Iterator[str]:
        before = None
        rates = list(zip(self.places, self.learning_rates, strict=True))
        if len({rate for _, rate in rates}) > 1:
            for place, rate in rates:
                if rate != before:
                    yield f"{readable(rate)} from {self._said(place)} on"
                before = rate

    def _count(self, rows: int) -> str:
        name = "epoch" if self.unit == "epoch" else "validation"
        return f"{rows} {name}{'' if rows == 1 else 's'}"

    def _said(self, place: int) -> str:
        return f"{self.unit} {self._shown(place)}"

    def _shown(self, place: int) -> int:
        return place + (self.unit == "epoch")


def replay(
    callbacks: Callbacks,
    recorded: Any,
    *,
    learning_rate: float | None = None,
    steps_per_epoch: int | None = None,
) -> Replay:
    """What a list of callbacks would have decided in a training that is recorded.

    The callbacks are copied, and nothing is trained, printed or written. Those that keep their
    decisions take part: EarlyStopping, ReduceLROnPlateau, ModelCheckpoint, LearningRateScheduler,
    TerminateOnNaN, and subclasses of them. The record is taken as it is: with another
    learning rate, a real training would have had other values from there on.

    Args:
        callbacks: a callback, or several.
        recorded: a `History` (onfit's or Keras'), the path of a file of `CSVLogger` or of a folder
            of `TensorBoard`, a list of dicts with one for each epoch, or a dict of lists.
        learning_rate: the rate at the begin; by default the first that is recorded, or 1, so that
            the rates are shares of the first.
        steps_per_epoch: how many batches an epoch had, for a patience in steps.

    Raises:
        ArgumentError: for a record without rows, or callbacks that count what it does not have.
        FileFormatError: for a file that is no such record.

    Example:
        >>> from onfit.callbacks import EarlyStopping
        >>> losses = [0.9, 0.5, 0.4, 0.6, 0.5, 0.3]
        >>> found = replay(EarlyStopping(patience=2), {"val_loss": losses})
        >>> found.stopped_epoch, found.best_epoch
        (4, 2)
        >>> print(found)
        EarlyStopping would have stopped after epoch 5 (row 5 of 6): val_loss has not improved on
        0.4 for 2 epochs.
        The best is epoch 3.
    """
    record = record_of(recorded)
    given, left_out = split(callbacks)
    check_units(given, steps_per_epoch is not None or record.unit == "step")
    with tempfile.TemporaryDirectory() as folder:
        copies = on_paper(given, folder)
        model = PaperModel(_first_rate(record) if learning_rate is None else learning_rate)
        session = _session(model, copies, record)
        places, rates, best_epoch = _walk(session, record, steps_per_epoch or 1)
    decided = {name: decisions_of(each) for name, each in names_of(copies).items()}
    stopped = session.stopped
    return Replay(
        unit=record.unit,
        places=places,
        recorded=len(record.rows),
        stopped_epoch=None if stopped is None else places[-1],
        stopped_by="" if stopped is None else stopped.by,
        stop_reason="" if stopped is None else stopped.why,
        best_epoch=best_epoch,
        saved_epochs=_saved(decided),
        learning_rates=rates,
        decisions={name.removesuffix("/0"): found for name, found in decided.items()},
        left_out=left_out,
    )


def _first_rate(record: Record) -> float:
    found = [values[name] for _, values in record.rows if (name := find("lr", values)) is not None]
    return found[0] if found else 1.0


def _session(model: PaperModel, callbacks: list[Any], record: Record) -> Session:
    first, last = record.rows[0][0], record.rows[-1][0]
    by_epoch = record.unit == "epoch"
    params = {
        "verbose": 0,
        "do_validation": any(name.startswith("val_") for name in record.names),
        "metrics": sorted(name for name in record.names if not name.startswith("val_")),
    }
    return Session(
        model,
        callbacks,
        epochs=last + 1 if by_epoch else 1,
        initial_epoch=first if by_epoch else 0,
        params=params,
    )


def _walk(
    session: Session, record: Record, steps: int
) -> tuple[list[int], list[float], int | None]:
    """Push the rows. Returns the places that were reached, their rates, and the best place."""
    model, comparing = session.model, [each for each in session.callbacks if hasattr(each, "best")]
    places, rates, best, best_place = list[int](), list[float](), None, None
    session.train_begin()
    if record.unit == "step":
        session.steps_begin()
    for row, (place, values) in enumerate(record.rows):
        model.row = row
        rates.append(_push(session, record.unit, place, values, steps))
        places.append(place)
        now = comparing[0].best if comparing else None
        best, best_place = now, (place if now != best else best_place)
        if session.stopping:
            break
    session.train_end()
    return places, rates, best_place


def _push(session: Session, unit: Unit, place: int, values: dict[str, float], steps: int) -> float:
    """Push a row: an epoch with one batch, or a step with a validation. Returns its rate."""
    results = {name: value for name, value in values.items() if name.startswith("val_")}
    means = {name: value for name, value in values.items() if name not in results}
    if unit == "epoch":
        session.epoch_begin(place)
        session.progress.step += steps - 1
    else:
        session.progress.step = place - 1
    session.batch_begin(1)
    rate = float(session.model.optimizer.learning_rate)
    session.log(results)
    session.batch_end(1, **means)
    if unit == "epoch":
        session.epoch_end()
    else:
        session.validated()
    return rate


def _saved(decided: dict[str, list[Decision]]) -> list[int]:
    """The places at which a model would have been saved."""
    saves = [each for found in decided.values() for each in found if each.what == "saved"]
    return sorted({each.epoch or 0 if each.step is None else each.step for each in saves})
