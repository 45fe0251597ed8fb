"""The bar on a real terminal, in a notebook, in a program without a console."""

import io
import sys
from types import SimpleNamespace

import pytest
from tests.callbacks.progbar.bars import FULL, Pty, epoch, logger

from onfit.callbacks.progbar import ProgbarLogger
from onfit.callbacks.progbar import bar as bar_module
from onfit.core import Callback, Logs, Run
from onfit.core.console import say

# --- on a real terminal ----------------------------------------------------------------------


class Talking(Callback):
    """Says something in the middle of an epoch and at its end."""

    def __init__(self, stream):
        self.stream = stream

    def on_train_batch_end(self, batch, logs=None):
        say(f"batch {batch} says hello", self.stream)

    def on_epoch_end(self, epoch, logs=None):
        say("Epoch 00001: saving model to best.h5", self.stream)


def test_messages_stand_above_the_bar_and_the_last_line_is_whole(terminal):
    callbacks = [Talking(terminal.stream), ProgbarLogger(interval=0, stream=terminal.stream)]
    with Run(SimpleNamespace(), callbacks, params={"samples": 4}) as run:
        for _ in run.epochs():
            for _ in run.batches([[1, 1], [1, 1]]):
                run.log(loss=0.5)
            assert "2/4 [" in terminal.rows()[-1] or "4/4 [" in terminal.rows()[-1]
    rows = terminal.rows()
    assert rows[:4] == [
        "Epoch 1/1",
        "batch 0 says hello",
        "batch 1 says hello",
        "Epoch 00001: saving model to best.h5",
    ]
    assert rows[4].startswith(f"4/4 [{FULL}] - 0s ")
    assert rows[4].endswith("/sample - loss: 0.5000")
    assert len(rows) == 5


def test_a_shorter_line_leaves_nothing_of_a_longer_one(terminal, clock):
    bar = logger(terminal.stream, clock, "steps", steps=3, interval=0)
    bar.on_epoch_begin(0, {})
    bar.on_train_batch_end(0, {"loss": 0.5, "a_metric_with_a_long_name": 0.5})
    bar.on_train_batch_end(1, {"loss": 0.5})
    assert terminal.rows()[-1] == "2/3 [===================>..........] - ETA: 0s - loss: 0.5000"
    bar.on_epoch_end(0, {})
    assert terminal.rows()[1:] == ["2/3 [===================>..........] - 0s 0us/step"]


def test_a_line_too_long_for_the_terminal_is_cut_while_it_runs_and_whole_in_the_end(clock):
    terminal = Pty(columns=50)
    bar = logger(terminal.stream, clock, "steps", steps=2, interval=0)
    bar.on_epoch_begin(0, {})
    logs = {"loss": 0.5, "accuracy": 0.5}
    for batch in range(2):
        bar.on_train_batch_end(batch, logs)
    assert terminal.rows() == ["Epoch 1/3", f"2/2 [{FULL}] - 0s 0us/ste"]
    bar.on_epoch_end(0, logs)
    rows = terminal.rows()
    terminal.close()
    assert "".join(rows[1:]) == f"2/2 [{FULL}] - 0s 0us/step - loss: 0.5000 - accuracy: 0.5000"


@pytest.mark.parametrize("hook", ["on_exception", "on_train_end"])
def test_a_training_that_breaks_off_leaves_the_bar_on_a_line_of_its_own(terminal, clock, hook):
    bar = logger(terminal.stream, clock, "steps", steps=3, interval=0)
    bar.on_epoch_begin(0, {})
    bar.on_train_batch_end(0, {"loss": 0.5})
    getattr(bar, hook)(ValueError())
    terminal.stream.write("Traceback")
    assert terminal.rows() == [
        "Epoch 1/3",
        "1/3 [=========>....................] - ETA: 0s - loss: 0.5000",
        "Traceback",
    ]


def test_an_evaluation_that_broke_off_unheard_does_not_spoil_the_next(terminal, clock):
    bar = ProgbarLogger("steps", stream=terminal.stream, interval=0)
    bar.set_params({"steps": 3})
    for batches in (1, 3):
        bar.on_test_begin({})
        for batch in range(batches):
            bar.on_test_batch_end(batch, {})
    bar.on_test_end({})
    assert terminal.rows() == [
        "1/3 [=========>....................] - ETA: 0s",
        f"3/3 [{FULL}] - 0s 0us/step",
    ]


def test_breaking_off_reads_no_value(terminal, clock):
    bar = logger(terminal.stream, clock, "steps", steps=3, interval=0.5)
    bar.on_epoch_begin(0, {})
    logs = Logs(loss=0.5)
    clock.now += 1
    bar.on_train_batch_end(0, logs)
    logs.defer(["loss"], lambda: pytest.fail("read"))
    bar.on_train_batch_end(1, logs)
    bar.on_exception(ValueError())
    bar.on_train_end(logs)
    assert terminal.rows()[1].startswith("1/3 [")


def test_a_bar_within_a_training_with_a_bar_leaves_both_lines(terminal, clock):
    outer = logger(terminal.stream, clock, "steps", steps=2, interval=0)
    outer.on_epoch_begin(0, {})
    outer.on_train_batch_end(0, {"loss": 0.5})
    inner = ProgbarLogger("steps", stream=terminal.stream, interval=0)
    inner.set_params({"steps": 2})
    inner.on_test_begin({})
    inner.on_test_batch_end(0, {})
    inner.on_test_batch_end(1, {})
    inner.on_test_end({})
    assert terminal.rows()[1:] == [
        f"2/2 [{FULL}] - 0s 0us/step",
        "1/2 [==============>...............] - ETA: 0s - loss: 0.5000",
    ]
    outer.on_train_batch_end(1, {})
    outer.on_epoch_end(0, {})
    assert terminal.rows()[1:] == [f"2/2 [{FULL}] - 0s 0us/step"] * 2


def test_a_notebook_is_drawn_in(clock):
    notebook = type("OutStream", (io.StringIO,), {"__module__": "ipykernel.iostream"})()
    bar = logger(notebook, clock, "steps", steps=2, interval=0)
    bar.on_epoch_begin(0, {})
    bar.on_train_batch_end(0, {})
    assert "1/2 [==============>...............]" in notebook.getvalue()


def test_no_thread_is_started(terminal, clock):
    bar = logger(terminal.stream, clock, "steps", steps=2, interval=0)
    bar.on_epoch_begin(0, {})
    bar.on_train_batch_end(0, {})
    assert bar_module._Line.monitor_interval == 0
    assert bar._bar._line.monitor is None
    bar.on_train_end({})


# --- where it goes ---------------------------------------------------------------------------


def test_by_default_it_goes_where_stdout_is_at_the_time(monkeypatch, clock):
    bar = ProgbarLogger()
    bar.set_params({"samples": 32, "epochs": 2})
    for index in range(2):
        stream = io.StringIO()
        monkeypatch.setattr(sys, "stdout", stream)
        epoch(bar, clock, index, 1, 0.001, {})
        assert stream.getvalue().startswith(f"Epoch {index + 1}/2\n32/32 [")


def test_a_program_without_a_console_is_not_disturbed(monkeypatch, clock):
    monkeypatch.setattr(sys, "stdout", None)
    epoch(logger(None, samples=32), clock, 0, 1, 0.001, {})


def test_what_is_said_is_there_at_once(monkeypatch):
    class Piped(io.StringIO):
        flushed = ""

        def flush(self):
            self.flushed = self.getvalue()

    for module in (sys.modules["tqdm"], None):
        monkeypatch.setitem(sys.modules, "tqdm", module)
        stream = Piped()
        monkeypatch.setattr(sys, "stdout", stream)
        say("hello")
        assert stream.flushed == "hello\n"


def test_what_is_said_is_captured(capsys):
    say("one")
    say("two", sys.stderr)
    assert capsys.readouterr() == ("one\n", "two\n")
