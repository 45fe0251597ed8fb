"""What every `OnfitCallback` has in common."""

import pickle
from types import SimpleNamespace

import pytest

from onfit.callbacks import BackupAndRestore, Callback, EarlyStopping, History
from onfit.errors import ArgumentError, ArgumentTypeError, CapabilityError
from onfit.integrations.hosting import Hosting
from onfit.integrations.hosting.callback import listeners_for
from onfit.integrations.hosting.owners import Owner

THEIRS = Owner("Theirs", "pass x")


class Theirs(Hosting):
    """A trainer's callback, whose methods the test calls."""

    owner = THEIRS


def test_backup_and_restore_is_refused_with_what_to_write_instead(tmp_path):
    class Mine(BackupAndRestore):
        pass

    for kind in (BackupAndRestore, Mine):
        with pytest.raises(CapabilityError, match=r"to Theirs\. Leave it out, and pass x\."):
            listeners_for([History(), kind(tmp_path)], THEIRS)


def test_callbacks_are_checked_at_once():
    with pytest.raises(ArgumentError, match="got no callbacks"):
        listeners_for(None, THEIRS)
    with pytest.raises(ArgumentTypeError, match="takes onfit"):
        listeners_for([print], THEIRS)


def test_the_session_is_there_from_the_first_training_on():
    hosting = Theirs([History()])
    assert hosting.session is None
    session = hosting.begin(SimpleNamespace(), epochs=2)
    assert hosting.session is hosting.running is session
    hosting.end()
    assert hosting.running is None
    assert hosting.session is session
    hosting.end()  # a trainer may tell of the end twice
    assert session.outcome == "completed"


def test_an_evaluation_outside_of_the_training_is_none_of_it():
    class Tests(Callback):
        def __init__(self):
            self.called = []

        def on_test_begin(self, logs=None):
            self.called.append("begin")

        def on_test_batch_end(self, batch, logs=None):
            self.called.append(batch)

        def on_test_end(self, logs=None):
            self.called.append(logs)

    def evaluate():
        hosting.evaluation_begin()
        hosting.evaluation_batch_begin(2)
        hosting.evaluation_batch_end(2)
        hosting.evaluation_batch(2)
        return hosting.evaluation_over({"loss": 0.5})

    tests, history = Tests(), History()
    hosting = Theirs([tests, history, EarlyStopping("val_loss", stop_at=1.0)])
    assert evaluate() is False
    hosting.begin(SimpleNamespace())
    hosting.session.epoch_begin()
    assert tests.called == []
    assert evaluate() is False  # it decides when the epoch is over
    assert tests.called == ["begin", 0, 1, {"loss": 0.5}]
    assert hosting.session.epoch_end() is True
    hosting.end()
    assert evaluate() is False
    assert history.history == {"val_loss": [0.5]}


def test_a_copy_has_the_callbacks_and_no_training():
    hosting = Theirs([EarlyStopping(patience=3)])
    hosting.begin(SimpleNamespace())
    copy = pickle.loads(pickle.dumps(hosting))
    assert copy.session is None
    assert copy.callbacks[0].patience == 3
