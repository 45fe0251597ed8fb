"""How little the bar does at a batch."""

import io
from types import SimpleNamespace

import pytest
from tests.callbacks.progbar.bars import FULL, Clock, Measured, Terminal, logger, looked_at

from onfit.callbacks import LambdaCallback
from onfit.callbacks.progbar import ProgbarLogger
from onfit.core import Logs, Run


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
@pytest.mark.parametrize("count_mode", ["samples", "steps"])
def test_between_two_drawings_no_value_is_read(clock, stream, count_mode):
    class Unread(Measured):
        def report_batch(self, logs):
            logs.defer(["loss"], lambda: pytest.fail("read"))

        def report_epoch(self, logs, prefix=""):
            pytest.fail("averaged")

    bar = logger(stream(), clock, count_mode, samples=10**6, steps=10**6)
    bar.on_epoch_begin(0, {})
    for batch in range(5):
        bar.on_train_batch_end(batch, Logs.of_batch(Unread({}, {}), batch, 32))


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
    """Train with the bar; return the batches at which it was called."""
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


def test_it_is_drawn_when_the_next_drawing_is_due(ticking):
    stream = Terminal()
    bar = logger(stream, ticking, "steps", interval=1.55)
    walked(bar, ticking, 24, steps=24)
    drawn = [text for text in stream.getvalue().split("\r") if "/24" in text]
    assert [text.split("/")[0].strip() for text in drawn] == ["16", "24"]
    assert stream.getvalue().splitlines()[-1].split("\r")[-1].startswith("24/24")


def test_the_samples_of_a_smaller_last_batch_are_counted_as_they_are(ticking):
    stream = io.StringIO()
    assert walked(logger(stream), ticking, 24, samples=24 * 32, batch_size=32) == list(range(24))
    assert stream.getvalue().splitlines()[1].startswith(f"768/768 [{FULL}] - 2s ")


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
