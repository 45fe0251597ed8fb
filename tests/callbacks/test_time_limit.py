"""TimeLimit: training ends with the batch in which its time is up, and is not over."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from onfit.callbacks import History, TimeLimit
from onfit.core.run import Run
from onfit.errors import ArgumentError


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def walked(limit, clock, seconds_per_batch=1.0, seconds_between=0.0, verbose=0):
    """The batches gone through, and the run."""
    batches = []
    run = Run(SimpleNamespace(), [History(), limit], epochs=4, params={"verbose": verbose})
    with run:
        for epoch in run.epochs():
            for batch in run.batches(range(3), size=lambda batch: 1):
                clock.now += seconds_per_batch
                batches.append((epoch, batch))
            clock.now += seconds_between
    return batches, run


def test_training_stops_with_the_batch_in_which_the_time_is_up():
    clock = Clock()
    batches, run = walked(TimeLimit(5, clock=clock), clock)
    assert batches == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]
    assert run.outcome == "stopped"
    assert run.cut_short


def test_it_stops_at_the_limit_and_not_before():
    clock = Clock()
    assert len(walked(TimeLimit(4.5, clock=clock), clock)[0]) == 5
    assert len(walked(TimeLimit(5.5, clock=clock), clock)[0]) == 6


def test_time_between_batches_counts_too():
    clock = Clock()
    batches, run = walked(TimeLimit(10, clock=clock), clock, seconds_between=7)
    assert batches == [(0, 0), (0, 1), (0, 2)]
    assert not run.cut_short


def test_a_training_within_the_limit_is_complete():
    clock = Clock()
    batches, run = walked(TimeLimit("13 seconds", clock=clock), clock)
    assert len(batches) == 12
    assert run.outcome == "completed"


def test_the_time_begins_with_the_training():
    clock = Clock()
    limit = TimeLimit(5, clock=clock)
    clock.now += 1000
    assert len(walked(limit, clock)[0]) == 5
    assert len(walked(limit, clock)[0]) == 5


def test_it_says_so(capsys):
    clock = Clock()
    walked(TimeLimit("5 seconds", clock=clock), clock, verbose=1)
    assert capsys.readouterr().out == (
        "Stopped in epoch 2 by TimeLimit: its limit of 5 seconds is reached.\n"
    )


def test_the_run_is_to_go_on():
    assert TimeLimit.stop_means == "pause"
    assert TimeLimit("2 hours").state_dict() == {}


@pytest.mark.parametrize(
    ("limit", "seconds"),
    [
        ("2 hours", 7200),
        ("90 minutes", 5400),
        ("0.5 hours", 1800),
        ("hour", 3600),
        (30, 30),
        (0.5, 0.5),
        (timedelta(hours=1, minutes=1), 3660),
    ],
)
def test_a_limit_can_be_said_in_many_ways(limit, seconds):
    clock = Clock()
    begun = TimeLimit(limit, clock=clock)
    begun.set_model(SimpleNamespace(stop_training=False))
    begun.on_train_begin({})
    clock.now = 100 + seconds - 0.25
    begun.on_train_batch_end(0, {})
    assert not begun.model.stop_training
    clock.now = 100 + seconds
    begun.on_train_batch_end(1, {})
    assert begun.model.stop_training


@pytest.mark.parametrize(
    "limit", [0, -1, True, None, "5 epochs", "epoch", timedelta(0), float("nan")]
)
def test_what_is_no_time_is_an_error_that_says_how(limit):
    with pytest.raises(ArgumentError) as caught:
        TimeLimit(limit)
    assert str(caught.value) == (
        f"TimeLimit(limit={limit!r}): it is a time above 0. Pass text such as '2 hours' "
        "or '90 minutes', a number of seconds, or a timedelta."
    )


def test_it_stops_before_the_limit_if_asked():
    clock = Clock()
    assert len(walked(TimeLimit(8, clock=clock, before="3 seconds"), clock)[0]) == 5


@pytest.mark.parametrize(("limit", "before"), [(5, 5), ("1 minute", "2 minutes")])
def test_a_limit_that_leaves_no_time_is_an_error(limit, before):
    with pytest.raises(ArgumentError, match="leaves no time to train"):
        TimeLimit(limit, before=before)


def test_the_end_of_a_slurm_job_is_a_limit(monkeypatch):
    monkeypatch.setattr("onfit.callbacks.time_limit.time.time", lambda: 1000.0)
    monkeypatch.setenv("SLURM_JOB_END_TIME", "1125")
    clock = Clock()
    batches, run = walked(TimeLimit("slurm", clock=clock), clock)  # 125 seconds, and 120 before
    assert len(batches) == 5
    assert run.stop_reason == "the end of its SLURM job is near"
    assert len(walked(TimeLimit("slurm", clock=clock, before=122), clock)[0]) == 3


@pytest.mark.parametrize(("end", "says"), [(None, "has none"), ("soon", "no time in seconds")])
def test_without_an_end_of_slurm_it_is_an_error(monkeypatch, end, says):
    monkeypatch.delenv("SLURM_JOB_END_TIME", raising=False)
    if end is not None:
        monkeypatch.setenv("SLURM_JOB_END_TIME", end)
    with pytest.raises(ArgumentError, match=says):
        TimeLimit("slurm")


@pytest.mark.parametrize("limit", ["", "2 fortnights", "soon"])
def test_text_that_is_no_cadence_is_an_error(limit):
    with pytest.raises(ArgumentError, match=r"^TimeLimit\(limit="):
        TimeLimit(limit)


@pytest.mark.parametrize("limit", ["5 parsecs", "3 epochs", "soon"])
def test_text_that_is_no_time_is_an_error_that_offers_times_alone(limit):
    with pytest.raises(ArgumentError, match=r"a time above 0\. Pass text such as '2 hours'"):
        TimeLimit(limit)
