"""The clock of the benchmarks: each training's time is measured apart."""

from bench.tape import Tape, Turns

from bench import tape


class Clock:
    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr(tape, "perf_counter", lambda: self.now)

    def train(self, seconds):
        """The losses of a training whose epochs take so long."""
        while True:
            self.now += seconds
            yield 0.5


def test_an_epoch_lasts_from_the_end_of_the_one_before(monkeypatch):
    clock, own = Clock(monkeypatch), Tape()
    for seconds in (3, 1, 2):
        clock.now += seconds
        own.epoch(0.1 * seconds)
    assert own.seconds() == [3, 1, 2]


def test_whoever_takes_turns_has_none_of_the_others_time(monkeypatch):
    clock = Clock(monkeypatch)
    own = Turns(clock.train(10), epochs=2)
    for _ in range(5):
        clock.now += 1
        own.epoch(0.1)
    assert own.seconds() == [1] * 5
    assert own.losses == [0.1] * 5
    assert own.of_other.seconds() == [10] * 4
    assert clock.now == 45


def test_another_training_that_ends_is_waited_for_no_longer(monkeypatch):
    clock = Clock(monkeypatch)
    own = Turns(iter([0.5]), epochs=1)
    for _ in range(3):
        clock.now += 1
        own.epoch(0.1)
    assert own.seconds() == [1] * 3
    assert len(own.of_other.seconds()) == 1
