"""What CSVLogger, TensorBoard and RemoteMonitor record of a run of steps."""

from types import SimpleNamespace

import numpy as np
import pytest
from tests.callbacks.remote_monitor.servers import serving
from tests.callbacks.tensorboard.event_reader import read

from onfit import Sequential
from onfit.callbacks import CSVLogger, RemoteMonitor, TensorBoard
from onfit.core import Run
from onfit.errors import FileFormatError
from onfit.layers import Dense


def train(*callbacks, model=None):
    """Four steps, with a validation after every second."""
    with Run(model or SimpleNamespace(), list(callbacks)) as run:
        for batch in run.steps([[1.0], [2.0], [6.0]], until=4, validate_every=2):
            run.log(loss=batch[0])
            if run.validation_due:
                for _ in run.validation([1]):
                    run.log(loss=5.0)


def test_a_csv_file_has_a_column_step_in_the_place_of_epoch(tmp_path):
    logger = CSVLogger(tmp_path / "log.csv")
    train(logger)
    header, *lines = (tmp_path / "log.csv").read_text().splitlines()
    assert header.split(",")[:2] == ["step", "loss"]
    assert header.endswith(",val_loss")
    assert [line.split(",")[:2] for line in lines] == [["2", "1.5"], ["4", "3.5"]]


def test_a_second_run_of_steps_begins_anew_in_a_file_of_its_own(tmp_path):
    logger = CSVLogger(tmp_path / "log.csv")
    train(logger)
    train(logger)
    assert len((tmp_path / "log.csv").read_text().splitlines()) == 3
    assert len((tmp_path / "log.1.csv").read_text().splitlines()) == 3


def test_a_file_of_epochs_is_not_continued_with_steps(tmp_path):
    CSVLogger(tmp_path / "log.csv").on_epoch_end(0, {"loss": 1.0})
    with pytest.raises(FileFormatError, match="append=True"):
        train(CSVLogger(tmp_path / "log.csv", append=True))


def test_an_event_says_the_step():
    with serving() as server:
        train(RemoteMonitor(server.root, send_as_json=True))
        assert [(event["step"], event["loss"]) for event in server.events] == [(2, 1.5), (4, 3.5)]
        assert "epoch" not in server.events[0]


def test_curves_are_over_the_steps(tmp_path):
    board = TensorBoard(tmp_path, update_freq="batch")
    train(board)
    train(board)
    losses, validations = (
        [(point.step, point.value) for point in read(tmp_path / folder).Scalars("step_loss")]
        for folder in ("train", "validation")
    )
    assert losses == [(2, 1.5), (4, 3.5), (6, 1.5), (8, 3.5)]
    assert validations[:2] == [(2, 5.0), (4, 5.0)]
    assert [point.step for point in read(tmp_path / "train").Scalars("batch_loss")] == [*range(8)]


def test_in_fit_too(tmp_path):
    model = Sequential([Dense(1, input_dim=2)])
    model.compile("sgd", "mse")
    x = np.ones((8, 2))
    model.fit(
        x, x[:, :1], batch_size=4, steps=4, validation_freq="2 steps", validation_split=0.5,
        verbose=0, callbacks=[CSVLogger(tmp_path / "log.csv"), TensorBoard(tmp_path / "logs")],
    )  # fmt: skip
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert [line.partition(",")[0] for line in lines] == ["step", "2", "4"]
    assert len(read(tmp_path / "logs/validation").Scalars("step_loss")) == 2


def test_validations_within_epochs_are_no_rows(tmp_path):
    model = Sequential([Dense(1, input_dim=2)])
    model.compile("sgd", "mse")
    x = np.ones((16, 2))
    model.fit(
        x, x[:, :1], batch_size=2, epochs=2, validation_freq="2 batches", validation_split=0.5,
        verbose=0, callbacks=[CSVLogger(tmp_path / "log.csv"), TensorBoard(tmp_path / "logs")],
    )  # fmt: skip
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert [line.partition(",")[0] for line in lines] == ["epoch", "0", "1"]
    assert "step_loss" not in read(tmp_path / "logs/validation").Tags()["scalars"]
