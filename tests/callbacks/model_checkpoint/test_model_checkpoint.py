"""ModelCheckpoint: what is saved when, and what is printed."""

import copy
import math
import os

import pytest
from tests.callbacks.model_checkpoint.text_model import Model, losses, text, train, walk_batches

from onfit.callbacks.model_checkpoint import ModelCheckpoint
from onfit.errors import (
    ArgumentError,
    MissingMetricError,
    OnfitWarning,
    StorageError,
)

# --- what is saved when ----------------------------------------------------------------------


def test_every_epoch_is_saved_under_its_number():
    train(ModelCheckpoint("w.{epoch:02d}.h5"), [{}, {}, {}])
    assert sorted(os.listdir()) == ["w.01.h5", "w.02.h5", "w.03.h5"]
    assert text("w.02.h5") == "model 2"


def test_weights_alone_are_saved_when_asked():
    train(ModelCheckpoint("w.h5", save_weights_only=True), [{}])
    assert text("w.h5") == "weights 1"


def test_only_the_best_is_kept_and_a_tie_is_not_better():
    callback = ModelCheckpoint("best.h5", save_best_only=True)
    train(callback, losses(0.5, 0.25, 0.25, 0.3))
    assert text() == "model 2"
    assert callback.best == 0.25


def test_more_is_better_for_an_accuracy():
    callback = ModelCheckpoint("best.h5", monitor="val_acc", save_best_only=True)
    train(callback, [{"val_accuracy": value} for value in (0.5, 0.9, 0.9, 0.7)])
    assert text() == "model 2"
    assert callback.best == 0.9


def test_mode_overrules_the_name():
    train(ModelCheckpoint("best.h5", save_best_only=True, mode="max"), losses(0.5, 0.9, 0.1))
    assert text() == "model 2"


def test_nan_is_never_the_best():
    callback = ModelCheckpoint("best.h5", save_best_only=True)
    train(callback, losses(math.nan, 0.5, math.nan))
    assert text() == "model 2"
    assert callback.best == 0.5


def test_an_initial_threshold_has_to_be_beaten():
    callback = ModelCheckpoint("best.h5", save_best_only=True, initial_value_threshold=0.4)
    train(callback, losses(0.5, 0.4))
    assert not os.path.exists("best.h5")
    train(callback, losses(0.3))
    assert text() == "model 1"


def test_the_best_is_kept_between_two_fits_of_one_instance():
    callback = ModelCheckpoint("best.h5", save_best_only=True)
    train(callback, losses(0.5, 0.2))
    train(callback, losses(0.3))
    assert text() == "model 2"
    assert callback.best == 0.2


def test_a_save_that_fails_makes_no_best():
    callback = ModelCheckpoint("best.h5", save_best_only=True)
    train(callback, losses(0.5))
    model = Model()
    model.save = lambda path: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    with pytest.raises(StorageError, match=r"could not save the model to '.*best\.h5'.*No space"):
        train(callback, losses(0.1), model)
    assert callback.best == 0.5


def test_an_error_that_names_the_path_is_left_as_it_is():
    model = Model()
    model.save = lambda path: (_ for _ in ()).throw(PermissionError(13, "denied", path))
    with pytest.raises(PermissionError):
        train(ModelCheckpoint("best.h5"), [{}], model)


# --- how often -------------------------------------------------------------------------------


def test_a_period_saves_every_so_many_epochs():
    train(ModelCheckpoint("{epoch}.h5", period=3), [{}] * 7)
    assert sorted(os.listdir()) == ["3.h5", "6.h5"]


def test_a_period_counts_from_the_start_of_each_fit():
    callback = ModelCheckpoint("{epoch}.h5", period=2)
    train(callback, [{}] * 3)
    train(callback, [{}] * 3)
    assert sorted(os.listdir()) == ["2.h5"]


def test_after_a_period_without_a_better_epoch_the_next_better_one_is_saved():
    callback = ModelCheckpoint("{epoch}.h5", save_best_only=True, period=2)
    # Saved: 2. At 4 there is nothing better, so 5 is looked at and saved; then 6 is too soon.
    train(callback, losses(0.9, 0.5, 0.6, 0.7, 0.4, 0.3, 0.35))
    assert sorted(os.listdir()) == ["2.h5", "5.h5", "7.h5"]


def test_a_period_in_save_freq_is_the_same():
    train(ModelCheckpoint("{epoch}.h5", save_freq="2 epochs"), [{}] * 4)
    assert sorted(os.listdir()) == ["2.h5", "4.h5"]


def test_time_is_also_looked_at_where_there_are_only_epochs():
    train(ModelCheckpoint("{epoch}.h5", save_freq="0.0000001 seconds"), [{}] * 2)
    assert sorted(os.listdir()) == ["1.h5", "2.h5"]
    train(ModelCheckpoint("never.h5", save_freq="1 hour"), [{}] * 2)
    assert not os.path.exists("never.h5")


@pytest.mark.parametrize("period", [0, -1, 1.5, None, False])
def test_a_period_is_a_number_of_epochs(period):
    with pytest.raises(ArgumentError, match="period is a number of epochs, 1 or more"):
        ModelCheckpoint("a.h5", period=period)


def test_period_and_save_freq_exclude_each_other():
    with pytest.raises(ArgumentError, match="both say how often"):
        ModelCheckpoint("a.h5", save_freq="100 batches", period=2)


def test_a_misspelt_save_freq_is_refused():
    with pytest.raises(ArgumentError, match=r"save_freq='epok'.*Did you mean 'epoch'"):
        ModelCheckpoint("a.h5", save_freq="epok")


def test_an_integer_counts_samples_across_epochs():
    callback = ModelCheckpoint("{epoch}-{batch}.h5", save_freq=41)
    walk_batches(callback, 2, [4] * 8)
    # Due once 41 samples are passed: after 11 batches, the third of the second epoch.
    assert os.listdir() == ["2-3.h5"]
    assert text("2-3.h5") == "model 2.3"


def test_a_small_integer_is_doubted():
    with pytest.warns(OnfitWarning, match="save_freq='8 batches'"):
        walk_batches(ModelCheckpoint("{batch}.h5", save_freq=8), 1, [4] * 4)
    assert sorted(os.listdir()) == ["2.h5", "4.h5"]


def test_the_name_of_a_batch_holds_the_means_so_far():
    callback = ModelCheckpoint("{epoch}-{batch}-{loss:.2f}.h5", save_freq="2 batches")
    walk_batches(callback, 1, [1, 3, 1, 1], loss=[1.0, 2.0, 3.0, 4.0])
    assert sorted(os.listdir()) == ["1-2-1.75.h5", "1-4-2.33.h5"]


def test_the_best_of_batches_is_the_best_mean_so_far():
    callback = ModelCheckpoint("b.h5", monitor="loss", save_best_only=True, save_freq="batch")
    # Means: 1.0, 1.5, 1.33, 0.95: the 3rd batch alone is better than the first mean? No.
    walk_batches(callback, 1, [1, 1, 1, 1], loss=[1.0, 2.0, 1.0, -0.2])
    assert text("b.h5") == "model 1.4"
    assert callback.best == pytest.approx(0.95)


def test_a_validation_value_is_not_looked_for_at_batches_and_that_is_said_once():
    callback = ModelCheckpoint("b.h5", save_best_only=True, save_freq="batch")
    with pytest.warns(OnfitWarning) as caught:
        walk_batches(callback, 1, [1, 1, 1], loss=[1.0, 2.0, 1.0])
    assert len(caught) == 1
    assert "save_freq='batch'" in str(caught[0].message)
    assert "Use save_freq='epoch', or monitor='loss'" in str(caught[0].message)
    assert os.listdir() == []


def test_saving_by_epochs_costs_nothing_per_batch():
    assert not ModelCheckpoint("a.h5").hears("on_train_batch_end")
    assert not ModelCheckpoint("a.h5", period=2).hears("on_train_batch_end")
    assert not copy.deepcopy(ModelCheckpoint("a.h5")).hears("on_train_batch_end")
    assert ModelCheckpoint("a.h5", save_freq="10 minutes").hears("on_train_batch_end")


def test_a_subclass_keeps_its_own_batch_hook():
    class Mine(ModelCheckpoint):
        seen = 0

        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)
            self.seen += 1

    mine = Mine("{epoch}.h5")
    walk_batches(mine, 1, [1, 1])
    assert mine.seen == 2
    assert os.listdir() == ["1.h5"]


# --- texts -----------------------------------------------------------------------------------


def test_it_says_what_it_saves(capsys):
    train(ModelCheckpoint("best.h5", verbose=1), [{}])
    assert capsys.readouterr().out == "Epoch 00001: saving model to best.h5\n"


def test_it_says_what_improved(capsys):
    train(ModelCheckpoint("best.h5", verbose=1, save_best_only=True), losses(0.5, 0.5, 0.25))
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 00001: val_loss improved from inf to 0.50000, saving model to best.h5",
        "Epoch 00002: val_loss did not improve from 0.50000",
        "Epoch 00003: val_loss improved from 0.50000 to 0.25000, saving model to best.h5",
    ]


def test_the_first_maximum_improves_from_minus_infinity(capsys):
    callback = ModelCheckpoint("best.h5", monitor="val_acc", verbose=1, save_best_only=True)
    train(callback, [{"val_acc": 0.5}])
    assert "val_acc improved from -inf to 0.50000" in capsys.readouterr().out


def test_it_is_quiet_by_default(capsys):
    train(ModelCheckpoint("best.h5", save_best_only=True), losses(0.5, 0.6))
    assert capsys.readouterr().out == ""


# --- a quantity that is not there ------------------------------------------------------------


def test_without_its_quantity_nothing_is_saved_and_that_is_said_once():
    callback = ModelCheckpoint("best.h5", monitor="val_lss", mode="min", save_best_only=True)
    with pytest.warns(OnfitWarning) as caught:
        train(callback, losses(0.5, 0.4))
    assert len(caught) == 1
    assert "ModelCheckpoint monitors 'val_lss', which is not in the logs" in str(caught[0].message)
    assert os.listdir() == []


def test_a_second_fit_says_it_again():
    callback = ModelCheckpoint("b.h5", monitor="val_lss", mode="min", save_best_only=True)
    for _ in range(2):
        with pytest.warns(OnfitWarning, match="not in the logs"):
            train(callback, losses(0.5))


def test_without_its_quantity_it_raises_when_asked_to():
    callback = ModelCheckpoint("b.h5", monitor="val_f1", save_best_only=True, on_missing="raise")
    with pytest.raises(MissingMetricError, match="'val_f1'"):
        train(callback, losses(0.5))


def test_the_quantity_does_not_matter_unless_the_best_is_asked_for():
    train(ModelCheckpoint("a.h5", monitor="nobody knows"), [{}])
    assert text("a.h5") == "model 1"


def test_a_direction_that_nothing_tells_is_asked_for_before_training():
    callback = ModelCheckpoint("a.h5", monitor="pearson", save_best_only=True)
    with pytest.raises(ArgumentError, match="Pass mode='max' or mode='min'"):
        train(callback, [])


def test_an_unknown_mode_is_refused():
    with pytest.raises(ArgumentError, match="Did you mean 'max'"):
        ModelCheckpoint("a.h5", mode="mx")
