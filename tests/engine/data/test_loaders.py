"""Batches that loaders and generators yield."""

from typing import Any

import numpy as np
import pytest
import torch
from tests.engine.data.data_forms import X, Y, batches_of, linear
from tests.engine.data.seen import Seen, WithoutLength, batches_seen, generator
from torch.utils.data import DataLoader, TensorDataset

from onfit.core import Callback
from onfit.errors import ArgumentError, DataError, OnfitWarning
from onfit.layers import Dense
from onfit.models import Sequential

# --- loaders ---------------------------------------------------------------------------------


def test_a_loader_yields_its_own_batches() -> None:
    loader = DataLoader(TensorDataset(torch.tensor(X).float(), torch.tensor(Y).float()), 4)
    assert batches_seen(loader, epochs=2) == [[[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]] * 2


def test_a_loader_without_length_works_from_the_first_batch_to_the_last() -> None:
    loader = DataLoader(WithoutLength(), batch_size=4)
    assert batches_seen(loader, epochs=2) == [[[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]] * 2


def test_what_callbacks_know_of_a_loader() -> None:
    told: list[dict[str, Any]] = []

    class Params(Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            told.append(self.params)

    dataset = TensorDataset(torch.zeros(10, 1), torch.zeros(10, 1))
    for loader in (
        DataLoader(dataset, 4),
        DataLoader(dataset, 4, drop_last=True),
        DataLoader(WithoutLength(), 4),
        [(torch.zeros(5, 1), torch.zeros(5, 1))].__iter__(),
    ):
        linear().fit(loader, verbose=0, callbacks=[Params()])
    known = [(params["steps"], params["samples"], params["batch_size"]) for params in told]
    assert known == [(3, 10, 4), (2, 8, 4), (None, None, 4), (None, None, None)]


def test_a_loader_may_yield_weights() -> None:
    batch = (torch.ones(2, 1), torch.zeros(2, 1), torch.tensor([1.0, 0.0]))
    model = Sequential([Dense(1, input_dim=1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    assert model.evaluate([batch].__iter__(), verbose=0) == 0.5


def test_a_loader_may_yield_numpy_and_labels_of_any_whole_type() -> None:
    model = Sequential([Dense(3, "softmax", input_dim=2)])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["acc"])
    batches = [(np.ones((4, 2)), np.array([0, 1, 2, 0], "int32"))]
    history = model.fit(iter(batches), verbose=0)
    assert set(history.history) == {"loss", "acc"}


def test_class_weights_reach_the_batches_of_a_loader() -> None:
    batch = (torch.ones(2, 1), torch.tensor([[0.0], [1.0]]))
    (weighted,) = batches_of(iter([batch]), class_weight={1: 4.0}).epoch(0)
    assert weighted.weight.tolist() == [1.0, 4.0]


@pytest.mark.parametrize(
    ("name", "value"),
    [("y", Y), ("sample_weight", Y[:, 0]), ("batch_size", 4), ("validation_split", 0.2)],
)
def test_what_a_loader_brings_itself_is_not_given_twice(name: str, value: Any) -> None:
    loader = DataLoader(TensorDataset(torch.zeros(4, 1), torch.zeros(4, 1)))
    with pytest.raises(ArgumentError, match=f"{name}= was given beside a DataLoader, which brings"):
        linear().fit(loader, verbose=0, **{name: value})


def test_a_loader_yields_one_to_three_things() -> None:
    with pytest.raises(DataError, match=r"or .x, y, sample_weight.; got 4 things"):
        linear().fit(iter([(1, 2, 3, 4)]), verbose=0)


def test_predict_ignores_the_targets_of_a_loader() -> None:
    loader = DataLoader(TensorDataset(torch.zeros(5, 1), torch.zeros(5, 1)), 2)
    assert linear().predict(loader, verbose=0).shape == (5, 1)


# --- generators ------------------------------------------------------------------------------


def test_the_first_batch_is_looked_at_and_not_lost() -> None:
    """The shapes of an unbuilt model come from it."""
    model, seen = Sequential([Dense(1)]), Seen()
    model.compile("sgd", "mse")
    seen.watch(model)
    model.fit(generator(), verbose=0, callbacks=[seen])
    assert seen.epochs == [[[0, 0], [1, 1], [2, 2]]]


def test_a_generator_that_ends_before_a_second_epoch_is_an_error() -> None:
    model, seen = linear(), Seen()
    seen.watch(model)
    with pytest.raises(DataError, match=r"generator yields no batch.*A generator ends for good"):
        model.fit(generator(), epochs=2, verbose=0, callbacks=[seen])
    assert len(seen.epochs[0]) == 3


def test_a_generator_goes_on_where_the_last_epoch_ended() -> None:
    epochs = batches_seen(generator(4), epochs=2, steps_per_epoch=2)
    assert epochs == [[[0, 0], [1, 1]], [[2, 2], [3, 3]]]


def test_a_generator_that_ends_within_an_epoch_ends_it_with_a_warning() -> None:
    with pytest.warns(OnfitWarning, match="the data ended within an epoch of 2 batches"):
        epochs = batches_seen(generator(3), epochs=2, steps_per_epoch=2)
    assert epochs == [[[0, 0], [1, 1]], [[2, 2]]]


def test_a_generator_that_ended_before_an_epoch_of_steps_is_an_error() -> None:
    with pytest.raises(DataError, match=r"ended before epoch 1 \(counted from 0\) of 2 batches"):
        batches_seen(generator(2), epochs=2, steps_per_epoch=2)


@pytest.mark.parametrize("loader", [iter([]), DataLoader([])])
def test_a_loader_of_nothing_is_an_error(loader: Any) -> None:
    with pytest.raises(DataError, match="yields no batch; there is nothing to work on"):
        linear().fit(loader, verbose=0)
