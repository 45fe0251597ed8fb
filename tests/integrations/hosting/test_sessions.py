"""The session of a training that another library owns."""

from types import SimpleNamespace

import numpy as np

from onfit.callbacks import EarlyStopping, History
from onfit.integrations.hosting import Hosted


def begun():
    stopping, history = EarlyStopping("val_loss", patience=3), History()
    session = Hosted(SimpleNamespace(), [stopping, history], epochs=9)
    session.train_begin()
    return session, stopping, history


def test_a_memory_goes_on_in_the_middle_of_an_epoch():
    first, *_ = begun()
    first.epoch_begin()
    first.batch_end(size=2, loss=1.0)
    first.epoch_end(val_loss=1.0)
    first.epoch_begin()
    first.batch_end(size=1, loss=np.float32(4.0))
    first.log(val_loss=2.0)

    second, stopping, history = begun()
    second.go_on(first.memory())
    assert (second.progress.epoch, second.progress.batch, second.progress.step) == (1, 1, 2)
    second.batch_end(size=3, loss=0.0)
    second.epoch_end()
    assert history.history == {"loss": [1.0, 1.0], "val_loss": [1.0, 2.0]}
    assert (stopping.best, stopping.wait) == (1.0, 1)


def test_a_memory_goes_on_with_the_next_epoch():
    first, *_ = begun()
    first.epoch_begin()
    first.epoch_end(val_loss=1.0)
    second, _, history = begun()
    second.go_on(first.memory())
    second.epoch_begin()
    second.epoch_end(val_loss=3.0)
    assert history.epoch == [0, 1]


def test_an_epoch_ends_with_its_validation_if_it_has_values_of_one():
    session, stopping, history = begun()
    for values in ({"loss": 1.0, "val_loss": 2.0}, {"loss": 0.5, "val_loss": 3.0}):
        session.epoch_begin()
        assert session.epoch_over(values) is False
    assert history.history == {"loss": [1.0, 0.5], "val_loss": [2.0, 3.0]}
    assert stopping.best == 2.0


def test_the_trainers_epochs_are_none_of_a_session_that_counts_steps():
    session, _, history = begun()
    session.steps_begin()
    session.epoch_begin(3)
    session.batch_end(size=1, loss=1.0)
    assert session.epoch_end(loss=5.0) is False
    assert session.in_epoch
    session.validated(loss=2.0)
    session.train_end()
    assert history.history["loss"] == [1.0]
    assert history.history["val_loss"] == [2.0]
