"""The line that is redrawn while an epoch runs."""

import io
from types import SimpleNamespace

import pytest
from tests.callbacks.progbar.bars import FULL, Measured, Terminal, epoch, logger

from onfit.callbacks.progbar import ProgbarLogger
from onfit.callbacks.progbar import bar as bar_module
from onfit.core import Run
from onfit.core.logs import Logs

# --- the running line ------------------------------------------------------------------------


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
    logs = Logs.of_batch(Measured({"loss": 2.0, "acc": 0.9}, {"loss": 1.0, "acc": 0.5}), 0, 32)
    clock.now += 1
    bar.on_train_batch_end(0, logs)
    assert stream.getvalue().endswith(" - loss: 1.0000 - acc: 0.9000")


def test_what_a_callback_wrote_into_the_batch_logs_is_shown_too(clock):
    stream = Terminal()
    bar = logger(stream, clock, "steps", steps=9)
    bar.on_epoch_begin(0, {})
    logs = Logs.of_batch(Measured({"loss": 2.0, "norm": 3.0}, {"loss": 1.0}), 0, 32)
    clock.now += 1
    bar.on_train_batch_end(0, logs)
    assert stream.getvalue().endswith(" - loss: 1.0000 - norm: 3.0000")


# --- unknown totals --------------------------------------------------------------------------


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
    bar._session = SimpleNamespace(progress=SimpleNamespace(epoch=1, batch=6))
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
