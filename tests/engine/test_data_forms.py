"""The forms in which data come: pandas, lists and dicts, Datasets, generators, Sequences."""

import threading
import time
import warnings
from collections import UserDict
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

from onfit.core import Callback
from onfit.engine.arrays import Names, samples_of
from onfit.engine.batches import ArrayBatches, Steps, batches_of
from onfit.engine.dataset_batches import DatasetBatches
from onfit.engine.sequences import SequenceBatches
from onfit.errors import ArgumentError, DataError, FileFormatError, OnfitWarning
from onfit.layers import Concatenate, Dense, Input
from onfit.models import Model, Sequential
from onfit.utils import PyDataset, Sequence

X, Y = np.arange(10.0)[:, None], np.arange(10.0)[:, None]


def linear() -> Sequential:
    model = Sequential([Dense(1, input_dim=1)])
    model.compile("sgd", "mse")
    model.optimizer.learning_rate = 1e-3
    return model


def identity() -> Sequential:
    model = Sequential([Dense(1, input_dim=1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    return model


def two_in_two_out() -> Model:
    a, b = Input((1,), name="a"), Input((1,), name="b")
    both = Concatenate()([a, b])
    model = Model([a, b], [Dense(1, name="sum")(both), Dense(1, name="product")(both)])
    model.compile("sgd", "mse")
    model.optimizer.learning_rate = 1e-4
    return model


def epochs_of(batches: Any, count: int = 1) -> list[list[list[float]]]:
    """The values of x in each batch of each epoch."""
    return [[b.x.flatten().tolist() for b in batches.epoch(index)] for index in range(count)]


class Rows(Dataset[Any]):
    """A map-style Dataset that notes which samples were asked for."""

    def __init__(self, count: int = 10) -> None:
        self.count = count
        self.asked: list[int] = []

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        self.asked.append(index)
        return np.array([float(index)]), np.array([float(index)])


class Stream(IterableDataset[Any]):
    def __iter__(self) -> Iterator[Any]:
        return ((np.array([float(i)]), np.array([float(i)])) for i in range(10))


class Pairs(Sequence):
    """Five batches of two; knows how often its end was told and which threads made batches."""

    def __init__(self, count: int = 5) -> None:
        self.count = count
        self.ends = 0
        self.threads: set[str] = set()

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < self.count:
            raise IndexError(index)
        self.threads.add(threading.current_thread().name)
        x = np.array([[2.0 * index], [2.0 * index + 1]])
        return x, x

    def on_epoch_end(self) -> None:
        self.ends += 1


def endless() -> Iterator[Any]:
    while True:
        yield np.ones((2, 1)), np.ones((2, 1))


# --- pandas ----------------------------------------------------------------------------------


def test_a_frame_and_a_series_train_as_their_arrays_do() -> None:
    frame = pd.DataFrame({"a": range(10), "b": np.linspace(0, 1, 10)})
    target = pd.Series(np.arange(10.0), index=range(100, 110))
    histories = []
    for x, y in ((frame, target), (frame.to_numpy(), target.to_numpy())):
        torch.manual_seed(0)
        model = Sequential([Dense(1, input_dim=2)])
        model.compile("adam", "mse")
        weight = pd.Series(np.arange(10))
        history = model.fit(x, y, sample_weight=weight, validation_split=0.2, epochs=2, verbose=0)
        histories.append(history.history)
        assert model.predict(x, verbose=0).shape == (10, 1)
    assert histories[0] == histories[1]


def test_columns_of_several_types_become_floats() -> None:
    frame = pd.DataFrame({"yes": [True, False], "size": [1.5, 2.0]})
    assert samples_of(frame).x.tolist() == [[1.0, 1.5], [0.0, 2.0]]


def test_a_missing_value_of_a_whole_number_is_nan() -> None:
    column = pd.Series([1, None], dtype="Int64")
    values = samples_of(column).x
    assert values[0] == 1
    assert values[1].isnan()


def test_columns_that_are_no_numbers_are_named() -> None:
    frame = pd.DataFrame({"size": [1.5], "colour": ["red"], "day": pd.to_datetime(["2024-01-01"])})
    with pytest.raises(DataError, match="x has columns that hold no numbers: colour, day. Leave"):
        linear().fit(frame, [1.0], verbose=0)
    with pytest.raises(DataError, match="y has columns that hold no numbers: colour"):
        linear().fit([[1.0]], frame["colour"], verbose=0)


def test_columns_of_a_frame_are_inputs_by_name() -> None:
    frame = pd.DataFrame({"a": np.arange(10.0), "b": np.ones(10)})
    targets = {"sum": frame["a"] + 1, "product": frame["a"]}
    model = two_in_two_out()
    history = model.fit(dict(frame), targets, epochs=3, verbose=0)
    assert list(history.history) == ["loss", "sum_loss", "product_loss"]
    assert history.history["loss"][-1] < history.history["loss"][0]


def test_a_series_is_the_one_input_of_a_model_that_takes_one_number() -> None:
    assert identity().predict(pd.Series([1.0, 2.0]), verbose=0).tolist() == [[1.0], [2.0]]


# --- an axis of length one that was left out -------------------------------------------------


def test_the_last_axis_may_be_left_out_where_it_has_length_one() -> None:
    model = identity()
    assert model.evaluate(X[:, 0], Y[:, 0], verbose=0) == 0.0
    assert model.predict(DataLoader(torch.arange(4.0), 2), verbose=0).shape == (4, 1)
    images = Input((2, 2, 1))
    flat = Model(images, Dense(1, kernel_initializer="ones")(images))
    assert flat.predict(np.ones((3, 2, 2)), verbose=0).shape == (3, 2, 2, 1)


def test_no_axis_is_added_where_none_is_missing() -> None:
    shapes = Names(["x"], ("output",), [(None, 1)])
    assert samples_of(X, names=shapes).x.shape == (10, 1)
    assert samples_of(X[:, 0], names=Names(["x"], ("output",), [(None, 3)])).x.shape == (10,)
    assert samples_of(X[:, 0], names=Names(["x"], ("output",), [None])).x.shape == (10,)


# --- several inputs, outputs and weights -----------------------------------------------------


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([X, X + 1], [Y, Y * 2]),
        ((X, X + 1), (Y, Y * 2)),
        ({"b": X + 1, "a": X}, {"product": Y * 2, "sum": Y}),
        (UserDict(b=X + 1, a=X), UserDict(product=Y * 2, sum=Y)),
    ],
    ids=["lists", "tuples", "dicts", "mappings"],
)
def test_several_inputs_and_outputs_come_in_order_or_by_name(x: Any, y: Any) -> None:
    samples = samples_of(x, y, names=Names(("a", "b"), ("sum", "product")))
    assert [part[1].item() for part in samples.x] == [1.0, 2.0]
    assert [part[1].item() for part in samples.y] == [1.0, 2.0]
    model = two_in_two_out()
    model.fit(x, y, validation_data=(x, y), verbose=0)
    model.train_on_batch(x, y)
    assert len(model.predict(x, verbose=0)) == 2


def test_a_net_of_ones_own_takes_the_names_of_any_mapping() -> None:
    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(1, 1)

        def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
            return left - right

    outputs = Model(Net()).predict(UserDict(right=X, left=X + 3), verbose=0)
    assert set(outputs.flatten().tolist()) == {3.0}


def loss_of(weight: Any) -> tuple[float, float]:
    """What the two outputs lose when both are zero."""
    model = two_in_two_out()
    for parameter in model.parameters():
        parameter.data.zero_()
    found = model.evaluate([X, X], [Y, Y], sample_weight=weight, verbose=0, return_dict=True)
    return found["sum_loss"], found["product_loss"]


def test_each_output_may_have_weights_of_its_own() -> None:
    plain = loss_of(None)
    none, twice = np.zeros(10), np.full(10, 2)
    assert loss_of([none, twice]) == (0.0, 2 * plain[1])
    assert loss_of((none, twice)) == (0.0, 2 * plain[1])
    assert loss_of({"product": twice, "sum": none}) == (0.0, 2 * plain[1])
    assert loss_of(twice) == (2 * plain[0], 2 * plain[1])
    assert loss_of(twice.tolist()) == (2 * plain[0], 2 * plain[1])


def test_an_output_without_weights_counts_fully() -> None:
    plain = loss_of(None)
    twice = np.full(10, 2)
    assert loss_of([None, twice]) == (plain[0], 2 * plain[1])
    assert loss_of({"sum": twice}) == (2 * plain[0], plain[1])
    assert loss_of([None, None]) == plain


def test_weights_by_output_go_through_fit_and_validation() -> None:
    model = two_in_two_out()
    seen: list[Any] = []

    class Look(Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            seen.extend(self.validation_data or [])

    weight = {"sum": np.ones(10)}
    model.fit(
        [X, X],
        [Y, Y],
        sample_weight=weight,
        validation_data=([X, X], [Y, Y], weight),
        callbacks=[Look()],
        verbose=0,
    )
    assert [(type(part), part.shape) for part in seen] == [
        *[(np.ndarray, (10, 1))] * 4,
        *[(np.ndarray, (10,))] * 2,
    ]


def test_weights_for_an_output_that_is_none_are_an_error() -> None:
    with pytest.raises(DataError, match=r"a dict of smu; the model's outputs are sum, product\. "):
        two_in_two_out().fit([X, X], [Y, Y], sample_weight={"smu": Y[:, 0]}, verbose=0)


def test_weights_of_another_length_are_an_error() -> None:
    with pytest.raises(DataError, match=r"sample_weight\[1\] has 3 samples"):
        two_in_two_out().fit([X, X], [Y, Y], sample_weight=[None, np.ones(3)], verbose=0)


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
    assert (batches.batch_size, batches.samples, batches.steps) == (32, 70, 3)


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
    assert isinstance(batches, ArrayBatches)
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
    assert seen[1] is None


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
    assert (batches.batch_size, batches.samples, batches.steps) == (4, None, None)
    assert identity().evaluate(Stream(), verbose=0) == 0.0
    linear().fit(Stream(), epochs=2, validation_data=Stream(), verbose=0)


def test_a_dataset_that_is_walked_has_no_share_to_keep() -> None:
    with pytest.raises(ArgumentError, match="validation_split= was given beside a Stream"):
        linear().fit(Stream(), validation_split=0.2, verbose=0)


# --- Sequences -------------------------------------------------------------------------------


def test_the_batches_of_a_sequence_come_in_an_order_of_each_epoch() -> None:
    first, second = epochs_of(batches_of(Pairs(), shuffle=True), 2)
    assert sorted(first) == sorted(second) == [[2.0 * i, 2.0 * i + 1] for i in range(5)]
    assert first != second
    assert epochs_of(batches_of(Pairs()), 2) == [sorted(first)] * 2


def test_the_order_of_a_sequence_depends_on_the_seed_and_the_epoch_alone() -> None:
    def third(first: int) -> Any:
        torch.manual_seed(5)
        batches = batches_of(Pairs(), shuffle=True)
        return [epochs_of(batches, 3)[2] for _ in range(first)][-1]

    assert third(1) == third(2)


def test_fit_shuffles_a_sequence_unless_told_not_to() -> None:
    seen: list[float] = []

    class Look(Pairs):
        def __getitem__(self, index: int) -> Any:
            seen.append(index)
            return super().__getitem__(index)

    torch.manual_seed(1)
    linear().fit(Look(), verbose=0)
    assert sorted(seen[1:]) == list(range(5)) != seen[1:]
    seen.clear()
    linear().fit(Look(), shuffle=False, verbose=0)
    assert seen == [0, *range(5)]


def test_a_sequence_is_told_of_the_end_of_each_walk() -> None:
    train, validate = Pairs(), Pairs(2)
    told: list[tuple[int, int]] = []

    class Look(Callback):
        def on_test_begin(self, logs: Any = None) -> None:
            told.append((train.ends, validate.ends))

    linear().fit(train, validation_data=validate, epochs=2, callbacks=[Look()], verbose=0)
    assert told == [(1, 0), (2, 1)]
    assert (train.ends, validate.ends) == (2, 2)


@pytest.mark.parametrize(("steps", "ends"), [(5, 3), (2, 1), (4, 2)])
def test_with_steps_a_walk_ends_when_all_batches_were_seen(steps: int, ends: int) -> None:
    sequence = Pairs()
    linear().fit(sequence, epochs=3, steps_per_epoch=steps, verbose=0)
    assert sequence.ends == ends


def test_a_sequence_may_change_its_length_between_epochs() -> None:
    class Growing(Pairs):
        def on_epoch_end(self) -> None:
            self.count += 1

    batches = batches_of(Growing(), shuffle=True)
    assert [len(epoch) for epoch in epochs_of(batches, 3)] == [5, 6, 7]
    assert batches.steps == 8


def test_a_sequence_evaluates_and_predicts() -> None:
    assert identity().evaluate(Pairs(), verbose=0) == 0.0
    assert identity().predict(Pairs(), verbose=0)[:, 0].tolist() == list(range(10))
    assert len(identity().predict(Pairs(), steps=2, verbose=0)) == 4


def test_a_sequence_can_be_walked_by_hand() -> None:
    assert [x[0, 0] for x, _ in Pairs()] == [0.0, 2.0, 4.0, 6.0, 8.0]


def test_both_names_of_a_sequence_are_one() -> None:
    assert PyDataset is Sequence


def test_a_sequence_is_made_of_its_two_methods() -> None:
    with pytest.raises(TypeError, match="abstract"):
        Sequence()  # type: ignore[abstract]


def test_what_a_sequence_brings_itself_is_not_given_twice() -> None:
    for name in ("y", "sample_weight", "batch_size", "validation_split"):
        with pytest.raises(ArgumentError, match=f"{name}= was given beside a Pairs"):
            linear().fit(Pairs(), verbose=0, **{name: 1})


def test_an_empty_sequence_is_an_error() -> None:
    with pytest.raises(DataError, match="Pairs is empty; there is nothing to work on"):
        linear().fit(Pairs(0), verbose=0)
    with pytest.raises(DataError, match="Pairs is empty; there is nothing to work on"):
        linear().fit(Pairs(0), verbose=0, workers=2)


# --- workers ---------------------------------------------------------------------------------


def test_without_workers_the_training_makes_each_batch_itself() -> None:
    sequence = Pairs()
    linear().fit(sequence, verbose=0)
    assert sequence.threads == {threading.current_thread().name}


def test_workers_make_batches_in_order_and_ahead() -> None:
    sequence = Pairs(40)
    model = identity()
    outputs = model.predict(sequence, workers=3, max_queue_size=4, verbose=0)
    assert outputs[:, 0].tolist() == list(range(80))
    assert any(name.startswith("onfit-sequence") for name in sequence.threads)
    assert model.evaluate(sequence, workers=2, verbose=0) == 0.0
    assert sequence.ends == 2


def test_a_sequence_may_say_how_many_workers_it_wants() -> None:
    class Busy(Pairs):
        workers = 2

    sequence = Busy()
    linear().fit(sequence, verbose=0)
    made = {name for name in sequence.threads if name.startswith("onfit-sequence")}
    assert made

    class Modern(Pairs):
        def __init__(self) -> None:
            Sequence.__init__(self, workers=4, max_queue_size=2)
            self.count, self.ends, self.threads = 5, 0, set()

    assert (Modern().workers, Modern().max_queue_size) == (4, 2)


def test_no_more_batches_are_made_than_may_wait() -> None:
    class Counted(Pairs):
        made = 0

        def __getitem__(self, index: int) -> Any:
            self.made += 1
            return super().__getitem__(index)

    sequence = Counted(40)
    sequence.workers, sequence.max_queue_size = 2, 3
    walk = iter(SequenceBatches(sequence, False, lambda batch: batch).epoch(0))  # type: ignore[arg-type]
    next(walk)
    time.sleep(0.05)
    assert sequence.made <= 4
    walk.close()  # type: ignore[attr-defined]


def test_an_error_in_a_worker_is_the_error_of_the_training() -> None:
    class Broken(Pairs):
        def __getitem__(self, index: int) -> Any:
            if index == 3:
                raise OSError("no such picture")
            return super().__getitem__(index)

    with pytest.raises(OSError, match="no such picture"):
        linear().fit(Broken(), shuffle=False, workers=2, verbose=0)


def test_processes_are_asked_for_in_vain_and_that_is_said_once() -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        linear().fit(Pairs(), workers=2, use_multiprocessing=True, epochs=2, verbose=0)
    assert [str(warning.message) for warning in said] == [
        "use_multiprocessing: a Sequence is read by this process. For other processes, pass a "
        "torch DataLoader(dataset, num_workers=...)."
    ]

    class Modern(Pairs):
        use_multiprocessing = True

    with pytest.warns(OnfitWarning, match="use_multiprocessing: a Sequence is read by this proc"):
        linear().fit(Modern(), verbose=0)


def test_workers_cannot_share_a_generator_and_that_is_said() -> None:
    with pytest.warns(OnfitWarning, match="workers=4: a generator is read by the training itself"):
        linear().fit(endless(), steps_per_epoch=2, workers=4, verbose=0)


def test_arrays_need_no_workers() -> None:
    linear().fit(X, Y, workers=4, use_multiprocessing=True, max_queue_size=1, verbose=0)


@pytest.mark.parametrize("wrong", [{"workers": -1}, {"max_queue_size": 0}])
def test_workers_and_queue_are_numbers_of_things(wrong: Any) -> None:
    with pytest.raises(ArgumentError, match="from 0 and from 1 upwards"):
        linear().fit(Pairs(), verbose=0, **wrong)


# --- going on in the middle ------------------------------------------------------------------


@pytest.mark.parametrize("make", [Rows, Pairs])
def test_an_epoch_can_be_taken_up_in_the_middle(make: Any) -> None:
    size = {"batch_size": 4} if make is Rows else {}
    torch.manual_seed(1)
    batches = batches_of(make(), shuffle=True, **size)
    whole = epochs_of(batches, 3)[2]
    torch.manual_seed(2)
    other = batches_of(make(), shuffle=True, **size)
    other.load_state_dict(batches.state_dict())
    epoch = other.epoch(2)
    epoch.skip(1)
    assert [batch.x.flatten().tolist() for batch in epoch] == whole[1:]


def test_a_resumed_run_needs_the_same_dataset() -> None:
    state = batches_of(Rows(10), batch_size=4).state_dict()
    with pytest.raises(FileFormatError, match="its data are others"):
        batches_of(Rows(11), batch_size=4).load_state_dict(state)
    with pytest.raises(FileFormatError, match="its data are others"):
        batches_of(Rows(10), batch_size=4, shuffle=True).load_state_dict(state)


# --- generators ------------------------------------------------------------------------------


def test_an_endless_generator_trains_by_steps() -> None:
    history = linear().fit(
        endless(),
        steps_per_epoch=3,
        epochs=2,
        validation_data=endless(),
        validation_steps=2,
        verbose=0,
    )
    assert [len(values) for values in history.history.values()] == [2, 2]


def test_a_generator_validates_more_than_once_only_by_steps() -> None:
    model = linear()
    before = model.get_weights()
    text = "validation_data is a generator, .* Pass validation_steps="
    with pytest.raises(DataError, match=text):
        model.fit(X, Y, epochs=2, validation_data=endless(), verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


@pytest.mark.parametrize("given", [{"epochs": 1}, {"epochs": 3, "initial_epoch": 2}])
def test_a_generator_that_ends_validates_once(given: Any) -> None:
    history = linear().fit(X, Y, validation_data=iter([(X, Y)]), verbose=0, **given)
    assert len(history.history["val_loss"]) == 1


def test_a_generator_that_ends_validates_the_one_epoch_that_is_due() -> None:
    history = linear().fit(
        X, Y, epochs=3, validation_freq=2, validation_data=iter([(X, Y)]), verbose=0
    )
    assert len(history.history["val_loss"]) == 1


def test_a_generator_feeds_several_inputs_and_outputs() -> None:
    model = two_in_two_out()
    batches = [
        ({"a": X, "b": X}, [Y, Y], {"sum": np.ones(10)}),
        ([X, X], {"sum": Y, "product": Y}),
    ]
    history = model.fit(iter(batches), verbose=0)
    assert len(history.history["loss"]) == 1
    assert len(model.predict(iter([([X, X],)]), verbose=0)) == 2


def test_a_batch_whose_parts_differ_in_length_is_an_error() -> None:
    with pytest.raises(DataError, match="x has 10 samples, y has 1 samples"):
        linear().fit(iter([(X, Y[:1])]), verbose=0)
    with pytest.raises(DataError, match="sample_weight has 2 samples"):
        linear().fit(iter([(X, Y, [1, 2])]), verbose=0)


def test_a_generator_of_single_numbers_is_an_error() -> None:
    with pytest.raises(DataError, match="x is a single number"):
        linear().predict(iter([1.0, 2.0]), verbose=0)


# --- Keras' methods for generators -----------------------------------------------------------


def test_fit_generator_is_fit() -> None:
    histories = []
    for method in ("fit", "fit_generator"):
        torch.manual_seed(0)
        model = Sequential([Dense(1, input_dim=1, kernel_initializer="ones")])
        model.compile("sgd", "mae")
        history = getattr(model, method)(
            Pairs(),
            epochs=3,
            initial_epoch=1,
            class_weight={0: 2.0},
            validation_data=(X, Y),
            validation_freq=2,
            verbose=0,
        )
        histories.append((history.epoch, history.history))
    assert histories[0] == histories[1]
    assert histories[0][0] == [1, 2]


def test_the_places_of_the_arguments_are_those_of_keras() -> None:
    model = linear()
    history = model.fit_generator(endless(), 3, 2, 0, None, endless(), 2)
    assert [len(values) for values in history.history.values()] == [2, 2]
    assert model.evaluate_generator(Pairs(), 2) == model.evaluate(Pairs(), steps=2, verbose=0)
    assert len(model.predict_generator(Pairs(), 2)) == 4


def test_evaluate_and_predict_generator_are_silent_unless_asked(capsys: Any) -> None:
    model = linear()
    model.evaluate_generator(Pairs())
    model.predict_generator(Pairs())
    assert capsys.readouterr().out == ""
    model.evaluate_generator(Pairs(), verbose=1)
    assert capsys.readouterr().out != ""


def test_a_generator_must_say_how_many_steps() -> None:
    model = linear()
    with pytest.raises(ArgumentError, match="steps_per_epoch=None: a generator may go on for ever"):
        model.fit_generator(endless())
    with pytest.raises(ArgumentError, match="validation_steps=None: a generator may go on"):
        model.fit_generator(Pairs(), validation_data=endless())
    with pytest.raises(ArgumentError, match="^steps=None: a generator may go on for ever"):
        model.evaluate_generator(endless())
    with pytest.raises(ArgumentError, match="^steps=None: a generator may go on for ever"):
        model.predict_generator(endless())


@pytest.mark.parametrize(
    ("method", "old", "successor"),
    [
        ("fit_generator", "samples_per_epoch", "steps_per_epoch, which counts batches"),
        ("fit_generator", "nb_epoch", r"epochs\."),
        ("fit_generator", "nb_val_samples", "validation_steps, which counts batches"),
        ("fit_generator", "max_q_size", "max_queue_size"),
        ("fit_generator", "nb_worker", "workers"),
        ("fit_generator", "pickle_safe", "use_multiprocessing"),
        ("evaluate_generator", "val_samples", "steps, which counts batches"),
        ("predict_generator", "val_samples", "steps, which counts batches"),
    ],
)
def test_arguments_of_keras_1_name_their_successors(method: str, old: str, successor: str) -> None:
    text = rf"{method}\({old}=\.\.\.\) is an argument of Keras 1\. Use {successor}"
    with pytest.raises(ArgumentError, match=text):
        getattr(linear(), method)(Pairs(), **{old: 1})


def test_an_unknown_argument_names_the_nearest_one() -> None:
    with pytest.raises(ArgumentError, match=r"Did you mean 'steps_per_epoch'\?"):
        linear().fit_generator(Pairs(), step_per_epoch=3)
    with pytest.raises(ArgumentError, match=r"Did you mean 'workers'\?"):
        linear().fit(Pairs(), worker=3)


# --- wrong forms -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ("data.csv", r"x holds <U8 values; training takes numbers.*begins 'data\.csv'"),
        (endless, r"x is the function endless, not what it returns: call endless\(\)"),
        ([[endless]], "x holds object values"),
        (3, "x is a single number"),
    ],
    ids=str,
)
def test_what_is_no_data_is_said_so(given: Any, text: str) -> None:
    for method in ("fit", "evaluate"):
        with pytest.raises(DataError, match=text):
            getattr(linear(), method)(given, Y, verbose=0)
    with pytest.raises(DataError, match=text):
        linear().predict(given, verbose=0)


def test_a_sparse_matrix_is_written_out_first() -> None:
    class Sparse:
        def toarray(self) -> Any:
            return X

    with pytest.raises(DataError, match=r"x is a sparse matrix\. Write out its zeros: x\.toarray"):
        linear().fit(Sparse(), Y, verbose=0)


@pytest.mark.parametrize("wrong", [DataLoader([0]), Rows(), endless(), Pairs()], ids=repr)
def test_what_yields_batches_is_no_array(wrong: Any) -> None:
    kind = type(wrong).__name__
    with pytest.raises(DataError, match=f"y is a {kind} where an array belongs"):
        linear().fit(X, wrong, verbose=0)
    with pytest.raises(DataError, match=f"x is a {kind} where an array belongs"):
        linear().train_on_batch(wrong)
    with pytest.raises(DataError, match=rf"x\[1\] is a {kind} where an array belongs"):
        two_in_two_out().predict([X, wrong], verbose=0)


def test_the_batches_of_steps_are_those_of_any_form() -> None:
    for given in (Rows(), Stream(), TensorDataset(torch.tensor(X))):
        batches = batches_of(given, batch_size=4, steps=2, go_on=True)
        assert isinstance(batches, Steps)
        assert epochs_of(batches, 2) == [[[0, 1, 2, 3], [4, 5, 6, 7]], [[8, 9], [0, 1, 2, 3]]]
    assert isinstance(batches_of(Rows(), batch_size=5, steps=2), DatasetBatches)
