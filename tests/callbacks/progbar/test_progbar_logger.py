"""ProgbarLogger: what it leaves, what it draws, and how little it does at a batch."""

import fcntl
import io
import os
import pty
import select
import struct
import sys
import termios
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tqdm import tqdm

from onfit.callbacks import LambdaCallback
from onfit.callbacks.progbar import ProgbarLogger
from onfit.callbacks.progbar import bar as bar_module
from onfit.callbacks.progbar import callback as progbar_logger
from onfit.core import Callback, Logs, Run
from onfit.core.console import say
from onfit.core.logs import BatchLogs
from onfit.core.meter import RunningMeans
from onfit.errors import ArgumentError

FULL = "=" * 30


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture(autouse=True)
def _no_bar_of_another_test():
    yield
    for line in list(tqdm._instances):
        line.close()


def looked_at(clock, monkeypatch):
    """The clock, which the bar looks at from now on."""
    monkeypatch.setattr(bar_module, "perf_counter", clock)
    monkeypatch.setattr(progbar_logger, "perf_counter", clock)
    return clock


@pytest.fixture
def clock(monkeypatch):
    return looked_at(Clock(), monkeypatch)


class Measured:
    """A meter with the values of a batch, and the means so far."""

    loss = size = None

    def __init__(self, values, means):
        self.latest, self.means = values, means

    def report_batch(self, logs, latest):
        logs.update(latest)

    def report_epoch(self, logs, prefix=""):
        logs.update(self.means)


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Pty:
    """A real terminal, and what a person would see on it."""

    def __init__(self, columns=120):
        self.reader, writer = pty.openpty()
        size = struct.pack("HHHH", 40, columns, 0, 0)
        fcntl.ioctl(writer, termios.TIOCSWINSZ, size)
        self.stream = os.fdopen(writer, "w")
        self.columns = columns
        self.raw = ""

    def rows(self):
        self.stream.flush()
        while select.select([self.reader], [], [], 0)[0]:
            self.raw += os.read(self.reader, 65536).decode()
        rows, row, column = [[]], 0, 0
        for letter in self.raw.replace("\x1b[A", "\v"):
            if letter == "\v":
                row -= 1
            elif letter == "\r":
                column = 0
            elif letter == "\n":
                row += 1
                if row == len(rows):
                    rows.append([])
            else:
                assert letter.isprintable(), repr(letter)
                if column == self.columns:
                    row, column = row + 1, 0
                    rows.insert(row, [])
                rows[row] += [" "] * (column + 1 - len(rows[row]))
                rows[row][column] = letter
                column += 1
        lines = ["".join(row).rstrip() for row in rows]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def close(self):
        self.stream.close()
        os.close(self.reader)


@pytest.fixture
def terminal():
    terminal = Pty()
    yield terminal
    terminal.close()


def logger(stream, clock=None, *args, samples=None, steps=None, verbose=1, epochs=3, **options):
    """A bar that was introduced to a run, as on_train_begin leaves it."""
    bar = ProgbarLogger(*args, stream=stream, **options)
    bar.set_params({"samples": samples, "steps": steps, "epochs": epochs, "verbose": verbose})
    bar.on_train_begin({})
    return bar


def epoch(bar, clock, index, batches, seconds, logs, size=32):
    bar.on_epoch_begin(index, {})
    for batch in range(batches):
        clock.now += seconds
        bar.on_train_batch_end(batch, {"batch": batch, "size": size, **logs})
    bar.on_epoch_end(index, logs)


# --- what a finished epoch leaves -------------------------------------------------------------


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


# --- verbose ----------------------------------------------------------------------------------


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


# --- the running line -------------------------------------------------------------------------


def test_a_terminal_shows_where_the_epoch_is(clock):
    stream = Terminal()
    bar = logger(stream, samples=60000)
    bar.on_epoch_begin(107, {})
    clock.now += 2
    bar.on_train_batch_end(0, {"size": 59328, "loss": 0.05, "acc": 0.9813})
    assert stream.getvalue().splitlines()[-1].split("\r")[-1] == (
        "59328/60000 [============================>.] - ETA: 0s - loss: 0.0500 - acc: 0.9813"
    )


@pytest.mark.parametrize(
    ("seen", "bar"),
    [
        (0, "." * 30),
        (33, "." * 30),
        (34, ">" + "." * 29),
        (67, "=>" + "." * 28),
        (999, "=" * 28 + ">."),
        (1000, FULL),
    ],
)
def test_the_arrow_is_as_long_as_what_is_done(seen, bar):
    assert bar_module._arrow(seen, 1000) == bar


@pytest.mark.parametrize(
    ("each", "text"),
    [(0.5, "4s"), (7.4, "59s"), (7.5, "1:00"), (450, "1:00:00"), (500, "1:06:40"), (8, "1:04")],
)
def test_the_time_to_come_is_shown(clock, each, text):
    stream = Terminal()
    bar = logger(stream, clock, "steps", steps=9)
    bar.on_epoch_begin(0, {})
    clock.now += each
    bar.on_train_batch_end(0, {})
    assert (
        stream.getvalue().split("\r")[-1] == f"1/9 [==>...........................] - ETA: {text}"
    )


def test_the_count_is_as_wide_as_the_total(clock):
    stream = Terminal()
    bar = logger(stream, samples=1000)
    bar.on_epoch_begin(0, {})
    clock.now += 1
    bar.on_train_batch_end(0, {"size": 7})
    assert stream.getvalue().split("\r")[-1].startswith("   7/1000 [")


def test_it_is_drawn_every_interval_and_not_more_often(clock):
    stream = Terminal()
    bar = logger(stream, clock, "steps", steps=100, interval=0.5)
    bar.on_epoch_begin(0, {})
    for batch in range(16):
        clock.now += 0.125
        bar.on_train_batch_end(batch, {})
    drawn = [text for text in stream.getvalue().split("\r") if "/100" in text]
    assert [text.split("/")[0].strip() for text in drawn] == ["4", "8", "12", "16"]


def test_the_running_values_are_the_means_so_far(clock):
    stream = Terminal()
    bar = logger(stream, samples=3)
    with Run(SimpleNamespace(), bar, params={"samples": 4}) as run:
        for _ in run.epochs():
            for loss, batch in enumerate([[1, 1, 1], [1]]):
                for _ in run.batches([batch]):
                    clock.now += 1
                    run.log(loss=float(loss))
    drawn = [text for text in stream.getvalue().split("\r") if "/4" in text]
    assert [text.rsplit(" ", 1)[1].strip() for text in drawn] == ["0.0000", "0.2500", "0.2500"]


def test_stateful_metrics_show_their_last_value_under_any_name(clock):
    stream = Terminal()
    bar = logger(stream, clock, "steps", ["accuracy", "unknown"], steps=9)
    bar.on_epoch_begin(0, {})
    logs = BatchLogs.of(Measured({"loss": 2.0, "acc": 0.9}, {"loss": 1.0, "acc": 0.5}), 0, 32)
    clock.now += 1
    bar.on_train_batch_end(0, logs)
    assert stream.getvalue().endswith(" - loss: 1.0000 - acc: 0.9000")


def test_what_a_callback_wrote_into_the_batch_logs_is_shown_too(clock):
    stream = Terminal()
    bar = logger(stream, clock, "steps", steps=9)
    bar.on_epoch_begin(0, {})
    logs = BatchLogs.of(Measured({"loss": 2.0, "norm": 3.0}, {"loss": 1.0}), 0, 32)
    clock.now += 1
    bar.on_train_batch_end(0, logs)
    assert stream.getvalue().endswith(" - loss: 1.0000 - norm: 3.0000")


# --- counting costs nothing -------------------------------------------------------------------


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
@pytest.mark.parametrize("count_mode", ["samples", "steps"])
def test_between_two_drawings_no_value_is_read(clock, stream, count_mode):
    class Unread(Measured):
        def report_batch(self, logs, latest):
            pytest.fail("read")

        def report_epoch(self, logs, prefix=""):
            pytest.fail("averaged")

    bar = logger(stream(), clock, count_mode, samples=10**6, steps=10**6)
    bar.on_epoch_begin(0, {})
    for batch in range(5):
        bar.on_train_batch_end(batch, BatchLogs.of(Unread({}, {}), batch, 32))


def test_a_file_never_makes_it_read_a_batch(clock):
    bar = logger(io.StringIO(), samples=10**6)
    bar.on_epoch_begin(0, {})
    logs = Logs(batch=0, size=32)
    logs.defer(["loss"], lambda: pytest.fail("read"))
    clock.now += 3600
    bar.on_train_batch_end(0, logs)


class Ticking(Clock):
    """A clock that goes on by a tenth of a second with every batch."""

    def batches(self, count):
        for _ in range(count):
            self.now += 0.1
            yield [0] * 32


def walked(bar, clock, batches, also=(), **params):
    """Train with the bar; return after which batches it was told."""
    told = []
    hear = bar.on_train_batch_end

    def overheard(batch, logs=None):
        told.append(batch)
        hear(batch, logs)

    bar.on_train_batch_end = overheard
    with Run(SimpleNamespace(), [bar, *also], params=params) as run:
        for _ in run.epochs():
            for _ in run.batches(clock.batches(batches)):
                run.log(loss=0.5)
    return told


@pytest.fixture
def ticking(monkeypatch):
    return looked_at(Ticking(), monkeypatch)


def test_it_is_told_less_often_the_further_off_the_next_drawing_is(ticking):
    stream = Terminal()
    bar = logger(stream, ticking, "steps", interval=1.55)
    assert walked(bar, ticking, 24, steps=24) == [0, 8, 12, 14, 15, 23]
    drawn = [text for text in stream.getvalue().split("\r") if "/24" in text]
    assert [text.split("/")[0].strip() for text in drawn] == ["16", "24"]
    assert stream.getvalue().splitlines()[-1].split("\r")[-1].startswith("24/24")


def test_what_is_never_redrawn_is_told_of_one_batch(ticking):
    stream = io.StringIO()
    bar = logger(stream)
    assert walked(bar, ticking, 24, samples=24 * 32 - 1, batch_size=32) == [0]
    assert stream.getvalue().splitlines()[1].startswith(f"767/767 [{FULL}] - 2s ")


def test_samples_are_counted_batch_by_batch_where_sizes_are_not_known(ticking):
    stream = io.StringIO()
    assert walked(logger(stream), ticking, 3) == [0, 1, 2]
    assert stream.getvalue().splitlines()[1].startswith(f"96/96 [{FULL}]")


def test_who_overrides_the_hook_hears_every_batch(ticking):
    class Louder(ProgbarLogger):
        def on_train_batch_end(self, batch, logs=None):
            super().on_train_batch_end(batch, logs)

    assert walked(Louder("steps", stream=io.StringIO()), ticking, 3, steps=3) == [0, 1, 2]


def test_it_does_not_keep_others_from_hearing_every_batch(ticking):
    told = []
    other = LambdaCallback(on_train_batch_end=lambda batch, logs: told.append(batch))
    walked(logger(io.StringIO(), None, "steps"), ticking, 3, [other], steps=3)
    assert told == [0, 1, 2]


def test_an_epoch_that_is_broken_off_shows_how_far_it_came(ticking):
    stream = io.StringIO()
    bar = logger(stream, None, "steps")
    with Run(SimpleNamespace(), bar, params={"steps": 9}) as run:
        for _ in run.epochs():
            for _ in run.batches(ticking.batches(9)):
                if run.progress.batch == 4:
                    run.stop()
    assert stream.getvalue().splitlines()[1].startswith("5/9 [")


def test_slow_drawing_is_done_less_often(clock):
    class SlowTerminal(Terminal):
        def flush(self):
            clock.now += 0.005

    stream = SlowTerminal()
    bar = logger(stream, clock, "steps", steps=1000, interval=0.5)
    bar.on_epoch_begin(0, {})
    begin = clock.now
    for batch in range(1000):
        clock.now += 0.01
        bar.on_train_batch_end(batch, {})
    drawings = stream.getvalue().count("/1000")
    assert 4 <= drawings < (clock.now - begin) / 0.5 / 2


# --- totals nobody knows ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "unit", "seen"), [("samples", "sample", 64), ("steps", "step", 2)]
)
def test_an_unknown_total_is_counted_up_to_and_known_the_next_time(clock, mode, unit, seen):
    stream = Terminal()
    bar = logger(stream, clock, mode)
    bar.on_epoch_begin(0, {})
    for batch in range(2):
        clock.now += 64
        bar.on_train_batch_end(batch, {"size": 32})
    each = 128 // seen
    assert stream.getvalue().split("\r")[-1] == f"{seen}/Unknown - 128s {each}s/{unit}"
    bar.on_epoch_end(0, {})
    assert (
        stream.getvalue().splitlines()[-1].endswith(f"{seen}/{seen} [{FULL}] - 128s {each}s/{unit}")
    )
    bar.on_epoch_begin(1, {})
    clock.now += 64
    bar.on_train_batch_end(0, {"size": 32})
    assert stream.getvalue().split("\r")[-1] == (
        f"{seen // 2}/{seen} [{'=' * 14}>{'.' * 15}] - ETA: 1:04"
    ).rjust(len(str(seen)))


def test_a_new_training_learns_anew(clock):
    stream = io.StringIO()
    bar = logger(stream)
    epoch(bar, clock, 0, 5, 0.001, {})
    bar.on_train_end({})
    bar.on_train_begin({})
    epoch(bar, clock, 0, 2, 0.001, {})
    assert stream.getvalue().splitlines()[-1].startswith("64/64 [")


def test_a_learned_total_that_was_too_small_is_unknown_again(clock):
    stream = Terminal()
    bar = logger(stream, clock, "steps")
    epoch(bar, clock, 0, 1, 0.001, {})
    bar.on_epoch_begin(1, {})
    for batch in range(2):
        clock.now += 1
        bar.on_train_batch_end(batch, {})
    assert stream.getvalue().split("\r")[-1].startswith("2/Unknown - 2s 1s/step")


def test_the_number_of_steps_follows_from_samples_and_batch_size(clock):
    stream = io.StringIO()
    bar = ProgbarLogger("steps", stream=stream)
    bar.set_params({"samples": 65, "batch_size": 32})
    epoch(bar, clock, 0, 1, 0.001, {})
    assert "1/3 [" in stream.getvalue()


def test_a_batch_of_unknown_size_counts_as_one(clock):
    stream = io.StringIO()
    bar = logger(stream, samples=3)
    bar.on_epoch_begin(0, {})
    for logs in (None, {}, {"loss": 1.0}):
        bar.on_train_batch_end(0, logs)
    bar.on_epoch_end(0, None)
    assert stream.getvalue().splitlines()[1].startswith("3/3 [")


def test_an_epoch_that_is_taken_up_again_is_announced_and_counted_from_there(clock):
    stream = Terminal()
    bar = logger(stream, clock, "steps", steps=10)
    bar.run = SimpleNamespace(progress=SimpleNamespace(epoch=1, batch=6))
    bar.on_train_batch_end(4, {"size": 32})
    clock.now += 2
    bar.on_train_batch_end(5, {"size": 32})
    assert stream.getvalue().startswith("Epoch 2/3\n")
    assert stream.getvalue().split("\r")[-1] == " 6/10 [=================>............] - ETA: 8s"
    bar.on_epoch_end(1, {})
    assert (
        stream.getvalue()
        .splitlines()[-1]
        .endswith(" 6/10 [=================>............] - 2s 2s/step")
    )


# --- evaluation and prediction ----------------------------------------------------------------


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


# --- on a real terminal -----------------------------------------------------------------------


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


# --- where it goes ----------------------------------------------------------------------------


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


# --- arguments --------------------------------------------------------------------------------


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
