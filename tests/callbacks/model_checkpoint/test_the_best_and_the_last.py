"""The files that stay: the k best, and the last."""

import os

import pytest
from tests.callbacks.model_checkpoint.noted_model import Model, files, read, train, write

from onfit.callbacks.model_checkpoint import ModelCheckpoint
from onfit.errors import ArgumentError, ArgumentTypeError, StorageError

# --- the k best ------------------------------------------------------------------------------


def test_the_k_best_files_stay():
    train(ModelCheckpoint("{epoch}.h5", keep=2), [0.5, 0.3, 0.4, 0.9, 0.1])
    assert files() == ["2.h5", "5.h5"]


def test_what_is_not_among_the_k_best_is_not_even_written():
    written = []
    model = Model()
    save = model.save
    model.save = lambda path: (written.append(path), save(path))
    train(ModelCheckpoint("{epoch}.h5", keep=2), [0.5, 0.3, 0.9, 0.5, 0.4], model)
    assert written == [os.path.abspath(f"{epoch}.h5") for epoch in (1, 2, 5)]


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


# --- the last --------------------------------------------------------------------------------


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


# --- names that meet, folders that are empty -------------------------------------------------


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


def test_folders_that_hold_nothing_any_more_go_with_their_file():
    os.makedirs("runs")
    for epoch in (1, 2):
        os.makedirs(f"runs/{epoch}")
    train(ModelCheckpoint("runs/{epoch}/m.h5", keep=1), [0.5, 0.4])
    assert os.listdir("runs") == ["2"]
