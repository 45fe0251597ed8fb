"""Random scripts, run by Keras' callbacks and by ours: they must act alike, epoch by epoch.

Numbers are multiples of 1/64, which single precision holds exactly: Keras compares in it.
What the two do differently on purpose is kept out by how scripts are made, never by filtering,
and shown in `test_disagreements.py`.
"""

import itertools
import math
import operator
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.twin.keras_twin import tolerant_of_keras
from tests.twin.stub import Logs, Stub, comparable, run_at, walk

from onfit import callbacks

pytestmark = [
    tolerant_of_keras,
    # A missing monitor is said by both, in words of their own.
    pytest.mark.filterwarnings("ignore:Early stopping conditioned on:UserWarning"),
    pytest.mark.filterwarnings("ignore:Learning rate reduction is conditioned:UserWarning"),
    pytest.mark.filterwarnings("ignore:.* monitors '.*', which is not in the logs"),
    pytest.mark.filterwarnings("ignore:ReduceLROnPlateau.*nothing to lower"),
]

many = settings(max_examples=2000, deadline=None, derandomize=True, database=None)

GRID = [step / 64 for step in (-128, -65, -64, -63, -2, -1, 0, 1, 2, 3, 8, 32, 64, 65, 200)]
ODD = [math.nan, math.inf, -math.inf, None]  # None: this epoch does not log it
MONITOR = "val_loss"

numbers = st.sampled_from(GRID)
quantities = st.lists(st.sampled_from(GRID * 2 + ODD), min_size=1, max_size=10)
fits = st.lists(quantities, min_size=1, max_size=2)
deltas = st.sampled_from([0, 1 / 64, 2 / 64, 1.0, -1 / 64])  # the sign is ignored
modes = st.sampled_from(["min", "max", "auto"])


def script(values: list[float | None], nan_is_first_until: int = 0) -> list[Logs]:
    """Epochs that log `values`; a NaN before the first number that is looked at becomes 0.

    A first NaN is one of the deliberate disagreements.

    Args:
        values: the monitored quantity, epoch by epoch.
        nan_is_first_until: how many epochs are not looked at.
    """
    epochs: list[Logs] = []
    settled = False
    for index, value in enumerate(values):
        looked_at = value is not None and index >= nan_is_first_until
        if looked_at and not settled and math.isnan(value or 0.0):
            value = 0.0
        settled = settled or looked_at
        epochs.append({"loss": 0.5} if value is None else {"loss": 0.5, MONITOR: value})
    return epochs


# --- EarlyStopping ---------------------------------------------------------------------------

early_stopping = st.fixed_dictionaries(
    {
        "min_delta": deltas,
        "patience": st.integers(0, 4),
        "mode": modes,
        "restore_best_weights": st.booleans(),
        "start_from_epoch": st.sampled_from([0, 0, 1, 3]),
    }
)


def stopping(callback: Any, stub: Stub) -> tuple[Any, ...]:
    # Before the first value, Keras' best epoch is 0 and ours is None.
    best_epoch = callback.best_epoch if callback.best is not None else None
    return (
        stub.stop_training,
        comparable(callback.best),
        best_epoch,
        callback.wait,
        callback.stopped_epoch,
        stub.weight,
    )


@many
@given(arguments=early_stopping, fits=fits, first=st.sampled_from([0, 0, 1, 2]))
def test_early_stopping_stops_and_restores_as_keras_does(
    arguments: Logs, fits: list[list[Any]], first: int
) -> None:
    theirs = keras.callbacks.EarlyStopping(monitor=MONITOR, **arguments)
    ours = callbacks.EarlyStopping(monitor=MONITOR, **arguments)
    skipped = max(0, arguments["start_from_epoch"] - first)
    for values in fits:
        epochs = script(values, skipped)
        expected = walk(theirs, Stub(), epochs, stopping, first)
        assert walk(ours, Stub(), epochs, stopping, first) == expected


class OfKeras2:
    """The decisions of EarlyStopping in Keras 2.2.4 and 2.3.1, as its code has them."""

    def __init__(self, mode: str, patience: int, baseline: float) -> None:
        self.better = {"min": operator.lt, "max": operator.gt}[mode]
        self.patience, self.best, self.wait = patience, baseline, 0

    def stops_at(self, current: float) -> bool:
        if self.better(current, self.best):
            self.best, self.wait = current, 0
            return False
        self.wait += 1
        return self.wait >= self.patience


@many
@given(
    mode=st.sampled_from(["min", "max"]),
    patience=st.integers(0, 4),
    baseline=numbers,
    values=st.lists(numbers, min_size=1, max_size=10),
)
def test_a_baseline_stops_the_training_when_keras_2_stops_it(
    mode: Any, patience: int, baseline: float, values: list[float]
) -> None:
    theirs = OfKeras2(mode, patience, baseline)
    ours = callbacks.EarlyStopping(MONITOR, patience=patience, mode=mode, baseline=baseline)
    stops = itertools.takewhile(lambda value: not theirs.stops_at(value), values)
    expected = min(len(list(stops)) + 1, len(values))
    seen = walk(ours, Stub(), script(list(values)), lambda callback, stub: callback.wait)
    assert len(seen) - 1 == expected
    assert seen[-1] == (theirs.wait, None)


# --- ReduceLROnPlateau -----------------------------------------------------------------------

plateau = st.fixed_dictionaries(
    {
        "factor": st.sampled_from([0.5, 0.25, 0.125, 0.0]),
        "patience": st.integers(0, 3),
        "mode": modes,
        "min_delta": deltas,
        "cooldown": st.integers(0, 3),
        "min_lr": st.sampled_from([0, 0.125, 0.25, 0.75, 2.0]),
    }
)


def reducing(callback: Any, stub: Stub) -> tuple[Any, ...]:
    return (
        float(stub.optimizer.learning_rate),
        comparable(callback.best),
        callback.wait,
        callback.cooldown_counter,
        callback.in_cooldown(),
        stub.stop_training,
    )


@many
@given(arguments=plateau, fits=fits)
def test_the_learning_rate_is_reduced_when_keras_reduces_it(
    arguments: Logs, fits: list[list[Any]]
) -> None:
    theirs = keras.callbacks.ReduceLROnPlateau(monitor=MONITOR, **arguments)
    ours = callbacks.ReduceLROnPlateau(monitor=MONITOR, **arguments)
    their_stub, our_stub = Stub(), Stub()  # the rate of the first fit is where the second begins
    for values in fits:
        epochs = script(values)
        assert walk(ours, our_stub, epochs, reducing) == walk(theirs, their_stub, epochs, reducing)


# --- ModelCheckpoint -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder to be in, so that names in it are short; and nothing waits for the disk."""
    before, fsync = os.getcwd(), os.fsync
    in_memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=in_memory) as made:
        os.chdir(made)
        os.fsync = lambda fd: None
        yield Path()
        os.fsync = fsync
        os.chdir(before)


checkpoint = st.fixed_dictionaries(
    {
        "save_best_only": st.booleans(),
        "mode": modes,
        "initial_value_threshold": st.none() | numbers,
    }
)
names = st.sampled_from(["best", "{epoch}", "e{epoch:03d}-{loss:.2f}", "{epoch:02d}.{loss}"])


def saving(callback: Any, stub: Stub) -> tuple[Any, ...]:
    return comparable(callback.best), stub.stop_training, len(stub.saved)


@many
@given(arguments=checkpoint, name=names, weights=st.booleans(), fits=fits)
def test_models_are_saved_when_keras_saves_them_to_the_same_names(
    folder: Path, arguments: Logs, name: str, weights: bool, fits: list[list[Any]]
) -> None:
    arguments = {**arguments, "monitor": MONITOR, "save_weights_only": weights}
    filepath = name + (".weights.h5" if weights else ".h5")
    theirs = keras.callbacks.ModelCheckpoint(filepath, **arguments)
    ours = callbacks.ModelCheckpoint(filepath, **arguments)
    their_stub, our_stub = Stub(), Stub()
    for values in fits:
        if arguments["save_best_only"]:  # a missing monitor is a deliberate disagreement
            values = [1 / 4 if value is None else value for value in values]
        epochs = script(values)
        assert walk(ours, our_stub, epochs, saving) == walk(theirs, their_stub, epochs, saving)
        assert our_stub.saved == their_stub.saved


@many
@given(every=st.integers(1, 7), batches=st.lists(st.integers(0, 6), min_size=1, max_size=6))
def test_models_are_saved_at_the_batches_of_keras(
    folder: Path, every: int, batches: list[int]
) -> None:
    filepath = "{epoch}-{batch}-{loss:.3f}.h5"
    theirs = keras.callbacks.ModelCheckpoint(filepath, save_freq=every)
    ours = callbacks.ModelCheckpoint(filepath, save_freq=f"{every} batches")
    stubs = []
    for callback in (theirs, ours):
        stub = Stub()
        callback.set_model(stub)
        callback.on_train_begin({})
        for epoch, count in enumerate(batches):
            callback.on_epoch_begin(epoch, {})
            for batch in range(count):
                # Ours asks the run for the epoch; Keras' remembers it.
                callback._session = run_at(epoch, batch + 1, step=0)
                callback.on_train_batch_end(batch, {"loss": batch / 8})
            callback.on_epoch_end(epoch, {"loss": 0.5})
        callback.on_train_end({})
        stubs.append(stub)
    assert stubs[1].saved == stubs[0].saved


# --- LearningRateScheduler -------------------------------------------------------------------

RATES = [0.0, 1 / 64, 0.25, 2.0]
returned = st.sampled_from(
    [
        *RATES,
        *map(np.float64, RATES),
        *map(np.float32, RATES),
        None,
        "0.5",
        b"1",
        True,
        1j,
        [0.5],
        (0.25, 0.5),
        {},
        np.array([0.5, 0.25]),
        np.True_,
    ]
)
schedules = st.sampled_from(["epoch", "epoch and rate", "rate is optional", "divides"])


def schedule_of(kind: str, values: list[Any]) -> Any:
    def by_epoch(epoch: int) -> Any:
        return values[epoch]

    def by_rate(epoch: int, rate: float) -> Any:
        value = values[epoch]
        return value if isinstance(value, list) or value is None else value * (0.5 + rate / 2)

    def optional(epoch: int, rate: float = 7.0) -> Any:
        return rate / 2 if epoch % 2 else values[epoch]

    def divides(epoch: int) -> Any:
        return 1.0 / values[epoch]

    kinds = {"epoch": by_epoch, "rate is optional": optional, "divides": divides}
    return kinds.get(kind, by_rate)


def scheduled(callback: Any, values: list[Any]) -> tuple[list[Any], str]:
    stub = Stub()
    rates: list[Any] = []
    callback.set_model(stub)
    for epoch in range(len(values)):
        logs: Logs = {"loss": 0.5}
        try:
            callback.on_epoch_begin(epoch, {})
        except (ValueError, ZeroDivisionError) as error:
            kind = "ValueError" if isinstance(error, ValueError) else "ZeroDivisionError"
            return [*rates, stub.optimizer.learning_rate], kind
        callback.on_epoch_end(epoch, logs)
        rates.append((float(stub.optimizer.learning_rate), logs["learning_rate"]))
    return rates, ""


@many
@given(kind=schedules, values=st.lists(returned, min_size=1, max_size=6))
def test_schedules_set_the_rates_that_they_set_in_keras(kind: str, values: list[Any]) -> None:
    if kind in ("epoch and rate", "divides"):  # they calculate
        values = [value if type(value) is float else 0.25 for value in values]
    schedule = schedule_of(kind, values)
    theirs = keras.callbacks.LearningRateScheduler(schedule)
    ours = callbacks.LearningRateScheduler(schedule)
    assert scheduled(ours, values) == scheduled(theirs, values)


# --- CSVLogger -------------------------------------------------------------------------------

cells = st.sampled_from(
    [
        *GRID,
        math.nan,
        math.inf,
        0.1,
        1e-30,
        np.float32(0.1),
        np.float64(1 / 3),
        np.array(0.5),
        np.array([1.0, 2.5]),
        [1, 2.5, "x"],
        (0.5,),
        [],
        7,
        True,
        None,
        "text",
        "a, b; c",
        'say "so"',
        "two\nlines",
        "",
    ]
)
columns = st.lists(
    st.sampled_from(["acc", "loss", "learning_rate", "Zeta", "val_acc", "a,b", "é"]), unique=True
)


@st.composite
def tables(draw: st.DrawFn) -> list[Logs]:
    """Epochs of which the first has every column, one of validation among them."""
    names = ["val_loss", *draw(columns)]
    rows = [{name: draw(cells) for name in names}]
    for _ in range(draw(st.integers(0, 3))):
        present = draw(st.lists(st.sampled_from(names), unique=True, min_size=1))
        rows.append({name: draw(cells) for name in present})
    return rows


counter = itertools.count()


@many
@given(
    table=tables(),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    append=st.booleans(),
    again=st.sampled_from(["no", "same instance", "another that appends", "another"]),
    header_there=st.booleans(),
)
def test_the_file_of_epochs_is_that_of_keras(
    folder: Path, table: list[Logs], separator: str, append: bool, again: str, header_there: bool
) -> None:
    seen = []
    for kind in (keras.callbacks, callbacks):
        path = folder / f"{next(counter)}.csv"
        if header_there:
            path.write_text("")
        logger = kind.CSVLogger(str(path), separator=separator, append=append)
        walk(logger, Stub(), table, lambda callback, stub: None)
        files = [path.read_bytes()]
        if again == "another that appends":
            logger = kind.CSVLogger(str(path), separator=separator, append=True)
        elif again == "another":
            logger = kind.CSVLogger(str(path), separator=separator)
        if again != "no":
            # A callback that is used again goes on only if it appends (see the exclusions).
            first = 0 if again == "same instance" and not append else len(table)
            walk(logger, Stub(), table, lambda callback, stub: None, first=first)
            files.append(path.read_bytes())
        seen.append(files)
    assert seen[1] == seen[0]
