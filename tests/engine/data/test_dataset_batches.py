"""Batches of torch's Datasets."""

from typing import Any

import pytest
import torch
from tests.engine.data.data_forms import (
    Rows,
    Stream,
    X,
    Y,
    batches_of,
    epochs_of,
    identity,
    linear,
    two_in_two_out,
)
from torch.utils.data import Dataset, TensorDataset

from onfit.core import Callback
from onfit.engine.data.array_source import ArraySource
from onfit.engine.data.arrays import Names
from onfit.errors import ArgumentError, DataError
from onfit.layers import Dense
from onfit.models import Sequential

# --- torch Datasets --------------------------------------------------------------------------


def test_a_dataset_is_cut_into_batches_as_arrays_are() -> None:
    for shuffle in (False, True):
        torch.manual_seed(3)
        these = epochs_of(batches_of(Rows(), batch_size=4, shuffle=shuffle), 3)
        torch.manual_seed(3)
        those = epochs_of(batches_of(X, Y, batch_size=4, shuffle=shuffle), 3)
        assert these == those
        assert [len(batch) for batch in these[0]] == [4, 4, 2]
        assert (these[0] != these[1]) is shuffle


def test_a_dataset_has_32_samples_in_a_batch_unless_told_otherwise() -> None:
    batches = batches_of(Rows(70))
    facts = batches.facts
    assert (facts.batch_size, facts.samples, facts.steps) == (32, 70, 3)


def test_walking_a_dataset_draws_nothing_from_the_generator_of_everybody() -> None:
    for dataset in (Rows(), Stream()):
        batches = batches_of(dataset, batch_size=4)
        before = torch.get_rng_state()
        list(batches.epoch(0))
        assert torch.equal(torch.get_rng_state(), before)


def test_shapes_are_learned_from_one_sample_of_a_dataset() -> None:
    rows = Rows()
    model = Sequential([Dense(1)])
    model.compile("sgd", "mse")
    model.predict(rows, steps=1, batch_size=2, verbose=0)
    assert model.input_shape == (None, 1)
    assert rows.asked == [0, 0, 1]


def test_a_dataset_trains_validates_evaluates_and_predicts() -> None:
    model = linear()
    history = model.fit(
        Rows(), validation_data=Rows(6), batch_size=4, validation_batch_size=3, epochs=2, verbose=0
    )
    assert list(history.history) == ["loss", "val_loss"]
    assert identity().evaluate(Rows(), verbose=0) == 0.0
    assert identity().predict(Rows(), verbose=0)[:, 0].tolist() == list(range(10))


def test_validation_batches_of_a_dataset_have_the_size_asked_for() -> None:
    sizes: list[int] = []

    class Look(Callback):
        def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
            sizes.append(logs["size"])

    for given in ({"validation_batch_size": 4}, {}):
        linear().fit(
            X, Y, batch_size=3, validation_data=Rows(6), callbacks=[Look()], verbose=0, **given
        )
    assert sizes == [4, 2, 3, 3]


def test_a_share_of_a_dataset_can_be_kept_to_validate_on() -> None:
    rows = Rows()
    linear().fit(rows, validation_split=0.2, batch_size=8, verbose=0)
    assert sorted(rows.asked[1:9]) == list(range(8))
    assert rows.asked[9:] == [8, 9]


def test_the_samples_of_a_dataset_may_be_nested() -> None:
    class Nested(Rows):
        def __getitem__(self, index: int) -> Any:
            x = torch.tensor([float(index)])
            return {"b": x, "a": x + 1}, (x, x), 0.5

    names = Names(("a", "b"), ("sum", "product"))
    samples = next(iter(batches_of(Nested(), batch_size=3, names=names).epoch(0)))
    assert samples.x[0].flatten().tolist() == [1.0, 2.0, 3.0]
    assert len(samples.y) == 2
    assert samples.weight.tolist() == [0.5] * 3
    two_in_two_out().fit(Nested(), verbose=0)


def test_a_dataset_of_tensors_is_cut_without_collecting_samples() -> None:
    dataset = TensorDataset(torch.tensor(X), torch.tensor(Y), torch.ones(10))
    batches = batches_of(dataset, batch_size=4)
    assert isinstance(batches, ArraySource)
    assert epochs_of(batches) == epochs_of(batches_of(Rows(), batch_size=4))
    assert batches.data.weight.tolist() == [1.0] * 10


def test_a_dataset_made_from_that_one_gives_its_own_samples() -> None:
    class Doubled(TensorDataset):
        def __getitem__(self, index: Any) -> Any:
            return tuple(2 * part for part in super().__getitem__(index))

    batches = batches_of(Doubled(torch.tensor(X), torch.tensor(Y)), batch_size=2)
    assert epochs_of(batches)[0][1] == [4.0, 6.0]


def test_callbacks_see_the_arrays_of_a_dataset_of_tensors() -> None:
    seen: list[Any] = []

    class Look(Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            seen.append(self.validation_data)

    for validation in (TensorDataset(torch.tensor(X), torch.tensor(Y)), Rows()):
        linear().fit(X, Y, validation_data=validation, callbacks=[Look()], verbose=0)
    assert [len(part) for part in seen[0]] == [10, 10]
    assert [len(part) for part in seen[1]] == [10, 10]


def test_a_dataset_without_length_or_samples_is_an_error() -> None:
    class Unsized(Dataset[Any]):
        def __getitem__(self, index: int) -> Any:
            return index

    with pytest.raises(DataError, match=r"Unsized has no length, .* Write its __len__"):
        linear().fit(Unsized(), verbose=0)
    with pytest.raises(DataError, match="Rows is empty; there is nothing to work on"):
        linear().fit(Rows(0), verbose=0)


@pytest.mark.parametrize("name", ["y", "sample_weight"])
@pytest.mark.parametrize("dataset", [Rows(), TensorDataset(torch.zeros(4, 1))])
def test_what_a_dataset_brings_itself_is_not_given_twice(name: str, dataset: Any) -> None:
    with pytest.raises(ArgumentError, match=f"{name}= was given beside a {type(dataset).__name__}"):
        linear().fit(dataset, verbose=0, **{name: Y})


def test_a_dataset_that_is_walked_is_batched_too() -> None:
    batches = batches_of(Stream(), batch_size=4, shuffle=True)
    assert epochs_of(batches, 2) == [[[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]] * 2
    facts = batches.facts
    assert (facts.batch_size, facts.samples, facts.steps) == (4, None, None)
    assert identity().evaluate(Stream(), verbose=0) == 0.0
    linear().fit(Stream(), epochs=2, validation_data=Stream(), verbose=0)


def test_a_dataset_that_is_walked_has_no_share_to_keep() -> None:
    with pytest.raises(ArgumentError, match="validation_split= was given beside a Stream"):
        linear().fit(Stream(), validation_split=0.2, verbose=0)
