"""The names of files, and the fields in them."""

import os

import pytest
from tests.callbacks.model_checkpoint.text_model import losses, train, walk_batches

from onfit.callbacks.model_checkpoint import ModelCheckpoint
from onfit.core import Callback
from onfit.errors import (
    ArgumentError,
    ArgumentTypeError,
    MissingMetricError,
    OnfitWarning,
)


def test_a_name_finds_logs_under_their_other_names():
    train(ModelCheckpoint("{epoch:02d}-{val_acc:.2f}.h5"), [{"val_accuracy": 0.876}])
    assert os.listdir() == ["01-0.88.h5"]


def test_a_name_with_a_point_before_a_digit_is_one_name():
    train(ModelCheckpoint("{epoch}-{val_error@0.7:.1f}.h5"), [{"val_error@0.7": 0.25}])
    assert os.listdir() == ["1-0.2.h5"]


def test_the_batch_at_the_end_of_an_epoch_is_its_last():
    walk_batches(ModelCheckpoint("{epoch}-{batch}.h5"), 2, [1, 1, 1])
    assert sorted(os.listdir()) == ["1-3.h5", "2-3.h5"]


def test_doubled_braces_stand_for_themselves():
    train(ModelCheckpoint("{{x}}-{epoch}.h5"), [{}])
    assert os.listdir() == ["{x}-1.h5"]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("w.{epoch.h5", "expected '}'"),
        ("w.}.h5", "Single '}'"),
        ("w.{}.h5", "has no name"),
        ("w.{0}.h5", "has no name"),
        ("w.{epoch:.2q}.h5", "cannot be written as a number"),
        ("w.{epoch:s}.h5", "cannot be written as a number"),
    ],
)
def test_a_name_that_nothing_can_fill_is_refused_at_once(name, problem):
    with pytest.raises(ArgumentError) as error:
        ModelCheckpoint(name)
    assert problem in str(error.value)
    assert name in str(error.value)


@pytest.mark.parametrize("filepath", ["", None, 3, b"a.h5"])
def test_what_is_no_name_is_refused(filepath):
    with pytest.raises(ArgumentTypeError, match="filepath is the name of a file"):
        ModelCheckpoint(filepath)


def test_a_value_that_its_format_cannot_show_is_told_clearly():
    with pytest.raises(ArgumentError, match=r"cannot be filled with \{'note': 'text'\}"):
        train(ModelCheckpoint("{note:.2f}.h5"), [{"note": "text"}])


def test_a_field_that_no_log_has_is_an_error_before_anything_is_overwritten():
    train(ModelCheckpoint("a.h5"), [{}])
    with pytest.raises(MissingMetricError) as error:
        train(ModelCheckpoint("{val_los:.2f}.h5"), losses(0.5))
    assert "names {val_los}, which is not in the logs" in str(error.value)
    assert "There are: batch, epoch, step, val_loss. Did you mean 'val_loss'?" in str(error.value)
    assert os.listdir() == ["a.h5"]


def test_a_misspelt_field_shows_even_where_nothing_is_good_enough_to_save():
    callback = ModelCheckpoint("{val_los}.h5", save_best_only=True, initial_value_threshold=0.1)
    with pytest.raises(MissingMetricError):
        train(callback, losses(0.5))


def test_an_epoch_without_validation_is_not_saved_under_a_name_that_needs_it():
    callback = ModelCheckpoint("{epoch}-{val_loss:.1f}.h5")
    with pytest.warns(OnfitWarning) as caught:
        train(callback, [{"loss": 1.0}, {"loss": 1.0, "val_loss": 0.5}, {"loss": 1.0}, {}])
    assert len(caught) == 1
    assert "names {val_loss}" in str(caught[0].message)
    assert "Nothing is saved where it is missing." in str(caught[0].message)
    assert os.listdir() == ["2-0.5.h5"]


def test_a_fit_without_validation_cannot_fill_a_validation_field_and_ends_in_its_first_epoch():
    params = {"metrics": ["loss"], "do_validation": False}
    with pytest.raises(MissingMetricError, match="in fit, validation_data="):
        train(ModelCheckpoint("{val_loss}.h5"), [{"loss": 1.0}], params=params)


def test_a_field_that_was_there_once_never_ends_a_run_later():
    with pytest.warns(OnfitWarning, match=r"names \{f1\}"):
        train(ModelCheckpoint("{epoch}-{f1}.h5"), [{"f1": 1}, {"loss": 2}, {"f1": 3}])
    assert sorted(os.listdir()) == ["1-1.h5", "3-3.h5"]


@pytest.mark.parametrize(
    ("field", "near"), [("val_acuracy", "accuracy"), ("val_los", "loss"), ("epok", "epoch")]
)
def test_a_field_close_to_a_metric_is_doubted_before_training(field, near):
    params = {"metrics": ["loss", "accuracy"], "do_validation": True}
    with pytest.warns(OnfitWarning, match=f"{field}.*Did you mean '{near}'"):
        train(ModelCheckpoint(f"{{{field}}}.h5"), [], params=params)


@pytest.mark.parametrize(
    "name", ["{val_acc}-{loss}-{epoch}-{batch}-{lr}.h5", "{val_f1}.h5", "a.h5"]
)
def test_known_fields_and_those_another_callback_may_log_are_not_doubted(name):
    params = {"metrics": ["loss", "accuracy"], "do_validation": True}
    train(ModelCheckpoint(name), [], params=params)


def test_another_callback_may_bring_the_field():
    class F1(Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["f1"] = 0.5

    train([F1(), ModelCheckpoint("{f1}.h5")], [{}], params={"metrics": ["loss"]})
    assert os.listdir() == ["0.5.h5"]
