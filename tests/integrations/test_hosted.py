"""What the integrations have in common."""

from types import SimpleNamespace

import numpy as np
import pytest

from onfit.callbacks import BackupAndRestore, EarlyStopping, History
from onfit.errors import ArgumentError, ArgumentTypeError, CapabilityError
from onfit.integrations.hosted import Hosted, listeners_for


def test_backup_and_restore_is_refused_with_what_to_write_instead(tmp_path):
    class Mine(BackupAndRestore):
        pass

    for kind in (BackupAndRestore, Mine):
        with pytest.raises(CapabilityError, match=r"to Theirs\. Leave it out, and pass x\."):
            listeners_for([History(), kind(tmp_path)], "Theirs", "pass x")


def test_callbacks_are_checked_at_once():
    with pytest.raises(ArgumentError, match="got no callbacks"):
        listeners_for(None, "Theirs", "pass x")
    with pytest.raises(ArgumentTypeError, match="takes onfit"):
        listeners_for([print], "Theirs", "pass x")


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
