"""ProgbarLogger: what it leaves when an epoch, an evaluation or a prediction has ended."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tests.callbacks.progbar.bars import FULL, Terminal, epoch, logger

from onfit.callbacks.progbar import ProgbarLogger
from onfit.callbacks.progbar import bar as bar_module
from onfit.core import Logs, Run
from onfit.core.meter import RunningMeans
from onfit.errors import ArgumentError

# --- what a finished epoch leaves ------------------------------------------------------------


def test_a_finished_epoch_leaves_two_lines_as_keras_draws_them(clock):
    stream = io.StringIO()
    bar = logger(stream, samples=60000, epochs=500)
    epoch(bar, clock, 49, 1875, 1.56 / 1875, {"loss": 0.1006, "acc": 0.962})
    assert stream.getvalue() == (
        "Epoch 50/500\n"
        "60000/60000 [==============================]"
        " - 2s 26us/sample - loss: 0.1006 - acc: 0.9620\n"
    )


def test_steps_are_counted_where_steps_are_asked_for(clock):
    stream = io.StringIO()
    bar = logger(stream, clock, "steps", steps=469)
    epoch(bar, clock, 0, 469, 0.004, {"loss": 0.25})
    assert stream.getvalue().splitlines()[1] == f"469/469 [{FULL}] - 2s 4ms/step - loss: 0.2500"


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_every_epoch_leaves_its_lines_and_a_file_gets_nothing_else(clock, stream):
    stream = stream()
    bar = logger(stream, samples=64, epochs=2)
    for index in range(2):
        epoch(bar, clock, index, 2, 0.01, {"loss": 0.5})
    bar.on_train_end({})
    line = f"64/64 [{FULL}] - 0s 312us/sample - loss: 0.5000"
    assert stream.getvalue() == f"Epoch 1/2\n{line}\nEpoch 2/2\n{line}\n"


def test_a_file_gets_no_carriage_return_however_long_it_takes(clock):
    stream = io.StringIO()
    epoch(logger(stream, samples=640), clock, 0, 20, 60, {"loss": 0.5})
    assert "\r" not in stream.getvalue()
    assert stream.getvalue().count("\n") == 2


def test_the_last_line_shows_all_that_the_epoch_logged(clock):
    stream = io.StringIO()
    bar = logger(stream, samples=1)
    bar.on_epoch_begin(0, {})
    bar.on_train_batch_end(0, {"batch": 0, "size": 1, "loss": 9.0})
    bar.on_epoch_end(0, Logs(loss=0.5, val_loss=0.25, learning_rate=1e-4))
    assert stream.getvalue().endswith(
        " - loss: 0.5000 - val_loss: 0.2500 - learning_rate: 1.0000e-04\n"
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0000"), (1, "1.0000"), (0.0011, "0.0011"), (0.001, "1.0000e-03"),
        (-0.0005, "-5.0000e-04"), (-2.5, "-2.5000"), (12345.678, "12345.6780"),
        (float("nan"), "nan"), (float("inf"), "inf"), (True, "1.0000"),
        (np.float32(0.5), "0.5000"), (torch.tensor(0.5), "0.5000"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_keras_writes_them(value, text):
    assert bar_module.values_text({"x": value}) == f" - x: {text}"


@pytest.mark.parametrize("value", [np.zeros(3), np.zeros(1), torch.zeros(2), [1, 2], "9", None, {}])
def test_what_is_not_one_number_is_left_out(value):
    assert bar_module.values_text({"x": value, "loss": 1.0}) == " - loss: 1.0000"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (2.0, "20s 2s"), (1.0, "10s 1s"), (0.999, "10s 999ms"), (0.0123, "0s 12ms"),
        (0.001, "0s 1ms"), (0.0009996, "0s 1ms"), (0.9996, "10s 1s"), (0.0009, "0s 900us"),
        (0.0000266, "0s 27us"),
    ],
)  # fmt: skip
def test_the_time_of_a_step_has_a_fitting_unit(clock, seconds, text):
    stream = io.StringIO()
    bar = logger(stream, clock, "steps", steps=10)
    epoch(bar, clock, 0, 10, seconds, {})
    assert stream.getvalue().splitlines()[1] == f"10/10 [{FULL}] - {text}/step"


def test_an_epoch_that_was_stopped_shows_how_far_it_came(clock):
    stream = io.StringIO()
    epoch(logger(stream, samples=640), clock, 0, 10, 0.001, {"loss": 0.5})
    assert stream.getvalue().splitlines()[1] == (
        "320/640 [==============>...............] - 0s 31us/sample - loss: 0.5000"
    )


def test_more_than_was_announced_is_the_total(clock):
    stream = io.StringIO()
    epoch(logger(stream, samples=32), clock, 0, 2, 0.001, {})
    assert stream.getvalue().splitlines()[1] == f"64/64 [{FULL}] - 0s 31us/sample"


def test_an_epoch_without_batches_has_its_values_and_no_bar(clock):
    stream = io.StringIO()
    bar = logger(stream)
    bar.on_epoch_begin(0, {})
    clock.now += 3
    bar.on_epoch_end(0, {"loss": 0.5})
    assert stream.getvalue() == "Epoch 1/3\n - 3s - loss: 0.5000\n"


def test_without_a_number_of_epochs_they_are_counted(clock):
    stream = io.StringIO()
    epoch(logger(stream, epochs=None, samples=32), clock, 6, 1, 0.001, {})
    assert stream.getvalue().startswith("Epoch 7\n")


# --- verbose ---------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_verbose_0_shows_nothing(clock, stream):
    stream = stream()
    bar = logger(stream, samples=64, verbose=0)
    epoch(bar, clock, 0, 2, 1, {"loss": 0.5})
    bar.on_train_end({})
    bar.on_test_begin({})
    bar.on_test_batch_end(0, {"size": 1})
    bar.on_test_end({"loss": 0.5})
    assert stream.getvalue() == ""


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_verbose_2_shows_one_line_an_epoch_and_no_bar(clock, stream):
    stream = stream()
    epoch(logger(stream, samples=64, verbose=2), clock, 0, 2, 1, {"loss": -0.5, "val_loss": 1.0})
    assert stream.getvalue() == "Epoch 1/3\n - 2s - loss: -0.5000 - val_loss: 1.0000\n"


def test_verbose_auto_is_1(clock):
    stream = io.StringIO()
    epoch(logger(stream, samples=32, verbose="auto"), clock, 0, 1, 1, {})
    assert FULL in stream.getvalue()


def test_in_a_run_of_ones_own_the_bar_is_shown(capsys):
    with Run(SimpleNamespace(), ProgbarLogger("steps")) as run:
        for _ in run.epochs():
            for batch in run.batches([[1, 1], [4]]):
                run.log(loss=float(batch[0]))
            run.log(val_loss=3.0)
    first, second = capsys.readouterr().out.splitlines()
    assert first == "Epoch 1/1"
    assert second.startswith(f"2/2 [{FULL}] - 0s ")
    assert second.endswith("/step - loss: 2.0000 - val_loss: 3.0000")


# --- evaluation and prediction ---------------------------------------------------------------


def test_an_evaluation_of_its_own_has_a_bar_without_an_epoch(clock):
    stream = io.StringIO()
    bar = ProgbarLogger(stream=stream)
    bar.set_params({"samples": 1797})
    bar.on_test_begin({})
    for size in (1000, 797):
        clock.now += 0.027
        bar.on_test_batch_end(0, {"size": size, "loss": 9.0})
    bar.on_test_end({"loss": 0.5, "acc": 0.75})
    assert stream.getvalue() == (
        f"1797/1797 [{FULL}] - 0s 30us/sample - loss: 0.5000 - acc: 0.7500\n"
    )


def test_a_prediction_of_its_own_has_a_bar_without_values(clock):
    stream = Terminal()
    bar = ProgbarLogger(stream=stream)
    bar.set_params({"samples": 64})
    bar.on_predict_begin({})
    clock.now += 1
    bar.on_predict_batch_end(0, {"size": 32, "outputs": 7})
    bar.on_predict_batch_end(1, {"size": 32, "outputs": 7})
    bar.on_predict_end({})
    assert "outputs" not in stream.getvalue()
    assert stream.getvalue().splitlines()[-1].endswith(f"64/64 [{FULL}] - 1s 16ms/sample")


def test_within_training_evaluation_and_prediction_draw_nothing(clock):
    stream = Terminal()
    bar = logger(stream, samples=64)
    bar.on_epoch_begin(0, {})
    before = stream.getvalue()
    clock.now += 60
    for kind in ("test", "predict"):
        getattr(bar, f"on_{kind}_begin")({})
        getattr(bar, f"on_{kind}_batch_end")(0, {"size": 9})
        getattr(bar, f"on_{kind}_end")({"loss": 1.0})
    assert stream.getvalue() == before
    bar.on_train_batch_end(0, {"size": 64})
    bar.on_epoch_end(0, {})
    assert "64/64 [" in stream.getvalue()


def test_after_training_an_evaluation_has_a_bar_again(clock):
    stream = io.StringIO()
    bar = logger(stream, samples=64)
    bar.on_train_end({})
    means = RunningMeans()
    run = Run(SimpleNamespace(), bar)
    run.introduce()
    run.evaluate([[1, 1]], lambda batch: means.add({"loss": 2.0}, 2), means)
    assert stream.getvalue() == f"2/2 [{FULL}] - 0s 0us/sample - loss: 2.0000\n"


# --- arguments -------------------------------------------------------------------------------


def test_an_unknown_count_mode_is_an_error_that_helps():
    with pytest.raises(ArgumentError) as caught:
        ProgbarLogger("sample")
    assert isinstance(caught.value, ValueError)
    assert str(caught.value) == (
        "ProgbarLogger(count_mode='sample'): count_mode is 'samples' or 'steps'. "
        "Did you mean 'samples'?"
    )


@pytest.mark.parametrize("interval", [-1, float("nan")])
def test_an_interval_that_is_no_time_is_an_error(interval):
    with pytest.raises(ArgumentError, match="interval is the seconds between two drawings"):
        ProgbarLogger(interval=interval)
