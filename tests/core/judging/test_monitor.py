"""Monitor: reads a quantity, and says once what is wrong with its name."""

import numpy as np
import pytest

from onfit.core.judging.monitor import Monitor
from onfit.core.logs import Logs
from onfit.errors import ArgumentError, MissingMetricError, OnfitWarning

WITH_VALIDATION = {"do_validation": True}


def complaint(monitor, logs, params=None):
    with pytest.warns(OnfitWarning) as warned:
        assert monitor.read(logs, params or {}) is None
    assert len(warned) == 1
    return str(warned[0].message)


def test_the_value_is_read_as_a_float():
    assert Monitor("loss", "X").read({"loss": np.float32(0.5)}, {}) == 0.5
    assert type(Monitor("loss", "X").read({"loss": np.float32(0.5)}, {})) is float


def test_the_value_is_found_under_another_name():
    assert Monitor("val_acc", "X").read({"val_accuracy": 0.5}, {}) == 0.5
    assert Monitor("accuracy", "X").read(Logs(acc=0.5), {}) == 0.5


def test_a_zero_is_a_value():
    assert Monitor("loss", "X").read({"loss": 0.0}, {}) == 0.0


def test_a_missing_name_is_warned_of_with_what_there_is_and_the_nearest():
    text = complaint(Monitor("val_los", "EarlyStopping"), {"val_loss": 1, "loss": 1})
    assert text == (
        "EarlyStopping monitors 'val_los', which is not in the logs. There are: loss, val_loss. "
        "Did you mean 'val_loss'?"
    )


def test_without_any_validation_the_warning_says_how_to_have_it():
    text = complaint(Monitor("val_loss", "X"), {"loss": 1})
    assert text.endswith("val_ values: in fit, validation_data= or validation_split=.")


def test_with_validation_it_does_not_ask_for_validation():
    assert "validation_data" not in complaint(Monitor("val_f1", "X"), {"val_loss": 1})
    assert "validation_data" not in complaint(Monitor("f1", "X"), {"loss": 1})


def test_empty_logs_are_said_to_be_empty():
    assert "There are: none." in complaint(Monitor("loss", "X"), {})


def test_the_warning_comes_once_a_run():
    monitor = Monitor("lozz", "X")
    complaint(monitor, {"loss": 1})
    assert monitor.read({"loss": 1}, {}) is None
    monitor.reset()
    complaint(monitor, {"loss": 1})


def test_an_epoch_without_validation_is_no_reason_to_warn():
    monitor = Monitor("val_acc", "X")
    assert monitor.read({"loss": 1}, WITH_VALIDATION) is None
    assert monitor.read({"loss": 1, "val_acc": 0.5}, WITH_VALIDATION) == 0.5


def test_an_epoch_with_validation_that_lacks_the_name_is():
    complaint(Monitor("val_acc", "X"), {"loss": 1, "val_loss": 1}, WITH_VALIDATION)


def test_a_training_metric_does_not_wait_for_validation():
    complaint(Monitor("acc", "X"), {"loss": 1}, WITH_VALIDATION)


@pytest.mark.parametrize("value", [np.zeros(3), [1, 2], "high", None])
def test_what_is_not_one_number_is_warned_of(value):
    text = complaint(Monitor("acc", "X"), {"acc": value})
    assert text.startswith(f"X monitors 'acc', which is {value!r}, which is not one number.")


def test_raising_instead_of_warning_can_be_asked_for():
    with pytest.raises(MissingMetricError, match=r"^X monitors 'lozz', which is not in the logs"):
        Monitor("lozz", "X", on_missing="raise").read({"loss": 1}, {})


def test_raising_waits_for_a_later_validation_too():
    monitor = Monitor("val_loss", "X", on_missing="raise")
    assert monitor.read({"loss": 1}, WITH_VALIDATION) is None
    with pytest.raises(KeyError):
        monitor.read({"loss": 1, "val_mse": 1}, WITH_VALIDATION)


def test_an_unknown_on_missing_is_an_error_that_helps():
    with pytest.raises(ArgumentError) as caught:
        Monitor("loss", "EarlyStopping", on_missing="rise")
    assert str(caught.value) == (
        "EarlyStopping(on_missing='rise'): on_missing is 'warn' or 'raise'. Did you mean 'raise'?"
    )


def test_a_monitor_that_is_no_name_is_an_error():
    with pytest.raises(ArgumentError, match="is the name of one logged quantity, such as"):
        Monitor(["loss"], "EarlyStopping")
