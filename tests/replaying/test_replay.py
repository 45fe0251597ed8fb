"""Replay: what callbacks would have decided is what they decide, and nothing is written."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
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
from onfit.errors import ArgumentError, FileFormatError, OnfitWarning
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


# --- files that others wrote --------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "epoch, val_loss\n0, 0.9\n1, 0.5\n2, 0.6\n3, 0.7\n",  # with spaces
        "epoch;val_loss\n0;0,9\n1;0,5\n2;0,6\n3;0,7\n",  # with decimal commas
        "epoch,step,loss,val_loss\n0,4,1,\n0,4,,0.9\n1,9,1,\n1,9,,0.5\n2,14,,0.6\n3,19,,0.7\n",
        "epoch,val_loss\n0.0,0.9\n1.0,0.5\n2.0,0.6\n3.0,0.7\n",
    ],
)
def test_csv_files_of_other_loggers(tmp_path, text):
    (tmp_path / "log.csv").write_text(text)
    found = replay(EarlyStopping(patience=2), tmp_path / "log.csv")
    assert (found.recorded, found.stopped_epoch, found.best_epoch) == (4, 3, 1)


def test_a_cell_that_is_no_number_is_warned_of(tmp_path):
    (tmp_path / "log.csv").write_text("epoch,val_loss,note\n0,0.9,x\n1,oops,y\n2,NA,z\n")
    with pytest.warns(OnfitWarning, match="val_loss has numbers, and 'oops' in line 3") as caught:
        replay(EarlyStopping(), tmp_path / "log.csv")
    assert len(caught) == 1


@pytest.mark.parametrize("header", ["", "epoch,val_loss\n"])
def test_of_several_trainings_in_one_file_the_last_is_replayed(tmp_path, header):
    (tmp_path / "log.csv").write_text(
        f"epoch,val_loss\n0,0.1\n1,0.9\n{header}0,0.9\n1,0.5\n2,0.6\n3,0.7\n"
    )
    with pytest.warns(OnfitWarning, match="has 2 trainings.*from row 3 of 6 on"):
        found = replay(EarlyStopping(patience=2), tmp_path / "log.csv")
    assert (found.recorded, found.stopped_epoch, found.best_epoch) == (4, 3, 1)


def test_json_files_and_tables_of_pandas(tmp_path):
    losses, file = {"val_loss": LOSSES}, tmp_path / "history.json"
    rows = [{"val_loss": loss} for loss in LOSSES]
    for written in (losses, rows):
        file.write_text(json.dumps(written))
        assert replay(EarlyStopping(patience=2), file).stopped_epoch == 4
    history = History()
    recorded(history)
    for table in (pd.DataFrame(losses), pd.DataFrame({"epoch": range(6), **losses})):
        assert replay(EarlyStopping(patience=2), table).stopped_epoch == 4
    check_golden(replay(callbacks(tmp_path), history.to_frame()))
    for text, said in (("{", "it is no JSON"), ("3", "it holds 3")):
        file.write_text(text)
        with pytest.raises(FileFormatError, match=said):
            replay(EarlyStopping(), file)


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
        ({"loss": 3}, "a record is a History"),
        ([{"epoch": "x"}], "in row 1 the epoch is 'x'"),
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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epoch,val_loss,val_loss\n0,1,2\n", "two columns are called 'val_loss'"),
        ("epoch,val_loss\n0,1,2\n", "line 2 has 3 values, and there are 2 names"),
        ("epoch,val_loss\nfirst,1\n", "in row 1 the epoch is 'first', which is no whole number"),
    ],
)
def test_a_file_that_is_damaged_is_an_error_that_says_where(tmp_path, text, said):
    (tmp_path / "log.csv").write_text(text)
    with pytest.raises(ValueError, match=said):
        replay(EarlyStopping(), tmp_path / "log.csv")


def test_a_folder_of_several_runs_names_them(tmp_path):
    for name in ("a", "b"):
        recorded(TensorBoard(tmp_path / name))
    with pytest.raises(FileFormatError, match=f"There are: {tmp_path}/a, {tmp_path}/b"):
        replay(EarlyStopping(), tmp_path)


def test_the_front_door_has_it():
    assert onfit.replay is replay
