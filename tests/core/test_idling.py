"""Callbacks that are called at some batches only."""

from types import SimpleNamespace

from tests.core.loops import Diary

from onfit.core.callback import Callback
from onfit.core.run import Run


class Idle(Callback):
    """Wants to hear of every fourth batch."""

    idle_until = 0

    def __init__(self):
        self.told = []

    def on_epoch_begin(self, epoch, logs=None):
        self.idle_until = 0

    def on_train_batch_end(self, batch, logs=None):
        self.told.append(batch)
        self.idle_until = batch + 1 + 4


def idled(*callbacks, epochs=1):
    with Run(SimpleNamespace(), callbacks, epochs=epochs) as run:
        for _ in run.epochs():
            list(run.batches([[0]] * 10))


def test_a_callback_that_idles_is_passed_over():
    idle = Idle()
    idled(idle, epochs=2)
    assert idle.told == [0, 4, 8, 0, 4, 8]


def test_of_two_that_idle_the_one_that_is_due_first_wakes_both():
    class Longer(Idle):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            self.idle_until = batch + 1 + 7

    idle, longer = Idle(), Longer()
    idled(idle, longer)
    assert idle.told == longer.told == [0, 4, 8]


def test_who_idles_is_told_of_all_where_another_hears_all():
    idle, diary = Idle(), Diary()
    idled(idle, diary)
    assert idle.told == list(range(10))
    assert sum(event[0] == "train_batch_end" for event in diary.events) == 10


def test_who_stops_idling_is_told_of_all_from_there():
    class Awake(Idle):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            self.idle_until = None if self.told[-1] >= 4 else self.idle_until

    awake = Awake()
    idled(awake)
    assert awake.told == [0, 4, 5, 6, 7, 8, 9]
