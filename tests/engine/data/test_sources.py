"""What is known of the batches of each kind of data."""

import warnings
from dataclasses import FrozenInstanceError
from typing import Any

import pytest
import torch
from tests.engine.data.data_forms import Pairs, Rows, Stream, X, Y, batches_of, endless, linear
from torch.utils.data import DataLoader, TensorDataset

from onfit.core import Callback
from onfit.engine.data.source import Facts

ARRAYS = Facts(10, 3, 4, in_memory=True, knows_epochs=True)


@pytest.mark.parametrize(
    ("given", "wishes", "facts"),
    [
        ((X, Y), {"batch_size": 4}, ARRAYS),
        ((TensorDataset(torch.tensor(X)),), {"batch_size": 4}, ARRAYS),
        ((Rows(),), {"batch_size": 4}, Facts(10, 3, 4, knows_epochs=True)),
        ((Stream(),), {"batch_size": 4}, Facts(None, None, 4)),
        ((DataLoader(Rows(), 4),), {}, Facts(10, 3, 4)),
        ((endless(),), {}, Facts(once=True)),
        ((Pairs(),), {}, Facts(steps=5, knows_epochs=True)),
        ((X, Y), {"batch_size": 4, "steps": 2}, Facts(8, 2, 4, in_memory=True, knows_epochs=True)),
        ((endless(),), {"steps": 2}, Facts(steps=2, once=True)),
    ],
    ids=[
        "arrays",
        "tensors",
        "dataset",
        "stream",
        "loader",
        "generator",
        "sequence",
        "steps of arrays",
        "steps of a generator",
    ],
)
def test_each_kind_of_data_says_its_facts(given: Any, wishes: Any, facts: Facts) -> None:
    assert batches_of(*given, **wishes).facts == facts


def test_batches_of_arrays_are_copies_where_they_are_shuffled() -> None:
    assert batches_of(X, Y, shuffle=True).facts.copies
    assert not batches_of(X, Y).facts.copies


def test_facts_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        batches_of(X, Y).facts.steps = 3  # type: ignore[misc]


def test_a_default_size_is_for_data_that_are_not_in_batches() -> None:
    assert batches_of(Rows(), default_size=4).facts.batch_size == 4
    assert batches_of(Rows(), batch_size=5, default_size=4).facts.batch_size == 5
    assert batches_of(Pairs(), default_size=4).facts.steps == 5


def test_a_share_of_tensors_is_shown_to_callbacks_as_tensors() -> None:
    seen: list[Any] = []

    class Look(Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            seen.append(self.validation_data)

    x, y = torch.tensor(X), torch.tensor(Y)
    for given in ((x, y), (TensorDataset(x, y),)):
        linear().fit(*given, validation_split=0.2, callbacks=[Look()], verbose=0)
    assert [[type(part) for part in parts] for parts in seen] == [[torch.Tensor] * 2] * 2


@pytest.mark.parametrize("method", ["fit", "evaluate", "predict"])
def test_a_warning_about_workers_points_to_the_line_of_the_user(method: str) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        getattr(linear(), method)(Pairs(), use_multiprocessing=True, verbose=0)
    assert [warning.filename for warning in said] == [__file__]


def test_a_sequence_that_lets_no_batch_wait_is_read_batch_by_batch() -> None:
    sequence = Pairs()
    sequence.max_queue_size = 0
    linear().fit(sequence, verbose=0)
    assert sequence.ends == 1
