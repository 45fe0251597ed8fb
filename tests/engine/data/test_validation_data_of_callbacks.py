"""What callbacks see as `validation_data`, whatever it was passed as; and whose name that is."""

import numpy as np
import pytest
import torch
from tests.engine.data.data_forms import X, Y, linear
from torch.utils.data import DataLoader, TensorDataset

from onfit.callbacks import Callback, LambdaCallback
from onfit.utils import Sequence


class Look(Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.seen = self.validation_data


class Halves(Sequence):
    ended = 0

    def __len__(self):
        return 2

    def __getitem__(self, index):
        rows = slice(5 * index, 5 * index + 5)
        return X[rows], Y[rows]

    def on_epoch_end(self):
        self.ended += 1


def seen(validation, **more):
    look = Look()
    linear().fit(X, Y, validation_data=validation, verbose=0, callbacks=[look], **more)
    return look.seen


@pytest.mark.parametrize(
    "made",
    [
        lambda: (X, Y),
        lambda: TensorDataset(torch.tensor(X), torch.tensor(Y)),
        lambda: DataLoader(TensorDataset(torch.tensor(X), torch.tensor(Y)), batch_size=4),
        Halves,
    ],
)
def test_data_of_every_kind_are_the_arrays(made):
    x, y = seen(made())
    assert np.array_equal(x, np.asarray(X, dtype="float32"))
    assert np.array_equal(np.asarray(y), np.asarray(Y, dtype="float32"))


@pytest.mark.parametrize("made", [lambda: (X, Y), Halves])
def test_the_third_are_weights_of_one_where_there_are_no_others(made):
    data = seen(made())
    assert np.array_equal(data[2], np.ones(10))
    assert len(data) == 2
    with pytest.raises(IndexError):
        data[3]


def test_the_third_are_the_weights_where_there_are_some():
    assert np.array_equal(seen((X, Y, np.full(10, 2.0)))[2], np.full(10, 2.0))


def test_those_of_a_generator_are_not_there_since_it_ends_for_good():
    def pairs():
        while True:
            yield X, Y

    assert seen(pairs(), validation_steps=1) is None


def test_nothing_is_collected_before_a_callback_reads_it():
    class Counted(Halves):
        made = 0

        def __getitem__(self, index):
            type(self).made += 1
            return super().__getitem__(index)

    data = Counted()
    linear().fit(X, Y, validation_data=data, verbose=0)
    assert (Counted.made, data.ended) == (2, 1)
    seen(data)
    assert (Counted.made, data.ended) == (6, 2)  # collected, but no epoch of it is over


def test_to_read_them_draws_no_number():
    loader = DataLoader(TensorDataset(torch.tensor(X), torch.tensor(Y)), shuffle=True)

    def after(callback):
        torch.manual_seed(0)
        linear().fit(X, Y, validation_data=loader, verbose=0, callbacks=[callback])
        return float(torch.rand(()))

    assert after(Look()) == after(LambdaCallback())


class Tracker:
    def __init__(self):
        self.sent = []

    def log(self, values):
        self.sent.append(values)


def test_attributes_that_a_callback_sets_are_its_own():
    class Tracks(Callback):
        def __init__(self, tracker):
            self.run, self.validation_data, self.needs = tracker, (X, Y), ["an api key"]
            self.hears, self.called_last = "well", "maybe"

        def on_epoch_end(self, epoch, logs=None):
            self.run.log({"loss": logs["loss"]})
            if epoch == 1:
                self.request_stop("enough")

    tracker = Tracker()
    callback = Tracks(tracker)
    history = linear().fit(X, Y, epochs=5, verbose=0, validation_split=0.2, callbacks=[callback])
    assert len(tracker.sent) == len(history.epoch) == 2
    assert callback.run is tracker
    assert len(callback.validation_data) == 2
    assert history.run.stop_reason == "enough"
