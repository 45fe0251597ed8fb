"""What may be passed as x, y and weights, and how it becomes batches."""

from collections.abc import Iterator
from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from onfit.core import Callback
from onfit.engine.data.arrays import Samples, samples_of, split, tensor_of, weighted_by_class
from onfit.engine.data.source import ArrayBatches, LoaderBatches, Steps, batches_of
from onfit.errors import ArgumentError, DataError, OnfitWarning
from onfit.layers import Dense
from onfit.layers.shapes import mapped
from onfit.models import Model, Sequential

X, Y = np.arange(10.0)[:, None], np.arange(10.0)[:, None]


def linear() -> Sequential:
    model = Sequential([Dense(1, input_dim=1)])
    model.compile("sgd", "mse")
    return model


class Seen(Callback):
    """Which samples each batch of each epoch had, told by the values of x."""

    def __init__(self) -> None:
        self.epochs: list[list[list[float]]] = []

    def watch(self, model: Sequential) -> None:
        def note(module: Any, args: Any) -> None:
            if module.training:
                self.epochs[-1].append(args[0][:, 0].tolist())

        model.layers[0].register_forward_pre_hook(note)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.epochs.append([])


def batches_seen(x: Any, y: Any = None, *, activation: str | None = None, **fit: Any) -> Any:
    """The samples of each batch of each epoch of a fit."""
    model, seen = Sequential([Dense(1, "relu", input_dim=1)]), Seen()
    model.compile("sgd", lambda y_true, y_pred: y_pred.mean())
    seen.watch(model)
    model.fit(x, y, verbose=0, callbacks=[seen], **fit)
    return seen.epochs


# --- kinds of data ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "dtype"),
    [
        ([1.0, 2.0], torch.float32),
        ([1, 2], torch.int64),
        (np.array([1.0, 2.0]), torch.float32),
        (np.array([1.0, 2.0], "float16"), torch.float16),
        (np.array([1.0, 2.0], ">f8"), torch.float32),
        (np.array([1.0, 2.0])[::-1], torch.float32),
        (np.array([1, 2], "int8"), torch.int64),
        (np.array([1, 2], "uint16"), torch.int64),
        (np.array([1, 2], "uint8"), torch.uint8),
        (np.array([True, False]), torch.bool),
        (torch.tensor([1.0, 2.0], dtype=torch.float64), torch.float32),
        (torch.tensor([1.0, 2.0], dtype=torch.bfloat16), torch.bfloat16),
        (torch.tensor([1, 2], dtype=torch.int32), torch.int64),
    ],
    ids=str,
)
def test_floats_become_the_default_type_and_labels_int64(given: Any, dtype: torch.dtype) -> None:
    tensor = tensor_of(given)
    assert tensor.dtype is dtype
    assert tensor.tolist() == (given.tolist() if hasattr(given, "tolist") else given)


def test_memory_is_shared_where_it_can_be() -> None:
    array = np.zeros(2, "float32")
    tensor_of(array)[0] = 7.0
    assert array[0] == 7.0
    array.flags.writeable = False
    tensor_of(array)[0] = 8.0
    assert array[0] == 7.0


def test_a_pandas_object_is_an_array() -> None:
    class Frame:
        def to_numpy(self) -> Any:
            return np.array([[1.0], [2.0]])

    assert tensor_of(Frame()).tolist() == [[1.0], [2.0]]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ([[1.0, 2.0], [3.0]], "x is not rectangular: .*Pad it to one length, or pass a DataLoader"),
        (["cat", "dog"], r"x holds <U3 values; training takes numbers.*begins \"\['cat', 'dog'\]"),
        (np.array([{}, None]), "x holds object values; training takes numbers"),
        (np.array(["2024-01-01"], "datetime64[D]"), r"x holds datetime64\[D\] values"),
        (np.array([1j]), "x holds complex128 values"),
        (np.array([]), "there is nothing to work on: x has 0 samples"),
        ([], "there is nothing to work on: x has 0 samples"),
        (3.0, "x is a single number; training takes one row per sample"),
    ],
    ids=str,
)
def test_what_cannot_be_trained_on_is_named(given: Any, text: str) -> None:
    with pytest.raises(DataError, match=text):
        samples_of(given)
    with pytest.raises(DataError, match=text.split(":")[0].replace("x has 0", ". has 0")):
        Model(torch.nn.Linear(1, 1)).predict(given, verbose=0)


def test_all_must_be_of_one_length() -> None:
    with pytest.raises(DataError, match="x has 10 samples, y has 9 samples"):
        linear().fit(X, Y[:9], verbose=0)
    with pytest.raises(DataError, match="x has 10 samples, y has 10 samples, sample_weight has 3 "):
        linear().fit(X, Y, sample_weight=[1, 2, 3], verbose=0)
    with pytest.raises(DataError, match=r"x\[0\] has 10 samples, x\[1\] has 9 samples"):
        samples_of((X, X[:9]))


def test_nothing_at_all_is_an_error() -> None:
    with pytest.raises(DataError, match=r"fit\(x=None\): there is nothing to train on"):
        linear().fit(verbose=0)
    with pytest.raises(DataError, match="there is no y: the loss compares outputs with targets"):
        linear().fit(X, verbose=0)


# --- batches of arrays -----------------------------------------------------------------------


def test_the_last_batch_is_ragged() -> None:
    epochs = batches_seen(X, Y, batch_size=4, shuffle=False, epochs=2)
    assert epochs == [[[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]] * 2


def test_a_batch_has_32_samples_unless_told_otherwise() -> None:
    x = np.zeros((70, 1))
    assert [len(batch) for batch in batches_seen(x, x)[0]] == [32, 32, 6]


@pytest.mark.parametrize("wrong", [0, -1, 2.5])
def test_a_batch_size_is_a_whole_number(wrong: Any) -> None:
    with pytest.raises(ArgumentError, match=f"batch_size={wrong}: a whole number from 1"):
        linear().fit(X, Y, batch_size=wrong, verbose=0)


def test_shuffling_gives_each_epoch_an_order_of_its_own_and_loses_nobody() -> None:
    first, second = batches_seen(X, Y, batch_size=4, epochs=2)
    assert [len(batch) for batch in first] == [4, 4, 2]
    assert sorted([*chain(*first)]) == sorted([*chain(*second)]) == list(range(10))
    assert first != second


def test_the_order_of_an_epoch_depends_on_the_seed_and_the_epoch_alone() -> None:
    def epochs(seed: int, first: int) -> Any:
        torch.manual_seed(seed)
        data = ArrayBatches(samples_of(X, Y), 4, shuffle=True)
        torch.rand(first)  # what else is drawn on the way changes nothing
        return [[b.x[:, 0].tolist() for b in data.epoch(index)] for index in range(first, 4)]

    assert epochs(1, 0)[2:] == epochs(1, 2)
    assert epochs(1, 0) != epochs(2, 0)


def test_x_y_and_weights_keep_together_when_shuffled() -> None:
    data = samples_of(X, X * 2, X[:, 0] * 3)
    for batch in ArrayBatches(data, 3, shuffle=True).epoch(0):
        assert torch.equal(batch.y, batch.x * 2)
        assert torch.equal(batch.weight, batch.x[:, 0] * 3)


NUMBERS = torch.arange(10.0)
KINDS = {
    "labels": (torch.arange(10),),
    "wide targets": (NUMBERS[:, None].repeat(1, 50),),
    "weights": (NUMBERS, NUMBERS),
    "several": ((NUMBERS, NUMBERS[:, None].repeat(1, 50)),),
    "by name": ({"a": NUMBERS}, {"a": NUMBERS}),
}


@pytest.mark.parametrize("given", KINDS.values(), ids=KINDS)
@pytest.mark.parametrize("block", [1, 2, 1024])
@pytest.mark.parametrize("done", [0, 1, 2, 4])
def test_whatever_belongs_to_x_comes_with_it(
    given: tuple[Any, ...], block: int, done: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onfit.engine.data.array_source._BLOCK", block)
    torch.manual_seed(0)
    epoch = ArrayBatches(Samples(torch.arange(10), *given), 3, shuffle=True).epoch(0)
    epoch.begin_after(done)
    batches = list(epoch)
    torch.manual_seed(0)
    order = ArrayBatches(Samples(torch.arange(10)), 10, shuffle=True)._order.of(0, 10)
    assert torch.equal(torch.cat([b.x for b in batches] or [order[:0]]), order[3 * done :])
    for x, *found in batches:
        expected = [mapped(itemgetter(x), Tensor, part) for part in given]
        assert repr(found[: len(given)]) == repr(expected)


@pytest.mark.parametrize("features", [1, 5, 8, 16, 300])
@pytest.mark.parametrize("size", [2, 3, 16])
@pytest.mark.parametrize("at_once", [1, 2000, 256 << 10])
def test_inputs_picked_at_once_begin_where_those_picked_alone_do(
    features: int, size: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onfit.engine.data.array_source._AT_ONCE", at_once)
    x = torch.arange(50.0 * features).reshape(50, features)
    batches = list(ArrayBatches(Samples(x, x), size, shuffle=True).epoch(0))
    assert [len(b.x) for b in batches] == [size] * (50 // size) + [50 % size] * bool(50 % size)
    assert torch.equal(torch.cat([b.x for b in batches]).sort(0).values, x)
    for batch in batches:
        assert torch.equal(batch.x, batch.y)
        assert batch.x.is_contiguous()
        assert batch.x.data_ptr() % 64 == 0
        assert batch.x.untyped_storage().nbytes() <= max(at_once, batch.x.nbytes)


@pytest.mark.parametrize("size", [2, 16])
def test_a_shuffled_batch_may_be_changed_in_place(size: int) -> None:
    learned = torch.ones(8, requires_grad=True)
    first, second, *_ = ArrayBatches(Samples(torch.rand(50, 8)), size, shuffle=True).epoch(0)
    loss = (first.x * learned).sum()
    second.x.add_(learned)
    (loss + second.x.sum()).backward()
    torch.testing.assert_close(learned.grad, first.x.sum(0) + size)


def test_data_without_shuffling_draw_nothing() -> None:
    before = torch.get_rng_state()
    list(ArrayBatches(samples_of(X, Y), 4).epoch(0))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("size", [3, 9, 10, 11])
@pytest.mark.parametrize("done", [0, 1, 4])
def test_data_in_order_begin_after_the_batches_that_are_done(size: int, done: int) -> None:
    epoch = ArrayBatches(samples_of(X, Y), size).epoch(0)
    epoch.begin_after(done)
    seen = [number for batch in epoch for number in batch.x[:, 0].tolist()]
    assert seen == list(range(10))[done * size :]


def test_a_batch_of_all_the_data_is_not_the_users_own_tensor() -> None:
    x = torch.zeros(4, 2)
    (batch,) = ArrayBatches(samples_of(x, torch.zeros(4)), 8).epoch(0)
    assert batch.x is not x  # of which a model may ask for gradients
    assert batch.x.data_ptr() == x.data_ptr()


# --- splits and weights ----------------------------------------------------------------------


def test_a_split_cuts_off_the_end_before_any_shuffling() -> None:
    kept, held_out = split(samples_of(X, Y), 0.25)
    assert kept.x[:, 0].tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert held_out.x[:, 0].tolist() == [7, 8, 9]


@pytest.mark.parametrize("wrong", [-0.1, 1.0, 1.5, 2])
def test_a_split_is_a_share(wrong: float) -> None:
    with pytest.raises(ArgumentError, match=f"validation_split={wrong}: the share of the samples"):
        linear().fit(X, Y, validation_split=wrong, verbose=0)


def test_a_split_leaves_something_on_both_sides() -> None:
    with pytest.raises(ArgumentError, match="of 1 samples leaves 0 to train on and 1 to validate"):
        linear().fit(X[:1], Y[:1], validation_split=0.5, verbose=0)


def test_class_weights_multiply_sample_weights() -> None:
    data = samples_of(np.zeros((4, 1)), [0, 1, 2, 1], [1.0, 1.0, 1.0, 2.0])
    weighted = weighted_by_class(data, {1: 3.0, 2: 0.5})
    assert weighted.weight.tolist() == [1.0, 3.0, 0.5, 6.0]
    assert weighted_by_class(data, {}).weight.tolist() == [1.0, 1.0, 1.0, 2.0]
    assert weighted_by_class(data, None) is data
    onehot = samples_of(np.zeros((2, 1)), np.eye(3)[[2, 0]])
    assert weighted_by_class(onehot, {2: 5.0}).weight.tolist() == [5.0, 1.0]
    column = samples_of(np.zeros((2, 1)), [[1.0], [0.0]])
    assert weighted_by_class(column, {1: 5.0, 9: 1.0}).weight.tolist() == [5.0, 1.0]


def test_class_weights_need_one_class_per_sample() -> None:
    with pytest.raises(DataError, match="class_weight needs one class per sample"):
        weighted_by_class(samples_of(X, np.zeros((10, 2, 2))), {0: 1.0})
    with pytest.raises(DataError, match="y has negative ones"):
        weighted_by_class(samples_of(X, -Y), {0: 1.0})


# --- loaders ---------------------------------------------------------------------------------


class WithoutLength(IterableDataset[Any]):
    """Nobody knows how many there are."""

    def __iter__(self) -> Iterator[Any]:
        return iter([(torch.tensor([float(i)]), torch.tensor([0.0])) for i in range(10)])


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


def generator(batches: int = 3) -> Iterator[Any]:
    for index in range(batches):
        yield np.full((2, 1), float(index)), np.zeros((2, 1))


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
    data = ArrayBatches(samples_of(X, Y), 4)
    assert Steps(data, 2).samples == 8
    assert Steps(data, 3).samples is None
    assert Steps(LoaderBatches(generator()), 2).samples is None


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
    assert seen[4] is None
    assert [[type(part) for part in seen[i]] for i in (1, 2)] == [
        [np.ndarray] * 2,
        [np.ndarray] * 3,
    ]
    assert [type(part) for part in seen[3]] == [torch.Tensor] * 2
    assert seen[5][0][:, 0].tolist() == [8.0, 9.0]


@pytest.mark.parametrize("wrong", [X, (X,), (X, Y, Y, Y), 3])
def test_validation_data_are_two_or_three_things_or_a_loader(wrong: Any) -> None:
    with pytest.raises(DataError, match=r"validation_data is \(x, y\), .* or a DataLoader; got"):
        linear().fit(X, Y, validation_data=wrong, verbose=0)


def test_validation_data_are_checked_before_training() -> None:
    model = linear()
    before = model.get_weights()
    with pytest.raises(DataError, match="x has 10 samples, y has 2 samples"):
        model.fit(X, Y, validation_data=(X, Y[:2]), verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
