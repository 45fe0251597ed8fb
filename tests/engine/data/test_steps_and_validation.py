"""Epochs of a number of steps, and data to validate on."""

from typing import Any

import numpy as np
import pytest
import torch
from tests.engine.data.data_forms import X, Y, linear
from tests.engine.data.seen import WithoutLength, batches_seen, generator
from torch.utils.data import DataLoader, TensorDataset

from onfit.core import Callback
from onfit.engine.data.array_source import ArraySource
from onfit.engine.data.arrays import samples_of
from onfit.engine.data.batching import Batching
from onfit.engine.data.loader_source import LoaderSource
from onfit.engine.data.steps_source import StepsSource
from onfit.errors import ArgumentError, DataError, OnfitWarning
from onfit.layers import Dense
from onfit.models import Sequential

# --- steps -----------------------------------------------------------------------------------


def test_an_epoch_of_steps_goes_on_and_begins_anew() -> None:
    epochs = batches_seen(X, Y, batch_size=4, shuffle=False, epochs=3, steps_per_epoch=2)
    assert epochs == [
        [[0, 1, 2, 3], [4, 5, 6, 7]],
        [[8, 9], [0, 1, 2, 3]],
        [[4, 5, 6, 7], [8, 9]],
    ]


def test_a_loader_of_steps_begins_anew_too() -> None:
    loader = DataLoader(WithoutLength(), batch_size=4)
    epochs = batches_seen(loader, epochs=2, steps_per_epoch=2)
    assert epochs == [[[0, 1, 2, 3], [4, 5, 6, 7]], [[8, 9], [0, 1, 2, 3]]]


def test_steps_of_evaluate_and_predict_are_the_first_ones() -> None:
    model = Sequential([Dense(1, input_dim=1, kernel_initializer="ones")])
    model.compile("sgd", "mae")
    assert model.evaluate(X, Y + (Y > 3), batch_size=4, steps=1, verbose=0) == 0.0
    assert model.predict(X, batch_size=4, steps=2, verbose=0)[:, 0].tolist() == list(range(8))


def test_validation_steps_are_the_first_ones_in_every_epoch() -> None:
    """What is validated on must not change from epoch to epoch."""
    model = linear()
    model.compile("sgd", "mae")
    model.optimizer.learning_rate = 0.0
    validation = {"validation_data": (X, Y * 9), "validation_batch_size": 3, "validation_steps": 2}
    history = model.fit(X, Y, epochs=3, verbose=0, **validation)
    assert len(set(history.history["val_loss"])) == 1


def test_validation_steps_beyond_the_data_count_nobody_twice() -> None:
    model = linear()
    with pytest.warns(OnfitWarning, match="the data ended within an epoch of 4 batches"):
        model.evaluate(X, Y, batch_size=4, steps=4, verbose=0)


@pytest.mark.parametrize("wrong", [0, -1])
def test_steps_are_at_least_one(wrong: int) -> None:
    with pytest.raises(ArgumentError, match=f"steps={wrong}: the number of batches is at least 1"):
        linear().fit(X, Y, steps_per_epoch=wrong, verbose=0)


def test_steps_know_their_samples_only_where_all_batches_are_whole() -> None:
    data = ArraySource(samples_of(X, Y), Batching(4))
    assert StepsSource(data, 2).facts.samples == 8
    assert StepsSource(data, 3).facts.samples is None
    assert StepsSource(LoaderSource(generator()), 2).facts.samples is None


# --- validation data -------------------------------------------------------------------------


def test_callbacks_see_the_validation_data_as_it_was_given() -> None:
    seen: list[Any] = []

    class Look(Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            seen.append(self.validation_data)

    loader = DataLoader(TensorDataset(torch.zeros(4, 1), torch.zeros(4, 1)))
    weight = np.ones(10)
    for validation in (
        None,
        (X, Y),
        (X, Y, weight),
        (torch.tensor(X), torch.tensor(Y)),
        loader,
    ):
        linear().fit(X, Y, validation_data=validation, verbose=0, callbacks=[Look()])
    linear().fit(X, Y, validation_split=0.2, verbose=0, callbacks=[Look()])
    assert seen[0] is None
    assert [part.shape for part in seen[4]] == [(4, 1), (4, 1)]
    assert [[type(part) for part in seen[i]] for i in (1, 2)] == [
        [np.ndarray] * 2,
        [np.ndarray] * 3,
    ]
    assert [type(part) for part in seen[3]] == [torch.Tensor] * 2
    assert seen[5][0][:, 0].tolist() == [8.0, 9.0]


@pytest.mark.parametrize("wrong", [X, (X,), (X, Y, Y, Y), 3])
def test_validation_data_are_two_or_three_things_or_a_loader(wrong: Any) -> None:
    with pytest.raises(
        DataError, match=r"validation_data is \(x, y\), .* or a dict .* by name; got"
    ):
        linear().fit(X, Y, validation_data=wrong, verbose=0)


def test_validation_data_are_checked_before_training() -> None:
    model = linear()
    before = model.get_weights()
    with pytest.raises(DataError, match="x has 10 samples, y has 2 samples"):
        model.fit(X, Y, validation_data=(X, Y[:2]), verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


def test_numbers_of_numpy_say_how_often_to_validate() -> None:
    for freq in (np.int64(2), 2.0):
        history = linear().fit(
            X, Y, epochs=4, validation_split=0.2, validation_freq=freq, verbose=0
        )
        assert len(history.history["val_loss"]) == 2


def test_an_epoch_that_cannot_come_is_no_time_to_validate() -> None:
    with pytest.raises(ArgumentError, match="count from 1"):
        linear().fit(X, Y, validation_split=0.2, validation_freq=[0], verbose=0)


def test_an_array_of_class_weights_has_one_for_each_class() -> None:
    labels = np.array([1, 3] * 5)
    with pytest.raises(DataError, match=r"array of 2 weights, .* y has class 3"):
        linear().fit(X, labels, class_weight=np.array([0.5, 2.0]), verbose=0)
    linear().fit(X, labels, class_weight={1: 0.5}, verbose=0)
