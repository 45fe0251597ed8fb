"""`validation_data` of several sets by name: each is measured, under its own names."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from onfit import Sequential
from onfit.callbacks import (
    BackupAndRestore,
    Callback,
    CSVLogger,
    EarlyStopping,
    ModelCheckpoint,
    TensorBoard,
)
from onfit.errors import ArgumentError, DataError
from onfit.layers import Dense
from onfit.metrics import MeanMetricWrapper
from onfit.utils import set_random_seed

DRAWS = np.random.default_rng(0)
X = DRAWS.normal(size=(40, 3)).astype("float32")
Y = X.sum(1, keepdims=True)
CLEAN = (X[:12], Y[:12])
NOISY = (X[12:20], Y[12:20] + 5)
SETS = {"clean": CLEAN, "noisy": NOISY}


def compiled(metrics=("mae",), rate=0.01):
    from onfit.optimizers import SGD

    set_random_seed(1)
    model = Sequential([Dense(1, input_dim=3)])
    model.compile(SGD(rate), "mse", metrics=list(metrics))
    return model


def fitted(validation_data=SETS, model=None, **options):
    model = compiled() if model is None else model
    model.fit(X, Y, validation_data=validation_data, verbose=0, **options)
    return model


def test_each_set_is_measured_under_its_name():
    model = fitted(epochs=2)
    history = model.history.history
    assert list(history) == [
        *("loss", "mae", "val_clean_loss", "val_clean_mae", "val_noisy_loss", "val_noisy_mae")
    ]
    for name, (x, y) in SETS.items():
        loss, mae = model.evaluate(x, y, verbose=0)
        assert history[f"val_{name}_loss"][-1] == loss
        assert history[f"val_{name}_mae"][-1] == mae


def test_training_is_the_same_as_with_one_set():
    with_one, with_two = fitted(CLEAN, epochs=2), fitted(epochs=2)
    torch.testing.assert_close(with_one.get_weights(), with_two.get_weights(), rtol=0, atol=0)
    assert with_one.history.history["val_loss"] == with_two.history.history["val_clean_loss"]


def test_a_set_may_have_any_form():
    loader = DataLoader(TensorDataset(*map(torch.tensor, NOISY)), batch_size=3)
    weighted = (*CLEAN, np.arange(12.0))
    history = fitted({"clean": weighted, "noisy": loader}).history.history
    assert history["val_noisy_loss"] == pytest.approx(fitted().history.history["val_noisy_loss"])
    assert history["val_clean_loss"] != fitted().history.history["val_clean_loss"]


def test_callbacks_monitor_any_of_them(tmp_path):
    path = tmp_path / "best.weights.h5"
    stop = EarlyStopping("val_noisy_mae", min_delta=1e6, patience=2, restore_best_weights=True)
    kept = ModelCheckpoint(path, "val_clean_loss", save_best_only=True, save_weights_only=True)
    model = fitted(epochs=9, callbacks=[stop, kept])
    assert model.history.epoch == [0, 1, 2]
    assert kept.best == min(model.history.history["val_clean_loss"])
    assert model.history.history["val_clean_mean_absolute_error"]  # by its other name


def test_the_direction_of_a_metric_is_known_for_each_set():
    rises = MeanMetricWrapper(lambda y, p: -abs(y - p), "nearness", direction="max")
    stop = EarlyStopping("val_noisy_nearness")  # no word of the name says what is better
    model = fitted(model=compiled([rises]), epochs=3, callbacks=[stop])
    assert stop.best == max(model.history.history["val_noisy_nearness"])


def test_the_files_have_a_column_and_a_curve_for_each(tmp_path):
    fitted(epochs=2, callbacks=[CSVLogger(tmp_path / "log.csv"), TensorBoard(tmp_path / "tb")])
    header = (tmp_path / "log.csv").read_text().splitlines()[0]
    assert "val_clean_loss,val_clean_mae,val_noisy_loss,val_noisy_mae" in header
    events = b"".join(each.read_bytes() for each in (tmp_path / "tb/validation").iterdir())
    assert b"epoch_clean_loss" in events
    assert b"epoch_noisy_mae" in events


def test_the_bar_says_each(capsys):
    compiled().fit(X, Y, validation_data=SETS, verbose=2)
    assert "val_clean_loss" in (said := capsys.readouterr().out)
    assert "val_noisy_mae" in said


class Counting(Callback):
    def __init__(self):
        super().__init__()
        self.sizes, self.seen = [], None

    def on_test_begin(self, logs=None):
        self.sizes.append(0)

    def on_test_batch_end(self, batch, logs=None):
        self.sizes[-1] += logs["size"]

    def on_epoch_end(self, epoch, logs=None):
        self.seen = self.validation_data, self.params["metrics"]


def test_steps_batch_size_and_freq_apply_to_each():
    counting = Counting()
    options = {"validation_steps": 2, "validation_batch_size": 3, "validation_freq": 2}
    model = fitted(epochs=4, callbacks=[counting], **options)
    assert counting.sizes == [6, 6] * 2
    assert len(model.history.history["val_noisy_loss"]) == 2


def test_callbacks_see_the_names_and_the_first_set():
    counting = Counting()
    fitted(callbacks=[counting])
    (data, names), expected = counting.seen, ["val_clean_loss", "val_clean_mae"]
    np.testing.assert_array_equal(data[0], CLEAN[0])
    assert names == ["loss", "mae", *expected, "val_noisy_loss", "val_noisy_mae"]


@pytest.mark.filterwarnings("ignore:Counting acts at the begin or the end of epochs")
@pytest.mark.parametrize("options", [{"epochs": 2}, {"steps": 4}])
def test_they_come_within_epochs_and_in_trainings_of_steps_too(options):
    counting = Counting()
    fitted(batch_size=10, validation_freq="2 batches", callbacks=[counting], **options)
    assert counting.sizes == [12, 8] * (2 if "steps" in options else 4)


class Kill(Callback):
    deadly = False

    def on_train_batch_end(self, batch, logs=None):
        if self.deadly and (self.run.progress.epoch, batch) == (1, 2):
            raise InterruptedError


@pytest.mark.parametrize("freq", [1, "2 batches"])
def test_a_run_that_goes_on_has_the_same_values(tmp_path, monkeypatch, freq):
    def train(folder):
        options = {"epochs": 3, "batch_size": 10, "validation_freq": freq, "shuffle": False}
        backup = BackupAndRestore(tmp_path / folder, save_freq="batch")
        stop = EarlyStopping("val_noisy_loss", patience=2)
        return fitted(callbacks=[stop, Kill(), backup], **options)

    whole = train("whole")
    monkeypatch.setattr(Kill, "deadly", True)
    with pytest.raises(InterruptedError):
        train("killed")
    monkeypatch.setattr(Kill, "deadly", False)
    resumed = train("killed")
    assert resumed.history.history == whole.history.history
    torch.testing.assert_close(whole.get_weights(), resumed.get_weights(), rtol=0, atol=0)


@pytest.mark.parametrize(
    ("data", "error", "text"),
    [
        ({}, DataError, "has a name for each set"),
        ({0: CLEAN}, DataError, "has a name for each set"),
        ({"": CLEAN}, DataError, "has a name for each set"),
        ({"clean": CLEAN[0]}, DataError, "validation_data 'clean' is .x, y."),
        ({"clean": iter([CLEAN])}, DataError, "validation_steps"),
        ({"a": CLEAN, "a_b": CLEAN}, ArgumentError, "'val_a_b_loss'"),
    ],
)
def test_what_cannot_be_meant_is_an_error_before_training(data, error, text):
    model = compiled(["mae", MeanMetricWrapper(lambda y, p: abs(y - p), "b_loss", direction="min")])
    with pytest.raises(error, match=text):
        fitted(data, model, epochs=2)
    assert model.optimizer.iterations == 0
