"""What a callback says of itself, and arguments that it does not have."""

import inspect

import numpy as np
import pytest

from onfit import callbacks
from onfit.callbacks import (
    BackupAndRestore,
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    RemoteMonitor,
    TensorBoard,
    TimeLimit,
)
from onfit.errors import ArgumentError, ArgumentTypeError


def halve(epoch, rate):
    return rate / 2


@pytest.mark.parametrize(
    ("callback", "text"),
    [
        (EarlyStopping(), "EarlyStopping(monitor='val_loss')"),
        (EarlyStopping(patience=3), "EarlyStopping(monitor='val_loss', patience=3)"),
        (
            EarlyStopping("acc", mode="max", on_missing="raise"),
            "EarlyStopping(monitor='acc', mode='max', on_missing='raise')",
        ),
        (
            ReduceLROnPlateau(factor=0.5, min_lr=1e-5),
            "ReduceLROnPlateau(monitor='val_loss', factor=0.5, min_lr=1e-05)",
        ),
        (
            ModelCheckpoint("best.h5", save_best_only=True),
            "ModelCheckpoint(filepath='best.h5', monitor='val_loss', save_best_only=True)",
        ),
        (
            ModelCheckpoint("a.h5", "loss", 0, False, True, "auto", "500 batches"),
            "ModelCheckpoint(filepath='a.h5', monitor='loss', save_weights_only=True, "
            "save_freq='500 batches')",
        ),
        (LearningRateScheduler(halve), "LearningRateScheduler(schedule=halve)"),
        (LambdaCallback(on_epoch_end=halve), "LambdaCallback(on_epoch_end=halve)"),
        (LambdaCallback(on_test_end=halve), "LambdaCallback(on_test_end=halve)"),
        (CSVLogger("a.csv"), "CSVLogger(filename='a.csv')"),
        (TimeLimit("2 hours"), "TimeLimit(limit='2 hours')"),
        (BackupAndRestore("runs", keep=3), "BackupAndRestore(backup_dir='runs', keep=3)"),
        (TensorBoard(), "TensorBoard()"),
        (callbacks.TerminateOnNaN(), "TerminateOnNaN()"),
        (callbacks.BaseLogger(), "BaseLogger()"),
        (callbacks.BaseLogger(["auc"]), "BaseLogger(stateful_metrics={'auc'})"),
        (callbacks.ProgbarLogger("steps"), "ProgbarLogger(count_mode='steps')"),
        (Callback(), "Callback()"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_callback_shows_what_it_watches_and_what_is_no_default(callback, text):
    assert repr(callback) == text


def test_headers_are_not_shown_since_they_may_hold_a_secret():
    shown = repr(RemoteMonitor(headers={"Authorization": "Bearer 1234"}))
    assert shown == "RemoteMonitor(headers=...)"


def test_a_subclass_shows_its_arguments_and_those_that_it_passes_on():
    class Mine(EarlyStopping):
        def __init__(self, note="", **more):
            self.note = note
            super().__init__(**more)

    assert repr(Mine(patience=2)) == "Mine(monitor='val_loss', patience=2)"
    assert repr(Mine("x")) == "Mine(note='x', monitor='val_loss')"


def test_arguments_of_any_kind_can_be_shown():
    class Mine(Callback):
        def __init__(self, data, model=None, kept=None, *rest):
            self.data, self.model, self.kept = data, model, kept

    assert repr(Mine(np.zeros(3), kept=[1] * 99)).startswith("Mine(data=array([0., 0., 0.]), kept=")
    assert len(repr(Mine(np.zeros(10_000)))) < 200
    assert repr(Mine(1, kept=np.zeros(2))) == "Mine(data=1, kept=array([0., 0.]))"
    assert repr(Mine(1, kept=[])) == "Mine(data=1)"


def test_more_arguments_are_shown_if_the_class_keeps_them():
    class Mine(Callback):
        def __init__(self, **more):
            self.more = more if more else "none"

    assert repr(Mine(size=3)) == "Mine(size=3)"
    assert repr(Mine()) == "Mine(more='none')"


def test_a_callback_may_have_a_constructor_that_keeps_nothing():
    class Mine(Callback):
        def __init__(self, path, *, every=1):
            self._file = path

    assert repr(Mine("x")) == "Mine()"


# --- arguments that do not exist -----------------------------------------------------------


NEEDED = {
    "BackupAndRestore": ("runs",),
    "CSVLogger": ("a.csv",),
    "LearningRateScheduler": (halve,),
    "ModelCheckpoint": ("a.h5",),
    "TimeLimit": ("1 hour",),
}
OTHERS = {"Callback", "CallbackList", "LambdaCallback"}


@pytest.mark.parametrize("name", sorted(set(callbacks.__all__) - OTHERS))
def test_an_argument_that_does_not_exist_is_named(name):
    kind = getattr(callbacks, name)
    with pytest.raises(ArgumentTypeError, match=rf"{name}\(unheard_of=\.\.\.\).*no such argument"):
        kind(*NEEDED.get(name, ()), unheard_of=3)


@pytest.mark.parametrize(
    ("kind", "wrong", "near"),
    [
        (EarlyStopping, "patients", "patience"),
        (EarlyStopping, "restore_best_weight", "restore_best_weights"),
        (ReduceLROnPlateau, "factr", "factor"),
        (TensorBoard, "logdir", "log_dir"),
        (callbacks.ProgbarLogger, "countmode", "count_mode"),
        (callbacks.TerminateOnNaN, "raise_errors", "raise_error"),
        (RemoteMonitor, "header", "headers"),
    ],
)
def test_a_misspelt_argument_is_an_error_with_the_nearest(kind, wrong, near):
    with pytest.raises(ArgumentTypeError, match=f"{wrong}=.* Did you mean '{near}'") as caught:
        kind(**{wrong: 3})
    assert near in str(caught.value).partition("There are: ")[2]
    assert isinstance(caught.value, TypeError)


@pytest.mark.parametrize("name", NEEDED)
def test_a_misspelt_argument_that_is_required_is_named_with_the_nearest(name):
    kind = getattr(callbacks, name)
    needed = next(iter(inspect.signature(kind).parameters))
    with pytest.raises(ArgumentTypeError, match=f"Did you mean '{needed}'"):
        kind(**{needed[:-1] + "x": 3})


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: callbacks.CSVLogger(), "missing a required argument: 'filename'"),
        (lambda: callbacks.CSVLogger("a", filename="b"), "multiple values for argument 'filename'"),
        (lambda: callbacks.CSVLogger("a", ",", True, 1), "too many positional arguments"),
        (lambda: callbacks.History(3), "too many positional arguments. There are: none"),
        (lambda: LambdaCallback(*[print] * 7), "too many positional arguments"),
    ],
)
def test_arguments_that_are_missing_or_too_many_are_an_error_with_the_names(call, words):
    with pytest.raises(ArgumentTypeError, match=words):
        call()


def test_a_subclass_passes_the_same_errors_on():
    class Mine(callbacks.CSVLogger):
        def __init__(self, file):
            super().__init__(file_name=file)

    with pytest.raises(ArgumentTypeError, match="Did you mean 'filename'"):
        Mine("log.csv")
    with pytest.raises(TypeError, match=r"Mine\.__init__"):
        Mine()


def test_a_misspelt_hook_of_a_lambda_is_an_error_with_the_nearest():
    with pytest.raises(ArgumentError, match="Did you mean 'on_epoch_end'"):
        LambdaCallback(on_epoch_finish=print)
    with pytest.raises(ArgumentError, match="Did you mean 'on_train_begin'"):
        LambdaCallback(onTrainBegin=print)
