"""Every callback pickles and can be copied: before, during and after a run."""

import copy
import pickle
import time

import numpy as np
import pytest

from onfit import Sequential, callbacks
from onfit.callbacks import Callback
from onfit.errors import OnfitWarning
from onfit.layers import Dense
from onfit.optimizers import SGD

X = np.arange(16, dtype="float32").reshape(8, 2) / 16
Y = X.sum(1, keepdims=True)

pytestmark = [
    pytest.mark.filterwarnings("ignore:Could not reach RemoteMonitor"),
    pytest.mark.filterwarnings("ignore:TensorBoard.*validation data"),
]


def schedule(epoch):
    return 0.5 / (epoch + 1)


def note(*args):
    pass


MAKE = {
    "BackupAndRestore": lambda: callbacks.BackupAndRestore("backup", delete_checkpoint=False),
    "BaseLogger": callbacks.BaseLogger,
    "CSVLogger": lambda: callbacks.CSVLogger("log.csv"),
    "Callback": callbacks.Callback,
    "EarlyStopping": lambda: callbacks.EarlyStopping("loss", restore_best_weights=True),
    "History": callbacks.History,
    "LambdaCallback": lambda: callbacks.LambdaCallback(on_epoch_end=note, on_test_end=note),
    "LearningRateFinder": lambda: callbacks.LearningRateFinder(1e-4, 1e-2, 4),
    "LearningRateScheduler": lambda: callbacks.LearningRateScheduler(schedule),
    "ModelCheckpoint": lambda: callbacks.ModelCheckpoint(
        "best.weights.h5", "loss", 0, True, True, save_freq="10 minutes"
    ),
    "ModelCheckpoint in the background": lambda: callbacks.ModelCheckpoint(
        "{epoch}.weights.h5", "loss", save_weights_only=True, background=True, keep=2
    ),
    "OneCycle": lambda: callbacks.OneCycle(0.1),
    "ProgbarLogger": callbacks.ProgbarLogger,
    "ReduceLROnPlateau": lambda: callbacks.ReduceLROnPlateau("loss"),
    "RemoteMonitor": lambda: callbacks.RemoteMonitor("http://127.0.0.1:9"),
    "TensorBoard": lambda: callbacks.TensorBoard("logs", histogram_freq=1, update_freq="batch"),
    "SwapEMAWeights": lambda: callbacks.SwapEMAWeights(swap_on_epoch=True),
    "TerminateOnNaN": callbacks.TerminateOnNaN,
    "TimeLimit": lambda: callbacks.TimeLimit("1 hour"),
}


def through_pickle(callback):
    return pickle.loads(pickle.dumps(callback))


def trained(*given):
    model = Sequential([Dense(1, input_shape=(2,))])
    model.compile(SGD(use_ema=True), "mse")
    model.fit(X, Y, 4, 2, verbose=0, validation_data=(X, Y), callbacks=[*given])
    return model


class Copying(Callback):
    """Copies another callback at every hook of a training."""

    remembers = ()

    def __init__(self, copied, copies):
        self._take = lambda: copies.extend([through_pickle(copied), copy.deepcopy(copied)])

    def on_train_begin(self, logs=None):
        self._take()

    def on_train_batch_end(self, batch, logs=None):
        self._take()

    def on_epoch_end(self, epoch, logs=None):
        self._take()

    def on_train_end(self, logs=None):
        self._take()


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_every_callback_is_copied_here():
    assert {name.partition(" ")[0] for name in MAKE} == {*callbacks.__all__} - {"CallbackList"}


@pytest.mark.parametrize("name", MAKE)
def test_a_callback_can_be_copied_before_during_and_after_a_run(name):
    callback = MAKE[name]()
    copies = [through_pickle(callback), copy.deepcopy(callback)]
    trained(callback, Copying(callback, copies))
    copies += [through_pickle(callback), copy.deepcopy(callback)]
    assert len(copies) == 2 * (1 + 1 + 4 + 2 + 1 + 1)
    for made in copies:
        assert type(made) is type(callback)
        assert (made.model, made.run) == (None, None)
    # The last of those made within the training, which this one goes on from.
    if name != "BackupAndRestore":
        trained(copies[-5])


@pytest.mark.parametrize("name", sorted(set(MAKE) - {"BackupAndRestore", "ProgbarLogger"}))
def test_a_copy_from_within_a_run_goes_on_by_hand(name):
    copies = []
    callback = MAKE[name]()
    model = trained(callback, Copying(callback, copies))
    for made in copies[8:10]:  # of the first epoch's end
        made.set_model(model)
        made.on_epoch_begin(1)
        made.on_train_batch_end(0, {"size": 4, "loss": 0.5})
        made.on_epoch_end(1, {"loss": 0.5})
        made.on_train_end({})


def test_a_copy_remembers_what_is_the_callbacks_own():
    stop = callbacks.EarlyStopping("loss", patience=9, restore_best_weights=True)
    trained(stop)
    made = through_pickle(stop)
    assert (made.best, made.best_epoch, made.wait) == (stop.best, stop.best_epoch, stop.wait)
    assert np.array_equal(made.best_weights[0], stop.best_weights[0])
    best = callbacks.ModelCheckpoint("a.weights.h5", "loss", 0, True, True)
    trained(best)
    assert copy.deepcopy(best).best == best.best


def test_what_a_class_of_the_user_holds_is_copied():
    class Mine(Callback):
        def __init__(self, validation_data):
            self.validation_data = validation_data
            self.run = "first"

    mine = Mine([1, 2])
    trained(mine)
    made = copy.deepcopy(mine)
    assert (made.validation_data, made.run, made.model) == ([1, 2], "first", None)


def test_a_copy_of_a_time_limit_has_the_whole_time():
    limit = callbacks.TimeLimit(0.5)
    time.sleep(0.3)
    made = copy.deepcopy(limit)
    model = trained()
    for each in (made, limit):
        each.set_model(model)
    time.sleep(0.25)
    made.on_epoch_end(0)
    assert not model.stop_training
    limit.on_epoch_end(0)
    assert model.stop_training


def test_a_copy_waits_for_the_rest_of_an_interval():
    slow = callbacks.ModelCheckpoint("a.weights.h5", save_weights_only=True, save_freq="1 hour")
    slow.set_model(trained())
    slow.on_epoch_begin(0)
    through_pickle(slow).on_epoch_end(0, {})
    made = through_pickle(slow)
    assert made.save_freq == "1 hour"


def test_a_problem_that_a_copy_has_is_said_again():
    monitor = callbacks.RemoteMonitor("http://127.0.0.1:9")
    with pytest.warns(OnfitWarning, match="Could not reach"):
        monitor.on_epoch_end(0, {})
    copy.deepcopy(monitor).on_epoch_end(1, {})
