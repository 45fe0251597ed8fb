"""Trainings turn by turn: what is taken of each."""

from itertools import cycle

import pytest
from bench.measures.pairs import paired


def fits(*seconds):
    return cycle(seconds).__next__


def test_the_difference_is_that_of_quiet_turns():
    # The machine is slow in four of five turns; the first of each is not counted.
    plain = fits(9.0, *(1.0, 3.0, 4.0, 3.0, 4.0) * 4)
    varied = fits(9.0, *(3.0, 4.0, 1.5, 4.0, 3.0) * 4)
    found = paired(plain, varied, 20)
    assert found == {"seconds": 1.5, "plain": 1.0, "extra": 0.5}


def test_a_third_is_measured_once_in_each_turn():
    found = paired(fits(1.0), fits(1.0), 3, fits(4.0, 6.0, 5.0))
    assert found["tuned"] == pytest.approx(4.2)
