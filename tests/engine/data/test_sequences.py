"""Sequences: batches by their numbers."""

import threading
import time
import warnings
from typing import Any

import numpy as np
import pytest
import torch
from tests.engine.data.data_forms import (
    Pairs,
    Rows,
    X,
    Y,
    batches_of,
    endless,
    epochs_of,
    identity,
    linear,
)

from onfit.core import Callback
from onfit.engine.data.batching import Batching
from onfit.engine.data.sequence_source import SequenceSource
from onfit.errors import ArgumentError, DataError, FileFormatError, OnfitWarning
from onfit.utils import PyDataset, Sequence

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
    assert batches.facts.steps == 8


def test_a_sequence_evaluates_and_predicts() -> None:
    assert identity().evaluate(Pairs(), verbose=0) == 0.0
    assert identity().predict(Pairs(), verbose=0)[:, 0].tolist() == list(range(10))
    assert len(identity().predict(Pairs(), steps=2, verbose=0)) == 4


def test_a_sequence_can_be_walked_by_hand() -> None:
    assert [x[0, 0] for x, _ in Pairs()] == [0.0, 2.0, 4.0, 6.0, 8.0]


def test_both_names_of_a_sequence_are_one() -> None:
    assert PyDataset is Sequence


def test_whatever_has_the_methods_of_a_sequence_is_one() -> None:
    class Alien:
        def __len__(self) -> int:
            return 2

        def __getitem__(self, index: int) -> Any:
            return np.full((1, 1), float(index))

    assert not isinstance(Alien(), Sequence)
    Alien.on_epoch_end = lambda self: None  # type: ignore[attr-defined]

    class Native(Alien):
        """Another class: isinstance remembers what it said."""

    assert isinstance(Native(), Sequence)
    assert not isinstance(Native(), Pairs)
    assert identity().predict(Native(), verbose=0).tolist() == [[0.0], [1.0]]


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
    walk = iter(SequenceSource(sequence, Batching()).epoch(0))
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
    epoch.begin_after(1)
    assert [batch.x.flatten().tolist() for batch in epoch] == whole[1:]


def test_a_resumed_run_needs_the_same_dataset() -> None:
    state = batches_of(Rows(10), batch_size=4).state_dict()
    with pytest.raises(FileFormatError, match="has other data"):
        batches_of(Rows(11), batch_size=4).load_state_dict(state)
    with pytest.raises(FileFormatError, match="has other data"):
        batches_of(Rows(10), batch_size=4, shuffle=True).load_state_dict(state)
