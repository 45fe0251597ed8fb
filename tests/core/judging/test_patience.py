"""Patience in numbers and in words, and since when a callback waits."""

import pickle
from types import SimpleNamespace

import pytest

from onfit.core.judging.patience import Patience, Wait
from onfit.core.progress import Progress
from onfit.errors import ArgumentError, NotReadyError


class Clock:
    def __init__(self, monkeypatch):
        self.now = 100.0
        monkeypatch.setattr("onfit.core.judging.patience.time.monotonic", lambda: self.now)


def in_a_session(epoch=0, step=0):
    session = SimpleNamespace(progress=Progress(epoch=epoch, step=step), outcome=None)
    return SimpleNamespace(_session=session)


@pytest.mark.parametrize(
    ("asked", "amount", "unit"),
    [
        (3, 3, "decisions"),
        (0, 0, "decisions"),
        ("30 minutes", 1800, "seconds"),
        ("2_000 steps", 2000, "batches"),
        ("7 batches", 7, "batches"),
        ("5 epochs", 5, "epochs"),
        ("5_000 samples", 5000, "samples"),
        ("7 tokens", 7, "tokens"),
    ],
)
def test_what_a_user_writes_is_read(asked, amount, unit):
    patience = Patience.of(asked, "X")
    assert (patience.amount, patience.unit) == (amount, unit)


@pytest.mark.parametrize("asked", ["soon", "", "-1 steps", "2 weeks"])
def test_text_that_is_no_patience_is_an_error(asked):
    with pytest.raises(ArgumentError, match=r"X\(patience=.*'2000 steps'"):
        Patience.of(asked, "X")


@pytest.mark.parametrize("asked", [-1, None, float("nan"), [3]])
def test_what_is_neither_number_nor_text_is_an_error(asked):
    with pytest.raises(ArgumentError, match="a number of epochs, 0 or more, or text such as"):
        Patience.of(asked, "X")


def test_steps_count_from_where_the_wait_began():
    callback, wait = in_a_session(step=40), Wait()
    wait.begin(callback)
    callback._session.progress.step = 55
    assert wait.waited(Patience.of("100 steps", "X"), callback, decisions=1) == 15


def test_epochs_and_seconds_count_from_there_too(monkeypatch):
    clock, callback, wait = Clock(monkeypatch), in_a_session(epoch=2), Wait()
    wait.begin(callback)
    callback._session.progress.epoch, clock.now = 5, 107.0
    assert wait.waited(Patience.of("9 epochs", "X"), callback, 1) == 3
    assert wait.waited(Patience.of("1 minute", "X"), callback, 1) == 7


def test_a_number_counts_decisions_whatever_the_clock_says():
    assert Wait().waited(Patience.of(3, "X"), in_a_session(), decisions=2) == 2


def test_a_wait_goes_on_in_another_process_with_another_clock(monkeypatch):
    clock, callback, wait = Clock(monkeypatch), in_a_session(), Wait()
    wait.begin(callback)
    clock.now += 20
    state, copy = wait.state_dict(Patience.of("1 minute", "X")), pickle.dumps(wait)
    clock.now = 5.0
    resumed = Wait()
    resumed.load_state_dict(state)
    for each in (resumed, pickle.loads(copy)):
        clock.now = 6.0
        assert each.waited(Patience.of("1 minute", "X"), callback, 0) == pytest.approx(21, abs=1)


def test_a_wait_without_a_begin_begins_when_it_is_asked(monkeypatch):
    clock, wait = Clock(monkeypatch), Wait()
    by_hand = SimpleNamespace(_session=None)
    assert wait.waited(Patience.of("1 minute", "X"), by_hand, 0) == 0
    clock.now += 30
    assert wait.waited(Patience.of("1 minute", "X"), by_hand, 0) == 30


def test_steps_in_a_loop_that_counts_none_are_an_error():
    with pytest.raises(NotReadyError, match="counts batches, and its hooks were called by a loop"):
        Wait().waited(Patience.of("10 steps", "X"), SimpleNamespace(_session=None), 0)


def test_a_state_has_what_the_patience_needs_and_no_more(monkeypatch):
    clock, callback, wait = Clock(monkeypatch), in_a_session(epoch=2, step=40), Wait()
    wait.begin(callback)
    clock.now += 7
    asked = {
        3: None,
        "9 steps": {"batches": 40},
        "9 epochs": {"epochs": 2},
        "1 hour": {"seconds": 7},
    }
    for patience, state in asked.items():
        assert wait.state_dict(Patience.of(patience, "X")) == state


def test_steps_go_on_in_another_process():
    callback, wait = in_a_session(step=40), Wait()
    wait.load_state_dict({"batches": 30})
    assert wait.waited(Patience.of("90 steps", "X"), callback, 0) == 10


@pytest.mark.parametrize("asked", ["10 samples", "10 tokens"])
def test_samples_and_tokens_are_counted_in_a_run_of_steps_alone(asked):
    with pytest.raises(NotReadyError, match="and this training counts none"):
        Wait().waited(Patience.of(asked, "X"), in_a_session(), 0)
