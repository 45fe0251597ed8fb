"""The files that stay: the k best, the last, those written in the background, those of before."""

import json
import os
import threading

import pytest

from onfit.callbacks.model_checkpoint import ModelCheckpoint
from onfit.core import Run
from onfit.errors import ArgumentError, ArgumentTypeError, CapabilityError, StorageError


class Snapshot:
    def __init__(self):
        self.state = None
        self.may_write = threading.Event()
        self.may_write.set()
        self.error = None

    def write(self, filepath, overwrite=True, notes=None):
        self.may_write.wait(5)
        if self.error is not None:
            raise self.error
        write(filepath, self.state, notes)


class Model:
    """Its files say its state and the notes; it can be copied."""

    def __init__(self):
        self.state = 0
        self.loaded = []
        self.copies = []

    def save(self, filepath, overwrite=True, notes=None):
        write(filepath, self.state, notes)

    save_weights = save

    def load_weights(self, filepath):
        self.loaded.append(filepath)

    def notes_in(self, filepath):
        return read(filepath)["notes"] or {}

    def snapshot(self, weights_only=False, out=None):
        copy = Snapshot() if out is None else out
        copy.state = self.state
        self.copies.append(copy)
        return copy

    def named_weights(self):
        return []


def write(path, state, notes):
    with open(path, "w") as file:
        json.dump({"state": state, "notes": notes}, file)


def read(path):
    with open(path) as file:
        return json.load(file)


def files():
    return sorted(os.listdir())


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def train(callbacks, values, model=None, initial_epoch=0):
    model = model or Model()
    end = initial_epoch + len(values)
    with Run(model, callbacks, epochs=end, initial_epoch=initial_epoch) as run:
        for epoch in run.epochs():
            model.state = epoch + 1
            run.log(val_loss=values[epoch - initial_epoch])
    return model


# --- the k best ----------------------------------------------------------------------------


def test_the_k_best_files_stay():
    train(ModelCheckpoint("{epoch}.h5", keep=2), [0.5, 0.3, 0.4, 0.9, 0.1])
    assert files() == ["2.h5", "5.h5"]


def test_what_is_not_among_the_k_best_is_not_even_written():
    written = []
    model = Model()
    save = model.save
    model.save = lambda path: (written.append(path), save(path))
    train(ModelCheckpoint("{epoch}.h5", keep=2), [0.5, 0.3, 0.9, 0.5, 0.4], model)
    assert written == ["1.h5", "2.h5", "5.h5"]


def test_the_k_best_of_an_accuracy_are_the_highest(capsys):
    callback = ModelCheckpoint("{epoch}.h5", keep=2, mode="max", verbose=1)
    train(callback, [0.5, 0.3, 0.4])
    assert files() == ["1.h5", "3.h5"]
    assert callback.best == 0.5
    assert "Epoch 00003: val_loss 0.40000 is among the 2 best, saving model to 3.h5" in (
        capsys.readouterr().out
    )


def test_with_save_best_only_the_k_last_improvements_stay():
    train(ModelCheckpoint("{epoch}.h5", keep=2, save_best_only=True), [0.5, 0.3, 0.4, 0.2, 0.25])
    assert files() == ["2.h5", "4.h5"]


def test_nan_is_not_among_the_best():
    train(ModelCheckpoint("{epoch}.h5", keep=3), [float("nan"), 0.5])
    assert files() == ["2.h5"]


def test_a_threshold_holds_for_all_of_the_best():
    callback = ModelCheckpoint("{epoch}.h5", keep=3, initial_value_threshold=0.4)
    train(callback, [0.5, 0.3, 0.45, 0.35])
    assert files() == ["2.h5", "4.h5"]


def test_two_values_of_one_name_share_a_file():
    train(ModelCheckpoint("{val_loss:.1f}.h5", keep=2), [0.51, 0.3, 0.33, 0.2])
    assert files() == ["0.2.h5", "0.3.h5"]


def test_files_of_others_are_never_removed():
    write("9.h5", "somebody's", None)
    train(ModelCheckpoint("{epoch}.h5", keep=1), [0.5, 0.4])
    assert files() == ["2.h5", "9.h5"]


def test_a_file_that_is_gone_already_is_not_missed():
    class Thief(ModelCheckpoint):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                os.unlink("1.h5")

    train(Thief("{epoch}.h5", keep=1), [0.5, 0.4])
    assert files() == ["2.h5"]


def test_k_files_need_k_names():
    with pytest.raises(ArgumentError, match=r"keep=3\): 3 files need different names.*\{epoch"):
        ModelCheckpoint("best.h5", keep=3)
    with pytest.raises(ArgumentError, match=r"keep=0\).*1 or more"):
        ModelCheckpoint("{epoch}.h5", keep=0)
    train(ModelCheckpoint("best.h5", keep=1), [0.5, 0.6])
    assert read("best.h5")["state"] == 1


def test_a_resumed_run_knows_which_files_are_the_best():
    first = ModelCheckpoint("{epoch}.h5", keep=2)
    train(first, [0.5, 0.3])
    state = first.state_dict()

    class Resumed(ModelCheckpoint):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.load_state_dict(state)

    train(Resumed("{epoch}.h5", keep=2), [0.4], initial_epoch=2)
    assert files() == ["2.h5", "3.h5"]


# --- the last ------------------------------------------------------------------------------


def test_the_last_is_saved_beside_the_best():
    train(ModelCheckpoint("best.h5", save_best_only=True, save_last=True), [0.3, 0.5])
    assert read("best.h5")["state"] == 1
    assert read("last.h5")["state"] == 2


@pytest.mark.parametrize(
    ("filepath", "last"),
    [
        ("a/{epoch}.weights.h5", "a/last.weights.h5"),
        ("a/{epoch}/w.keras", "a/last.keras"),
        ("w", "last"),
    ],
)
def test_the_last_has_the_suffix_and_the_folder_of_the_others(filepath, last):
    os.makedirs("a/1", exist_ok=True)
    train(ModelCheckpoint(filepath, save_last=True), [0.3])
    assert read(last)["state"] == 1


def test_the_last_can_have_a_name_of_its_own():
    train(ModelCheckpoint("best.h5", save_best_only=True, save_last="newest.h5"), [0.3, 0.4])
    assert read("newest.h5")["state"] == 2
    with pytest.raises(ArgumentError, match="save_last names one file, without fields"):
        ModelCheckpoint("best.h5", save_last="best.h5")
    with pytest.raises(ArgumentError, match="without fields"):
        ModelCheckpoint("best.h5", save_last="{epoch}.h5")
    with pytest.raises(ArgumentTypeError, match=r"save_last=3\): save_last is the name of a file"):
        ModelCheckpoint("best.h5", save_last=3)


def test_the_folder_of_the_last_is_tried_before_training():
    write("file", 0, None)
    with pytest.raises(StorageError):
        train(ModelCheckpoint("best.h5", save_last="file/last.h5"), [0.3])


# --- in the background ---------------------------------------------------------------------


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

    with pytest.raises(StorageError, match=r"could not save the model to 'w\.h5'.*No space"):
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


# --- files of an earlier training ----------------------------------------------------------


def best(**options):
    return ModelCheckpoint("best.h5", save_best_only=True, **options)


def test_a_file_says_how_good_it_is():
    train(best(), [0.5, 0.3])
    note = read("best.h5")["notes"]["ModelCheckpoint"]
    assert (note["monitor"], note["mode"], note["value"]) == ("val_loss", "min", 0.3)


def test_a_training_that_goes_on_knows_the_best_of_before():
    train(best(), [0.5, 0.3])
    callback = best()
    train(callback, [0.4], initial_epoch=2)
    assert callback.best == 0.3
    assert read("best.h5")["state"] == 2


def test_loading_the_weights_on_restart_brings_the_best_along():
    train(best(), [0.5, 0.3])
    model = train(best(load_weights_on_restart=True), [0.4])
    assert model.loaded == ["best.h5"]
    assert read("best.h5")["state"] == 2


def test_the_k_best_of_before_count_when_a_training_goes_on():
    train(ModelCheckpoint("{epoch}.h5", keep=2), [0.5, 0.3])
    train(ModelCheckpoint("{epoch}.h5", keep=2), [0.4, 0.6], initial_epoch=2)
    assert files() == ["2.h5", "3.h5"]


def test_a_new_training_starts_without_a_best_and_says_that_it_replaces_a_better_file(capsys):
    train(best(), [0.3])
    train(best(), [0.5, 0.4])
    assert capsys.readouterr().out.splitlines() == [
        "ModelCheckpoint replaces 'best.h5', whose val_loss of 0.30000 is better than the 0.50000 "
        "of this new training. To go on from a file pass load_weights_on_restart=True; to keep "
        "it, give another filepath."
    ]
    assert read("best.h5")["state"] == 2


def test_replacing_a_worse_file_is_not_worth_a_word(capsys):
    train(best(), [0.5])
    train(best(), [0.4])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "other",
    [{"monitor": "val_acc"}, {"mode": "max"}],
)
def test_a_value_of_another_kind_is_not_compared(other):
    train(best(), [0.3])
    callback = best(on_missing="warn", **other)
    model = Model()
    with Run(model, callback, epochs=2, initial_epoch=1) as run:
        for _ in run.epochs():
            run.log(val_loss=0.5, val_acc=0.5)
    assert callback.best == 0.5


def test_a_file_of_other_weights_is_not_compared():
    class Wider(Model):
        def named_weights(self):
            return [("kernel", memoryview(b"ab"))]

    train(best(), [0.3])
    callback = best()
    train(callback, [0.5], Wider(), initial_epoch=1)
    assert callback.best == 0.5


def test_a_file_without_notes_says_nothing():
    write("best.h5", "old", None)
    callback = best()
    train(callback, [0.5], initial_epoch=1)
    assert callback.best == 0.5


def test_a_better_file_than_the_threshold_raises_it():
    train(best(), [0.3])
    callback = best(initial_value_threshold=0.4)
    train(callback, [0.35], initial_epoch=1)
    assert callback.best == 0.3


def test_a_name_with_fields_takes_only_numbers_for_its_own():
    train(best(), [0.1])
    for name in ("last.h5", "gen-best-2.h5", "other.h5"):
        write(name, "somebody's", {"ModelCheckpoint": {"monitor": "val_loss"}})
    train(ModelCheckpoint("{epoch:02d}.h5", keep=2), [0.5, 0.4])
    train(ModelCheckpoint("{epoch:02d}.h5", keep=2), [0.3, 0.2, 0.6], initial_epoch=2)
    assert files() == ["03.h5", "04.h5", "best.h5", "gen-best-2.h5", "last.h5", "other.h5"]


def test_the_newest_to_load_has_a_number_where_the_field_is():
    write("gen-1.h5", 1, None)
    write("gen-best.h5", "best", None)
    model = train(ModelCheckpoint("gen-{epoch}.h5", load_weights_on_restart=True), [0.5])
    assert model.loaded == ["gen-1.h5"]


@pytest.mark.parametrize(
    ("filepath", "save_last"),
    [("last.h5", True), ("m.h5", "./m.h5"), ("d/../m.h5", "m.h5")],
)
def test_the_last_never_takes_the_place_of_the_best(filepath, save_last):
    with pytest.raises(ArgumentError, match="another than filepath"):
        ModelCheckpoint(filepath, save_best_only=True, save_last=save_last)


def test_a_worse_value_of_the_same_name_does_not_take_the_place_of_a_better_one():
    callback = ModelCheckpoint("{val_loss:.1f}.h5", keep=2)
    train(callback, [0.31, 0.34, 0.9])
    assert read("0.3.h5")["state"] == 1
    assert callback.best == 0.31


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


def test_of_a_training_it_goes_on_from_the_best_stay():
    train(ModelCheckpoint("{epoch}.h5", keep=3), [0.5, 0.6, 0.7])
    train(ModelCheckpoint("{epoch}.h5", keep=2), [0.1, 0.55], initial_epoch=5)
    assert files() == ["1.h5", "6.h5"]


@pytest.mark.parametrize("note", [5, None, {"monitor": "val_loss"}, {"value": "good"}])
def test_a_note_of_somebody_else_says_nothing(note):
    write("best.h5", "old", {"ModelCheckpoint": note})
    callback = best()
    train(callback, [0.5], initial_epoch=1)
    assert callback.best == 0.5


def test_folders_that_hold_nothing_any_more_go_with_their_file():
    os.makedirs("runs")
    for epoch in (1, 2):
        os.makedirs(f"runs/{epoch}")
    train(ModelCheckpoint("runs/{epoch}/m.h5", keep=1), [0.5, 0.4])
    assert os.listdir("runs") == ["2"]


def test_a_model_that_cannot_be_saved_is_found_before_training(tmp_path):
    from onfit import Sequential, layers

    model = Sequential([layers.Dense(1, input_dim=2)])
    model.compile("sgd", lambda y_true, y_pred: (y_true - y_pred) ** 2)
    told = []

    class Watcher(ModelCheckpoint):
        def on_epoch_begin(self, epoch, logs=None):
            told.append(epoch)

    with pytest.raises(ArgumentError, match="has no name"):
        model.fit([[0.0, 1.0]], [0.0], verbose=0, callbacks=[Watcher(tmp_path / "m.h5")])
    assert told == []
