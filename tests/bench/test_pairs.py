"""Trainings turn by turn: what is taken of each."""

from itertools import cycle

from bench.measures.pairs import paired, quiet


def fits(*seconds):
    return cycle(seconds).__next__


def test_a_figure_is_the_median_of_the_turns():
    # The first of each is not counted.
    found = paired(fits(9.0, 1.0, 2.0), fits(9.0, 1.5, 2.5), 2)
    assert found == {"seconds": 2.0, "plain": 1.5, "extra": 0.5}


def test_the_difference_is_that_of_quiet_turns():
    # The machine is slow in four of five turns; the first of each is not counted.
    plain = fits(9.0, *(1.0, 3.0, 4.0, 3.0, 4.0) * 4)
    varied = fits(9.0, *(3.0, 4.0, 1.5, 4.0, 3.0) * 4)
    found = paired(plain, varied, 20, typical=quiet)
    assert found == {"seconds": 1.5, "plain": 1.0, "extra": 0.5}
