"""Files that are written in the background, and files that could not be written."""

import os
import threading

import pytest
from tests.callbacks.model_checkpoint.noted_model import Model, Snapshot, best, files, read, train

from onfit.callbacks.model_checkpoint import ModelCheckpoint
from onfit.errors import CapabilityError, StorageError

# --- in the background -----------------------------------------------------------------------


def test_training_goes_on_while_a_file_is_written():
    model = Model()

    class Watcher(ModelCheckpoint):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 0:
                super().on_epoch_end(epoch, logs)
                assert not os.path.exists("w.h5")
            else:
                model.copies[0].may_write.set()

    copy = Snapshot()
    copy.may_write.clear()
    callback = Watcher("w.h5", background=True)
    callback._files._copy = copy
    train(callback, [0.5, 0.4], model)
    assert read("w.h5")["state"] == 1


def test_the_memory_of_the_copy_is_used_again():
    model = train(ModelCheckpoint("{epoch}.h5", background=True), [0.5, 0.4, 0.3])
    assert files() == ["1.h5", "2.h5", "3.h5"]
    assert [read(f"{epoch}.h5")["state"] for epoch in (1, 2, 3)] == [1, 2, 3]
    assert len(set(map(id, model.copies))) == 1


def test_the_end_waits_for_the_last_file():
    copy = Snapshot()
    copy.may_write.clear()
    callback = ModelCheckpoint("w.h5", background=True)
    callback._files._copy = copy
    threading.Timer(0.05, copy.may_write.set).start()
    train(callback, [0.5])
    assert read("w.h5")["state"] == 1


def test_whoever_takes_the_state_down_finds_the_file_on_the_disk():
    copy = Snapshot()
    copy.may_write.clear()
    callback = ModelCheckpoint("w.h5", save_best_only=True, background=True)
    callback._files._copy = copy

    class Backup(ModelCheckpoint):
        def on_epoch_end(self, epoch, logs=None):
            threading.Timer(0.05, copy.may_write.set).start()
            assert callback.state_dict()["best"] == 0.5
            assert os.path.exists("w.h5")

    train([callback, Backup("other.h5")], [0.5])


def test_an_error_in_the_background_comes_up_at_the_next_save():
    copy = Snapshot()
    copy.error = OSError(28, "No space left on device")
    callback = ModelCheckpoint("w.h5", background=True)
    callback._files._copy = copy
    ended = []

    class Epochs(ModelCheckpoint):
        def on_epoch_end(self, epoch, logs=None):
            ended.append(epoch)

    with pytest.raises(StorageError, match=r"could not save the model to '.*w\.h5'.*No space"):
        train([Epochs("o.h5"), callback], [0.5, 0.4, 0.3])
    assert ended == [0, 1]


def test_an_error_of_the_last_file_comes_up_at_the_end():
    copy = Snapshot()
    copy.error = OSError(28, "No space left on device")
    callback = ModelCheckpoint("w.h5", background=True)
    callback._files._copy = copy
    with pytest.raises(StorageError, match="No space"):
        train(callback, [0.5])


def test_worse_files_are_removed_in_the_background_too():
    train(ModelCheckpoint("{epoch}.h5", keep=1, background=True), [0.5, 0.4, 0.3])
    assert files() == ["3.h5"]


def test_a_model_that_cannot_be_copied_is_refused_before_training():
    class Plain:
        save = save_weights = load_weights = lambda self, path: None

    with pytest.raises(CapabilityError, match=r"background=True\) needs snapshot"):
        train(ModelCheckpoint("w.h5", background=True), [0.5], Plain())


def test_the_best_the_last_and_another_best_stand_side_by_side():
    train(
        [
            ModelCheckpoint("best.h5", save_best_only=True, background=True, save_last=True),
            ModelCheckpoint("worst.h5", save_best_only=True, mode="max", background=True),
        ],
        [0.5, 0.3, 0.9, 0.4],
    )
    assert [read(f"{name}.h5")["state"] for name in ("best", "worst", "last")] == [2, 3, 4]


# --- what could not be written ---------------------------------------------------------------


@pytest.mark.parametrize("background", [True, False])
def test_what_could_not_be_written_is_not_the_best(background):
    class Failing(Model):
        fails = False

        def save(self, filepath, overwrite=True, notes=None):
            if self.fails:
                raise OSError(28, "No space left on device")
            super().save(filepath, overwrite, notes)

        def snapshot(self, weights_only=False, out=None):
            copy = super().snapshot(weights_only, out)
            copy.error = OSError(28, "No space left on device") if self.fails else None
            return copy

    class Fills(ModelCheckpoint):
        def on_epoch_begin(self, epoch, logs=None):
            model.fails = epoch == 1

    model = Failing()
    callback = Fills("{epoch}.h5", keep=2, background=background)
    with pytest.raises(StorageError, match="No space"):
        train(callback, [0.5, 0.3], model)
    assert callback.best == 0.5
    assert callback.state_dict()["best_files"] == [(0.5, "1.h5")]


def test_what_could_not_be_copied_is_not_the_best():
    class Large(Model):
        def snapshot(self, weights_only=False, out=None):
            if out is not None:
                raise MemoryError
            return super().snapshot(weights_only, out)

    callback = best(background=True)
    with pytest.raises(MemoryError):
        train(callback, [0.5, 0.3], Large())
    assert callback.best == 0.5
