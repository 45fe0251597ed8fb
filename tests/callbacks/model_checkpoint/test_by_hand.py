"""ModelCheckpoint in a loop that calls its hooks, and the places of its arguments."""

import os

import pytest
from tests.callbacks.model_checkpoint import noted_model
from tests.callbacks.model_checkpoint.text_model import Model, text

from onfit.callbacks import CallbackList
from onfit.callbacks.model_checkpoint import ModelCheckpoint
from onfit.errors import ArgumentError, ArgumentTypeError, MissingMetricError, NotReadyError


def made(*arguments, **named):
    callback = ModelCheckpoint(*arguments, **named)
    callback.set_model(Model())
    return callback


def tell(callback, values, first=0, name="val_loss"):
    for epoch, value in enumerate(values, first):
        callback.model.state = epoch + 1
        callback.on_epoch_end(epoch, {name: value})


def test_only_the_best_is_saved_without_on_train_begin():
    callback = made("best.h5", save_best_only=True)
    tell(callback, [0.5, 0.9, 0.4, 0.8])
    assert text("best.h5") == "model 3"
    assert callback.best == 0.4


def test_the_folder_is_made_at_the_first_save():
    tell(made("runs/new/{epoch}.h5"), [1, 1])
    assert sorted(os.listdir("runs/new")) == ["1.h5", "2.h5"]


def test_the_best_value_can_be_set():
    callback = made("best.h5", save_best_only=True)
    callback.best = 0.45
    tell(callback, [0.5, 0.4])
    assert text("best.h5") == "model 2"


def test_batches_are_saved_under_the_epoch_that_the_loop_said():
    callback = made("{epoch}-{batch}.h5", save_freq="2 batches")
    for epoch in (3, 4):
        callback.on_epoch_begin(epoch)
        for batch in range(3):
            callback.on_batch_end(batch, {})
        callback.on_epoch_end(epoch, {})
    assert sorted(os.listdir()) == ["4-2.h5", "5-1.h5", "5-3.h5"]


def test_an_epochs_file_may_name_the_batches_that_the_loop_told():
    callback = made("{epoch}-{batch}.h5")
    callback.on_epoch_begin(0)
    for batch in range(3):
        callback.on_train_batch_end(batch, {})
    callback.on_epoch_end(0, {})
    assert os.listdir() == ["1-3.h5"]


def test_an_epoch_without_a_hook_for_its_begin_follows_the_one_before():
    callback = made("{epoch}.h5", save_freq="batch")
    callback.on_train_batch_end(0, {})
    callback.on_epoch_end(0, {})
    callback.on_train_batch_end(0, {})
    assert sorted(os.listdir()) == ["1.h5", "2.h5"]


def test_a_loop_that_begins_at_a_later_epoch_goes_on_from_the_files():
    first = ModelCheckpoint("best.h5", save_best_only=True)
    first.set_model(noted_model.Model())
    tell(first, [0.5])
    later = ModelCheckpoint("best.h5", save_best_only=True)
    later.set_model(noted_model.Model())
    tell(later, [0.7], first=3)
    assert later.best == 0.5


@pytest.mark.parametrize("hook", ["on_train_begin", "on_epoch_begin"])
def test_weights_are_loaded_before_the_first_epoch(hook):
    tell(made("a.h5"), [1])
    callback = made("a.h5", load_weights_on_restart=True)
    getattr(callback, hook)(*([0] if hook == "on_epoch_begin" else []))
    assert callback.model.loaded == ["a.h5"]


def test_weights_are_not_loaded_over_those_of_an_epoch():
    tell(made("a.h5"), [1])
    with pytest.raises(NotReadyError, match=r"Call on_train_begin\(\) before the loop"):
        tell(made("a.h5", load_weights_on_restart=True), [1])


def test_a_field_that_nothing_fills_is_an_error_by_hand_too():
    with pytest.raises(MissingMetricError, match=r"\{val_acc\}, which is not in"):
        tell(made("{val_acc}.h5"), [1])


def test_a_list_of_callbacks_tells_the_epoch_without_on_train_begin():
    callback = ModelCheckpoint("{epoch}-{batch}.h5", save_freq="batch")
    hooks = CallbackList([callback], model=Model())
    hooks.on_epoch_begin(2)
    hooks.on_batch_end(0, {})
    hooks.on_epoch_end(2, {})
    assert os.listdir() == ["3-1.h5"]


# --- the places of arguments -----------------------------------------------------------------


def test_the_seventh_place_is_the_period():
    tell(made("{epoch}.h5", "val_loss", 0, False, False, "auto", 2), [1] * 5)
    assert sorted(os.listdir()) == ["2.h5", "4.h5"]
    assert made("a.h5", "val_loss", 0, True, False, "auto", 1).period == 1


@pytest.mark.parametrize(
    ("cadence", "files"),
    [("epoch", ["1.h5", "2.h5", "3.h5"]), ("2 epochs", ["2.h5"]), ("1 hour", [])],
)
def test_a_text_in_the_seventh_place_is_a_cadence(cadence, files):
    callback = made("{epoch}.h5", "val_loss", 0, False, False, "auto", cadence)
    assert callback.save_freq == cadence
    tell(callback, [1] * 3)
    assert sorted(os.listdir()) == files


def test_a_cadence_in_both_places_is_refused():
    with pytest.raises(ArgumentError, match="both say how often"):
        ModelCheckpoint("a.h5", period="2 epochs", save_freq="batch")
    with pytest.raises(ArgumentError, match="'often' is no unit"):
        ModelCheckpoint("a.h5", period="often")


def test_a_threshold_in_the_place_of_load_weights_is_refused():
    with pytest.raises(ArgumentTypeError, match="write initial_value_threshold="):
        ModelCheckpoint("a.h5", "val_loss", 0, True, False, "min", "epoch", 0.5)
