"""Bounds: values at which training stops at once."""

import math

import pytest

from onfit.core.judging.bounds import Bounds
from onfit.errors import ArgumentError


@pytest.mark.parametrize(
    ("mode", "good_enough", "not_yet"), [("max", [0.9, 0.95], [0.89]), ("min", [0.9, 0.5], [0.91])]
)
def test_a_value_that_is_as_good_as_asked_has_reached_it(mode, good_enough, not_yet):
    bounds = Bounds("x", mode, stop_at=0.9)
    assert all(bounds.reached(value) for value in good_enough)
    assert not any(bounds.reached(value) for value in not_yet)


@pytest.mark.parametrize(
    ("mode", "bad", "fine"), [("max", [0.1, 0.05], [0.11]), ("min", [9.0, 10.0], [8.9])]
)
def test_a_value_that_is_as_bad_as_said_has_diverged(mode, bad, fine):
    bounds = Bounds("x", mode, diverges_at=bad[0])
    assert all(bounds.diverged(value) for value in bad)
    assert not any(bounds.diverged(value) for value in fine)


def test_nan_has_diverged_and_reached_nothing():
    bounds = Bounds("loss", "min", stop_at=0.1, diverges_at=10)
    assert bounds.diverged(math.nan)
    assert not bounds.reached(math.nan)


def test_without_bounds_nothing_stops():
    bounds = Bounds("loss", "min")
    assert (bounds.reached(0.0), bounds.diverged(math.nan)) == ("", "")


@pytest.mark.parametrize(("mode", "good", "bad"), [("min", 5, 1), ("max", 1, 5), ("min", 2, 2)])
def test_a_good_value_that_is_no_better_than_the_bad_one_is_an_error(mode, good, bad):
    with pytest.raises(ArgumentError, match="every value would stop the training"):
        Bounds("x", mode, stop_at=good, diverges_at=bad).check("EarlyStopping")
