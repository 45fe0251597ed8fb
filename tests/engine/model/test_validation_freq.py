"""`validation_freq` in text: a cadence, within epochs or of epochs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import onfit
from onfit.callbacks import BackupAndRestore, Callback, LambdaCallback
from onfit.errors import ArgumentError, DataError
from onfit.layers import BatchNormalization, Dense, Dropout
from onfit.models import Sequential

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(40, 3)).astype("float32")
Y = X.sum(1, keepdims=True)
HELD_OUT = (X[:12] + 1, Y[:12])


def stack() -> Sequential:
    model = Sequential([Dense(4, input_dim=3), BatchNormalization(), Dropout(0.1), Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    return model


class Validated(Callback):
    """Notes (epoch, batches done) of each validation."""

    def __init__(self) -> None:
        self.at: list[tuple[int, int]] = []

    def on_test_begin(self, logs: Any = None) -> None:
        self.at.append((self.run.progress.epoch, self.run.progress.batch))


def validations(freq: Any, **fit: Any) -> tuple[list[tuple[int, int]], dict[str, Any]]:
    seen = Validated()
    fit = {"epochs": 3, "batch_size": 10, "validation_data": HELD_OUT, **fit}
    history = stack().fit(X, Y, verbose=0, callbacks=[seen], validation_freq=freq, **fit)
    return seen.at, history.history


# An epoch has four batches. A validation within an epoch comes before its batch is counted.
@pytest.mark.parametrize(
    ("freq", "at"),
    [
        ("2 batches", [(0, 1), (0, 3), (1, 1), (1, 3), (2, 1), (2, 3)]),
        ("3 batches", [(0, 2), (1, 1), (2, 0), (2, 3)]),
        ("30 samples", [(0, 2), (1, 1), (2, 0), (2, 3)]),
        ("5 batches", [(1, 0), (2, 1), (2, 4)]),
        ("100 batches", [(2, 4)]),
        ("1 hour", [(2, 4)]),
        ("epoch", [(0, 4), (1, 4), (2, 4)]),
        ("2 epochs", [(1, 4), (2, 4)]),
        ("5 epochs", [(2, 4)]),
    ],
)
def test_it_validates_when_it_is_due_and_at_the_end(freq, at):
    assert validations(freq)[0] == at


def test_an_epochs_logs_have_its_latest_validation_and_only_its_own():
    _, history = validations("5 batches")
    assert {name: len(values) for name, values in history.items()} == {
        "loss": 3,
        "mae": 3,
        "val_loss": 2,
        "val_mae": 2,
    }


def test_the_latest_validation_is_that_of_the_weights_at_its_batch():
    model, found = stack(), []

    def look(epoch: int, logs: Any) -> None:
        found.append((logs["val_loss"], model.evaluate(*HELD_OUT, verbose=0)[0]))

    model.fit(
        X,
        Y,
        batch_size=10,
        validation_data=HELD_OUT,
        validation_freq="2 batches",
        verbose=0,
        callbacks=[LambdaCallback(on_epoch_end=look)],
    )
    assert found[0][0] == pytest.approx(found[0][1])


def test_validations_within_epochs_change_nothing_in_the_training():

    weights = []
    for freq in ("batch", 1):
        onfit.utils.set_random_seed(3)
        model = stack()
        model.fit(
            X, Y, batch_size=10, epochs=2, validation_split=0.2, validation_freq=freq, verbose=0
        )
        weights.append(model.get_weights())
    assert all(np.array_equal(*pair) for pair in zip(*weights, strict=True))


def test_without_validation_data_a_cadence_says_nothing():
    assert validations("2 batches", validation_data=None)[0] == []


def test_a_stop_at_a_batch_ends_the_epoch_without_validation():
    seen = Validated()
    stop = LambdaCallback(on_batch_end=lambda batch, logs: seen.request_stop("enough"))
    stack().fit(
        X,
        Y,
        batch_size=10,
        validation_data=HELD_OUT,
        validation_freq="2 batches",
        verbose=0,
        callbacks=[seen, stop],
    )
    assert seen.at == []


@pytest.mark.parametrize("freq", ["2 fortnights", "", "0 batches", "1.5 epochs", "often"])
def test_text_that_is_no_cadence_is_an_error_that_names_the_argument(freq):
    with pytest.raises(ArgumentError, match="validation_freq="):
        validations(freq)


def test_a_generator_that_would_end_with_its_first_validation_is_an_error_before_training():
    def batches() -> Iterator[Any]:
        yield HELD_OUT

    with pytest.raises(DataError, match="validation_steps="):
        validations("3 batches", validation_data=batches())


class KilledError(Exception):
    pass


@pytest.mark.parametrize("at", range(1, 12))
def test_a_resumed_run_validates_as_if_it_had_run_through(tmp_path: Path, at: int):
    def fitted(folder: str, die_at: int | None) -> dict[str, Any]:

        onfit.utils.set_random_seed(5)
        model = stack()
        seen = iter(range(1000))

        def count(batch: int, logs: Any) -> None:
            if next(seen) == die_at:
                raise KilledError

        history = model.fit(
            X,
            Y,
            batch_size=10,
            epochs=3,
            validation_data=HELD_OUT,
            validation_freq="3 batches",
            verbose=0,
            callbacks=[
                LambdaCallback(on_train_batch_begin=count),
                BackupAndRestore(tmp_path / folder, save_freq="batch"),
            ],
        )
        return dict(history.history)

    with pytest.raises(KilledError):
        fitted("killed", at)
    assert fitted("killed", None) == fitted("whole", None)


def test_a_misspelt_unit_is_told_that_a_number_counts_epochs():
    with pytest.raises(ArgumentError, match="Say a number of epochs such as 2"):
        stack().fit(X, Y, verbose=0, validation_freq="10 stps")
