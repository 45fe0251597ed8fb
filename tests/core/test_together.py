"""How often processes that train together meet, told by one process and a scripted other one."""

from types import SimpleNamespace
from typing import Any

import pytest

from onfit.callbacks import Callback
from onfit.core.processes import Processes
from onfit.core.session import Session
from onfit.core.walks import recording, together

EVERY_BATCH = together._FIRST  # the bit of a process that can do without the others for one batch


class Two(Processes):
    """This process, and another one that trains alike. Notes the batches at which they meet."""

    world = 2

    def __init__(self, other: int | None = None) -> None:
        self.met: list[int] = []
        self.other = other
        self.session: Any = None

    def bits_of_all(self, bits: int) -> int:
        if bits & together._WALKS:
            self.met.append(self.session.progress.step)
        return bits if self.other is None else bits | self.other

    def of_all(self, value: Any, at: str = "") -> list[Any]:
        return [value, value]


class Clock:
    """Goes on by a batch's seconds whenever one is over."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def meetings(
    monkeypatch: pytest.MonkeyPatch,
    batches: int,
    seconds: Any,
    *callbacks: Callback,
    other: int | None = None,
) -> list[int]:
    both, clock = Two(other), Clock()
    monkeypatch.setattr(recording, "processes", lambda: both)
    monkeypatch.setattr(together, "perf_counter", clock)
    session = both.session = Session(SimpleNamespace(), list(callbacks))
    session.train_begin()
    session.epoch_begin()
    for batch in range(batches):
        clock.now += seconds(batch) if callable(seconds) else seconds
        session.batch_end(1, loss=1.0)
    return both.met


def test_the_time_between_meetings_doubles_up_to_32_short_batches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert meetings(monkeypatch, 130, 0.001) == [1, 3, 7, 15, 31, 63, 95, 127]


def test_batches_of_a_tenth_of_a_second_leave_four_between_meetings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert meetings(monkeypatch, 20, 0.1) == [1, 3, 7, 11, 15, 19]


def test_after_a_long_batch_they_meet_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert meetings(monkeypatch, 5, 3.0) == [1, 2, 3, 4, 5]


def test_batches_that_become_longer_bring_meetings_closer(monkeypatch: pytest.MonkeyPatch) -> None:
    met = meetings(monkeypatch, 18, lambda batch: 0.001 if batch < 7 else 0.4)
    assert met == [1, 3, 7, 15, 16, 17, 18]


def test_a_process_with_long_batches_is_met_after_each(monkeypatch: pytest.MonkeyPatch) -> None:
    assert meetings(monkeypatch, 4, 0.001, other=EVERY_BATCH) == [1, 2, 3, 4]


def test_a_callback_that_hears_batches_is_heard_after_each(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hears(Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            pass

    assert meetings(monkeypatch, 4, 0.001, Hears()) == [1, 2, 3, 4]
