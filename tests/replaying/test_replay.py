"""Replay: what callbacks would have decided is what they decide, and nothing is written."""

from types import SimpleNamespace

import numpy as np
import pytest
from tests.golden.golden import BEST, EPOCHS, RATES, SAVES, STOPS_AT, VAL_LOSS

import onfit
from onfit.callbacks import (
    CSVLogger,
    EarlyStopping,
    History,
    LambdaCallback,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TensorBoard,
    TerminateOnNaN,
    TimeLimit,
)
from onfit.core import Run
from onfit.errors import ArgumentError, FileFormatError
from onfit.replaying import replay

LOSSES = [0.9, 0.5, 0.4, 0.6, 0.5, 0.3]


def recorded(*callbacks, rows=None):
    """A real training that logs the golden sequence, without anything that decides."""
    model = SimpleNamespace(optimizer=SimpleNamespace(learning_rate=0.1))
    with Run(model, [*callbacks], epochs=EPOCHS, params={"verbose": 0}) as run:
        for epoch in run.epochs():
            for _ in run.batches([[1]]):
                run.log(loss=1.0)
            run.log(val_loss=VAL_LOSS[epoch], learning_rate=0.1)


def callbacks(folder):
    return [
        EarlyStopping(patience=3, restore_best_weights=True),
        ReduceLROnPlateau(factor=0.5, patience=2),
        ModelCheckpoint(folder / "{epoch}.h5", save_best_only=True),
    ]


def check_golden(found):
    assert found.stopped_epoch == STOPS_AT
    assert found.best_epoch == BEST
    assert [epoch + 1 for epoch in found.saved_epochs] == SAVES
    np.testing.assert_allclose(found.learning_rates, RATES)


# --- where the record is ------------------------------------------------------------------------


def test_a_history(tmp_path):
    history = History()
    recorded(history)
    check_golden(replay(callbacks(tmp_path), history))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_file_of_csv_logger(tmp_path, separator):
    recorded(CSVLogger(tmp_path / "log.csv", separator))
    check_golden(replay(callbacks(tmp_path), tmp_path / "log.csv"))


def test_a_folder_of_tensorboard(tmp_path):
    recorded(TensorBoard(tmp_path / "curves", write_graph=False))
    check_golden(replay(callbacks(tmp_path), str(tmp_path / "curves")))


def test_a_list_of_dicts_and_a_dict_of_lists(tmp_path):
    rows = [{"val_loss": value, "lr": 0.1} for value in VAL_LOSS]
    check_golden(replay(callbacks(tmp_path), rows))
    lists = {"val_loss": VAL_LOSS, "lr": [0.1] * EPOCHS}
    check_golden(replay(callbacks(tmp_path), lists))
    check_golden(replay(callbacks(tmp_path), SimpleNamespace(history=lists, epoch=range(EPOCHS))))


def test_a_record_that_begins_at_a_later_epoch():
    rows = [{"epoch": 7 + epoch, "val_loss": value} for epoch, value in enumerate(LOSSES)]
    found = replay(EarlyStopping(patience=2), rows)
    assert (found.stopped_epoch, found.best_epoch, found.places) == (11, 9, [7, 8, 9, 10, 11])


def test_a_run_of_steps():
    rows = [{"step": 100 * (row + 1), "val_loss": value} for row, value in enumerate(LOSSES)]
    found = replay([EarlyStopping(patience="200 steps"), ModelCheckpoint("x.h5")], rows)
    assert (found.unit, found.stopped_epoch, found.best_epoch) == ("step", 500, 300)
    assert found.saved_epochs == [100, 200, 300, 400, 500]
    assert str(found).startswith("EarlyStopping would have stopped after step 500 (row 5 of 6):")


def test_values_that_an_epoch_did_not_log(tmp_path):
    (tmp_path / "log.csv").write_text("epoch,loss,val_loss\n0,1.0,5.0\n1,1.0,NA\n2,1.0,6.0\n")
    found = replay(EarlyStopping(patience=1), tmp_path / "log.csv")
    assert found.stopped_epoch == 2


# --- what is found ------------------------------------------------------------------------------


def test_a_training_that_would_go_on_to_its_end():
    found = replay(EarlyStopping(patience=9), {"val_loss": LOSSES})
    assert (found.stopped_epoch, found.stopped_by, found.best_epoch) == (None, "", 5)
    assert str(found) == (
        "No callback would have stopped the training of 6 epochs.\nThe best is epoch 6."
    )


def test_it_is_a_few_sentences(tmp_path):
    text = str(replay([*callbacks(tmp_path), History()], [{"val_loss": each} for each in VAL_LOSS]))
    assert text.splitlines() == [
        "EarlyStopping would have stopped after epoch 8 (row 8 of 10): "
        "val_loss has not improved on 1.0 for 3 epochs.",
        "The best is epoch 5.",
        "A model would have been saved after epoch 1, 2, 5.",
        "The learning rate would have been 1.0 from epoch 1 on, then 0.5 from epoch 5 on, "
        "then 0.25 from epoch 8 on.",
        "Left out, since they decide nothing: History.",
    ]


def test_the_decisions_of_each_are_there():
    found = replay([EarlyStopping(patience=2), ReduceLROnPlateau()], {"val_loss": LOSSES})
    assert list(found.decisions) == ["EarlyStopping", "ReduceLROnPlateau"]
    assert found.decisions["EarlyStopping"][-1].what == "stopped"


def test_a_nan_stops_it_as_in_a_training():
    found = replay(TerminateOnNaN(), {"loss": [1.0, float("nan"), 1.0]})
    assert (found.stopped_epoch, found.stopped_by) == (1, "TerminateOnNaN")


def test_a_rate_may_be_given():
    found = replay(
        ReduceLROnPlateau(factor=0.5, patience=1), {"val_loss": [1, 1, 1]}, learning_rate=8
    )
    assert found.learning_rates == [8, 8, 4]


def test_steps_count_if_an_epochs_are_given():
    stop = EarlyStopping(patience="200 steps")
    found = replay(stop, {"val_loss": LOSSES}, steps_per_epoch=100)
    assert found.stopped_epoch == 4


# --- nothing else happens -----------------------------------------------------------------------


def test_the_callbacks_stay_as_they_are():
    stop = EarlyStopping(patience=2)
    replay(stop, {"val_loss": LOSSES})
    assert (stop.best, stop.decisions, stop.stopped_epoch) == (None, [], 0)


def test_files_of_the_real_training_stay(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for epoch in range(1, 7):
        (tmp_path / f"{epoch}.h5").write_text("real")
    (tmp_path / "last.h5").write_text("real")
    keeping = ModelCheckpoint(
        "{epoch}.h5", keep=1, save_last=True, load_weights_on_restart=True, verbose=1,
        background=True,
    )  # fmt: skip
    assert replay(keeping, {"val_loss": LOSSES}).saved_epochs == [0, 1, 2, 5]
    assert len(list(tmp_path.iterdir())) == 7
    assert {path.read_text() for path in tmp_path.iterdir()} == {"real"}
    assert capsys.readouterr().out == ""


def test_what_writes_has_no_part(tmp_path):
    found = replay(
        [
            CSVLogger(tmp_path / "log.csv"),
            EarlyStopping(patience=2),
            LambdaCallback(on_epoch_end=lambda epoch, logs: 1 / 0),
            TimeLimit("1 second"),
        ],
        {"val_loss": LOSSES},
    )
    assert found.left_out == ["CSVLogger", "LambdaCallback", "TimeLimit"]
    assert list(tmp_path.iterdir()) == []


def test_a_subclass_decides_as_it_is_written():
    class Patient(EarlyStopping):
        def on_epoch_end(self, epoch, logs=None):
            if epoch > 3:
                super().on_epoch_end(epoch, logs)

    assert replay(Patient(), {"val_loss": [1, 2, 3, 4, 5, 6, 7]}).stopped_epoch == 5


# --- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ([], "there is no row"),
        (History(), "there is no row"),
        ("no/such.csv", "no such file"),
        (7, "a record is a History"),
        ([1, 2], "a record is a History"),
        ({"loss": [1, 2], "val_loss": [1]}, "of different lengths"),
    ],
)
def test_what_is_no_record_is_an_error(record, said):
    with pytest.raises(ArgumentError, match=said):
        replay(EarlyStopping(), record)


def test_a_file_without_epochs_and_a_folder_without_curves_are_errors(tmp_path):
    (tmp_path / "log.csv").write_text("a,b\n1,2\n")
    with pytest.raises(FileFormatError, match=r"a column 'epoch' or 'step'.*the file has a, b"):
        replay(EarlyStopping(), tmp_path / "log.csv")
    with pytest.raises(FileFormatError, match="no curve of epochs"):
        replay(EarlyStopping(), tmp_path)


@pytest.mark.parametrize(
    ("callback", "said"),
    [
        (EarlyStopping(patience="30 minutes"), "how many seconds"),
        (EarlyStopping(patience="30 steps"), "or pass steps_per_epoch="),
        (ModelCheckpoint("x.h5", save_freq="10 batches"), "Give save_freq='epoch'"),
    ],
)
def test_what_the_record_does_not_say_is_an_error(callback, said):
    with pytest.raises(ArgumentError, match=said):
        replay(callback, {"val_loss": LOSSES})


def test_the_front_door_has_it():
    assert onfit.replay is replay
