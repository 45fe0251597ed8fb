"""Callbacks that sleep in every other block: when they wake, and what is taken of the blocks."""

import math
from itertools import accumulate
from statistics import median

import pytest
from bench.measures import hooks
from bench.measures.switched import awake, bar, in_pairs

from onfit.callbacks import ProgbarLogger


@pytest.mark.parametrize(
    ("due", "found"),
    [
        (0.0, 1),  # batch 0 is the first that is heard
        (3.0, 3),
        (3.2, 4),
        (4.0, 4),  # batch 3, the last of its block
        (5.0, 9),  # batches 4 to 7 are slept through
        (8.0, 9),
        (9.0, 9),
        (math.inf, math.inf),
    ],
)
def test_what_is_due_while_it_sleeps_is_heard_when_it_wakes(due, found):
    assert awake(due, block=4) == found


def test_a_pair_is_a_block_that_is_heard_and_the_one_after_it():
    aside = [9.0, 9.0, 9.0, 9.0]
    heard, asleep = [9.0, 2.0, 2.0, 9.0], [9.0, 1.0, 1.0, 9.0]
    times = [0.0, *accumulate(aside + aside + heard + asleep)]
    assert list(in_pairs(times, 4, median)) == [pytest.approx((2.0, 1.0))]


def test_a_bar_that_hears_every_batch_never_sleeps():
    drawn = bar(block=4)
    drawn.idle_until = None
    assert drawn.idle_until is None
    drawn.idle_until = 5.0
    assert drawn.idle_until == 9


def test_the_bar_that_is_measured_is_drawn(monkeypatch):
    drawings = []
    draw = ProgbarLogger._draw

    def counted(self, *args):
        drawings.append(self)
        draw(self, *args)

    monkeypatch.setattr(ProgbarLogger, "_draw", counted)
    hooks.within_one_fit("bar", hooks.small("deep", "bar", quick=True), quick=True)
    assert drawings
