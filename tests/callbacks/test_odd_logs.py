"""Whatever a callback logs: a training goes on, and a monitor of it says what it is."""

from datetime import date

import numpy as np
import pytest

from onfit import Sequential
from onfit.callbacks import (
    BackupAndRestore,
    BaseLogger,
    Callback,
    CSVLogger,
    EarlyStopping,
    History,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TensorBoard,
    TerminateOnNaN,
)
from onfit.errors import OnfitWarning
from onfit.layers import Dense


class NoText:
    def __str__(self):
        raise RuntimeError("no text")

    __repr__ = __str__


class NoFloat:
    def __float__(self):
        raise RuntimeError("no number")


def within_itself():
    found = [1.0]
    found.append(found)
    return found


ODD = {
    "a date": date(2026, 1, 31),
    "a text": "abc",
    "a list within itself": within_itself(),
    "an object without text": NoText(),
    "an object without number": NoFloat(),
    "None": None,
    "a huge number": 10**400,
    "a complex number": 1j,
    "an array": np.zeros((2, 2)),
    "a flag": True,
}


class Logs(Callback):
    remembers = ()

    def __init__(self, value):
        self.value = value

    def on_epoch_end(self, epoch, logs=None):
        logs["odd"] = self.value


def train(value, *callbacks):
    model = Sequential([Dense(1, input_dim=2)])
    model.compile("sgd", "mse")
    x = np.ones((4, 2))
    return model.fit(x, x[:, :1], epochs=2, verbose=1, callbacks=[Logs(value), *callbacks])


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.filterwarnings("ignore:CSVLogger writes what is logged as 'odd' as <")
@pytest.mark.parametrize("name", ODD)
def test_recorders_go_on_with_it(name):
    recorders = [
        BaseLogger(),
        CSVLogger("log.csv"),
        TensorBoard("logs"),
        TerminateOnNaN(),
        BackupAndRestore("backup", verbose=0),
    ]
    history = train(ODD[name], *recorders)
    assert history.epoch == [0, 1]
    assert history.history["odd"] == [ODD[name]] * 2 or name == "an array"
    assert "History" in repr(history)
    assert "odd" in history._repr_html_()


@pytest.mark.parametrize("name", sorted(ODD.keys() - {"a flag"}))
@pytest.mark.parametrize(
    "watch",
    [
        lambda: EarlyStopping("odd", mode="min"),
        lambda: ReduceLROnPlateau("odd", mode="min", min_delta=0.0),
        lambda: ModelCheckpoint("m.keras", "odd", mode="min", save_best_only=True),
    ],
)
def test_a_monitor_of_it_says_once_that_it_is_no_number(name, watch):
    watching = watch()
    with pytest.warns(OnfitWarning, match="(?s)monitors 'odd', which is .*not one") as told:
        history = train(ODD[name], watching)
    assert (len(told), history.epoch) == (1, [0, 1])


def test_a_checkpoint_keeps_the_text_of_a_date():
    history = History()
    for epoch in range(2):
        history.on_epoch_end(epoch, {"loss": 0.5, "when": date(2026, 1, 31)})
    again = History()
    again.load_state_dict(history.state_dict())
    assert again.history == {"loss": [0.5, 0.5], "when": ["2026-01-31"] * 2}
    assert history.history["when"] == [date(2026, 1, 31)] * 2
