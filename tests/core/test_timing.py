from types import SimpleNamespace

import pytest

from onfit.callbacks import CallbackList, History
from onfit.core import Callback, Run, Session, listeners, session, timing
from onfit.core.timing import line_of, notable
from onfit.core.walks import passes, recording


class Clock:
    """Goes on by what is slept, and a little by every look at it."""

    now = 0.0

    def __call__(self):
        self.now += 1e-7
        return self.now

    def sleep(self, seconds):
        self.now += seconds


CLOCK = Clock()
sleep = CLOCK.sleep


@pytest.fixture(autouse=True)
def _scripted(monkeypatch):
    for module in (listeners, passes, recording, session, timing):
        monkeypatch.setattr(module, "perf_counter", CLOCK)


class Slow(Callback):
    def on_train_batch_end(self, batch, logs=None):
        sleep(0.004)


class SlowTest(Callback):
    def on_test_batch_end(self, batch, logs=None):
        sleep(0.004)


def slowly(count, seconds):
    for index in range(count):
        sleep(seconds)
        yield [index]


def walked(callbacks, data=0.0, step=0.0, validation=0.0, epochs=1, verbose=0):
    run = Run(SimpleNamespace(), callbacks, epochs=epochs, params={"verbose": verbose})
    with run:
        for _ in run.epochs():
            for _ in run.batches(slowly(5, data)):
                sleep(step)
            for _ in run.validation(slowly(5, 0)):
                sleep(validation)
    return run


@pytest.mark.parametrize("part", ["data", "step", "validation"])
def test_the_time_goes_where_it_was_spent(part):
    report = walked([], **{part: 0.004}).timing.report()
    others = {"data", "step", "validation"} - {part}
    assert 0.02 <= report[part] <= report["total"]
    assert sum(report[other] for other in others) < report[part]


def test_each_callback_has_its_own_time():
    report = walked([Slow(), Slow(), History()]).timing.report()
    assert report["callbacks"].keys() == {"Slow", "Slow/1", "History"}
    assert min(report["callbacks"]["Slow"], report["callbacks"]["Slow/1"]) >= 0.02
    assert report["callbacks"]["History"] < 0.02
    assert report["data"] + report["step"] < 0.02


def test_a_callback_in_validation_is_not_counted_twice():
    report = walked([SlowTest()]).timing.report()
    assert report["callbacks"]["SlowTest"] >= 0.02
    assert report["validation"] < 0.02


def test_the_parts_are_no_more_than_the_whole():
    report = walked([Slow(), SlowTest()], 0.001, 0.001, 0.001).timing.report()
    parts = report["data"] + report["step"] + report["validation"]
    assert parts + sum(report["callbacks"].values()) <= report["total"]


def test_a_second_run_begins_to_count_anew():
    callbacks = CallbackList([Slow()])
    first = walked(callbacks).timing.report()["callbacks"]["Slow"]
    second = walked(callbacks).timing.report()["callbacks"]["Slow"]
    assert second < first + 0.02


def test_the_history_tells_the_timing():
    history = History()
    assert history.timing == {}
    run = walked([history])
    assert history.timing == run.timing.report()


def test_a_callback_without_a_hash_is_timed_too():
    class Equal(Slow):
        __hash__ = None

        def __eq__(self, other):
            return True

    assert walked([Equal(), Equal()]).timing.report()["callbacks"]["Equal/1"] >= 0.02


def test_the_last_line_at_verbose_2_says_where_the_time_went(capsys):
    walked([Slow()], verbose=2)
    assert capsys.readouterr().out.splitlines()[-1].startswith("Time: 0.0 s: callbacks ")


def test_a_short_run_at_verbose_1_says_nothing_of_it(capsys):
    walked([Slow()], verbose=1)
    assert "Slow" not in capsys.readouterr().out


def test_only_what_is_worth_a_word_is_named():
    report = {
        "total": 100.0,
        "data": 4.0,
        "step": 80.0,
        "validation": 0.0,
        "callbacks": {"CSVLogger": 2.0, "TensorBoard": 6.0, "History": 0.1},
    }
    assert line_of(report) == (
        "Time: 100.0 s: step 80%, callbacks 8% (TensorBoard 6%, CSVLogger 2%), data 4%."
    )
    assert notable(report) == "TensorBoard took 6% of the time (6.0 of 100.0 s)."
    assert notable({**report, "total": 9.0}) == ""


def test_a_copy_of_the_history_tells_the_same_timing():
    import copy

    history = History()
    walked([history])
    assert copy.deepcopy(history).timing == history.timing


def test_a_validation_within_a_batch_is_no_part_of_its_step():
    history = History()
    with Run(SimpleNamespace(), [history], params={"verbose": 0}) as run:
        for _ in run.steps([[1], [2]], until="4 steps", validate_every="2 steps"):
            sleep(0.1)
            if run.validation_due:
                for _ in run.validation([[3]]):
                    sleep(5)
    assert history.history["samples_per_second"] == pytest.approx([10, 10], rel=1e-3)
    assert run.timing.step == pytest.approx(0.4, rel=1e-3)
    assert run.timing.validation == pytest.approx(10, rel=1e-3)


@pytest.mark.parametrize("tells_of_batches", [True, False])
def test_a_pushed_run_of_steps_is_as_fast_as_its_batches(tells_of_batches):
    history = History()
    one = Session(SimpleNamespace(), [history])
    one.train_begin()
    sleep(3)
    one.steps_begin()
    for _ in range(4):
        sleep(0.05)
        one.batch_begin(8)
        sleep(0.05)
        one.batch_end(8)
        if one.progress.step % 2 == 0:
            if tells_of_batches:
                one.test_begin()
            sleep(5)
            if tells_of_batches:
                one.test_end()
            one.validated(loss=1.0)
    one.train_end()
    assert history.history["samples_per_second"] == pytest.approx([80, 80], rel=1e-3)
    assert one.timing.validation == pytest.approx(10 if tells_of_batches else 0, rel=1e-3)
