"""What ModelCheckpoint looks at, makes and loads before training."""

import os
import warnings
from types import SimpleNamespace

import pytest
from tests.callbacks.model_checkpoint.text_model import Model, train

from onfit.callbacks import LambdaCallback
from onfit.callbacks.model_checkpoint import ModelCheckpoint
from onfit.errors import (
    ArgumentError,
    CapabilityError,
    StorageError,
)


def test_the_folder_is_made_before_training_and_nothing_else():
    train(ModelCheckpoint("deep/down/{epoch}/w-{val_loss}.h5"), [])
    assert os.listdir() == ["deep"]
    assert os.listdir("deep/down") == []


def test_a_folder_in_the_place_of_the_file_is_an_error_before_training():
    os.mkdir("best.h5")
    with pytest.raises(StorageError, match=r"ModelCheckpoint\(filepath='best.h5'\).*is a folder"):
        train(ModelCheckpoint("best.h5"), [])


def test_a_file_in_the_place_of_the_folder_is_an_error_before_training():
    open("runs", "w").close()
    with pytest.raises(StorageError, match="cannot write"):
        train(ModelCheckpoint("runs/{epoch}.h5"), [])


def test_a_model_that_cannot_save_is_an_error_before_training():
    with pytest.raises(CapabilityError, match=r"ModelCheckpoint.* needs save and save_weights"):
        train(ModelCheckpoint("a.h5"), [], SimpleNamespace())


def test_a_restart_loads_the_file():
    open("best.h5", "w").close()
    model = train(ModelCheckpoint("best.h5", load_weights_on_restart=True), [])
    assert model.loaded == ["best.h5"]


def test_a_restart_loads_the_newest_file_that_the_name_fits():
    for age, name in enumerate(["w[1].2.h5", "w[1].10.h5", "w[1].3.h5", "w1.9.h5", "x.h5"]):
        open(name, "w").close()
        os.utime(name, (1000 - age, 1000 - age) if age != 1 else (2000, 2000))
    os.utime("w1.9.h5", (3000, 3000))
    os.mkdir("w[1].5.h5")
    model = train(ModelCheckpoint("w[1].{epoch}.h5", load_weights_on_restart=True), [])
    assert model.loaded == ["w[1].10.h5"]


def test_a_restart_without_a_file_loads_nothing():
    model = train(ModelCheckpoint("{epoch}.h5", load_weights_on_restart=True), [])
    assert model.loaded == []


def test_without_being_asked_nothing_is_loaded():
    open("best.h5", "w").close()
    assert train(ModelCheckpoint("best.h5"), []).loaded == []


def test_a_plain_name_may_hold_what_a_pattern_would_mean():
    open("best[1].h5", "w").close()
    model = train(ModelCheckpoint("best[1].h5", load_weights_on_restart=True), [])
    assert model.loaded == ["best[1].h5"]


def test_hooks_told_without_a_run_work_too():
    callback, model = ModelCheckpoint("{epoch}.h5"), Model()
    callback.set_model(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        callback.on_train_begin()
        callback.on_epoch_end(0)
        callback.on_epoch_end(1, None)
    assert sorted(os.listdir()) == ["1.h5", "2.h5"]


def test_a_suffix_the_model_does_not_save_to_is_found_before_training(tmp_path):
    from onfit.layers import Dense
    from onfit.models import Sequential

    model = Sequential([Dense(1, input_dim=2)])
    model.compile("sgd", "mse")
    told = []
    with pytest.raises(ArgumentError, match=r"the name has the suffix '\.bin'"):
        model.fit(
            [[0.0, 1.0]],
            [0.0],
            verbose=0,
            callbacks=[
                ModelCheckpoint(tmp_path / "best.bin"),
                LambdaCallback(on_epoch_begin=lambda epoch, logs: told.append(epoch)),
            ],
        )
    assert told == []


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
