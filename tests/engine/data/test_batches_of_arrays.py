"""Batches of arrays: their sizes, their order, their memory."""

from itertools import chain
from operator import itemgetter
from typing import Any

import numpy as np
import pytest
import torch
from tests.engine.data.data_forms import X, Y, linear
from tests.engine.data.seen import batches_seen
from torch import Tensor

from onfit.engine.data.array_source import ArraySource
from onfit.engine.data.arrays import Samples, samples_of
from onfit.engine.data.batching import Batching
from onfit.errors import ArgumentError
from onfit.layers.shapes import mapped


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
        data = ArraySource(samples_of(X, Y), Batching(4, shuffle=True))
        torch.rand(first)  # what else is drawn on the way changes nothing
        return [[b.x[:, 0].tolist() for b in data.epoch(index)] for index in range(first, 4)]

    assert epochs(1, 0)[2:] == epochs(1, 2)
    assert epochs(1, 0) != epochs(2, 0)


def test_x_y_and_weights_keep_together_when_shuffled() -> None:
    data = samples_of(X, X * 2, X[:, 0] * 3)
    for batch in ArraySource(data, Batching(3, shuffle=True)).epoch(0):
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
    epoch = ArraySource(Samples(torch.arange(10), *given), Batching(3, shuffle=True)).epoch(0)
    epoch.begin_after(done)
    batches = list(epoch)
    torch.manual_seed(0)
    order = ArraySource(Samples(torch.arange(10)), Batching(10, shuffle=True))._order.of(0, 10)
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
    batches = list(ArraySource(Samples(x, x), Batching(size, shuffle=True)).epoch(0))
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
    data = ArraySource(Samples(torch.rand(50, 8)), Batching(size, shuffle=True))
    first, second, *_ = data.epoch(0)
    loss = (first.x * learned).sum()
    second.x.add_(learned)
    (loss + second.x.sum()).backward()
    torch.testing.assert_close(learned.grad, first.x.sum(0) + size)


def test_data_without_shuffling_draw_nothing() -> None:
    before = torch.get_rng_state()
    list(ArraySource(samples_of(X, Y), Batching(4)).epoch(0))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("size", [3, 9, 10, 11])
@pytest.mark.parametrize("done", [0, 1, 4])
def test_data_in_order_begin_after_the_batches_that_are_done(size: int, done: int) -> None:
    epoch = ArraySource(samples_of(X, Y), Batching(size)).epoch(0)
    epoch.begin_after(done)
    seen = [number for batch in epoch for number in batch.x[:, 0].tolist()]
    assert seen == list(range(10))[done * size :]


def test_a_batch_of_all_the_data_is_not_the_users_own_tensor() -> None:
    x = torch.zeros(4, 2)
    (batch,) = ArraySource(samples_of(x, torch.zeros(4)), Batching(8)).epoch(0)
    assert batch.x is not x  # of which a model may ask for gradients
    assert batch.x.data_ptr() == x.data_ptr()


@pytest.mark.parametrize("shuffle", ["yes", 2, "False"])
def test_a_shuffle_that_is_neither_true_nor_false_is_an_error(shuffle):
    with pytest.raises(ArgumentError, match=r"shuffle=.*: it is True or False"):
        Batching(4, shuffle=shuffle)


def test_the_shuffle_of_keras_2_for_files_shuffles():
    assert Batching(4, shuffle="batch").shuffle is True
