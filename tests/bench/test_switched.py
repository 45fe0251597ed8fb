"""Callbacks that sleep in every other block: when they wake, and what is taken of the blocks."""

from itertools import accumulate

import pytest
from bench.measures import hooks
from bench.measures.switched import bar, in_pairs, stamped
from bench.models import keras_net

import onfit
from onfit.callbacks import ProgbarLogger


def in_order(*seconds):
    """The times of requests for batches whose steps take so long, after a pair that is left out."""
    return [0.0, *accumulate([9.0] * 12 + list(seconds))]


def test_a_pair_is_a_block_that_is_heard_and_the_one_after_it():
    heard, asleep = [9.0, 2.0, 3.0, 2.0, 2.0, 9.0], [9.0, 1.0, 1.0, 1.0, 4.0, 9.0]
    assert list(in_pairs(in_order(*heard, *asleep), 6)) == [pytest.approx((2.0, 1.0, 0.0))]


def test_steps_in_which_a_callback_acts_are_shared_out_over_their_block():
    heard, asleep = [9.0, 2.0, 2.0, 6.0, 3.0, 9.0], [9.0, 1.0, 1.0, 1.0, 1.0, 9.0]
    (pair,) = in_pairs(in_order(*heard, *asleep), 6, {2, 15})
    assert pair == pytest.approx((2.5, 1.0, (3.5 + 0.5) / 4))


def test_a_bar_is_called_for_batches_in_every_other_block_and_notes_where_it_drew():
    steps, block = 2_000, 50
    work = hooks.small("deep", "bar", quick=True)
    model, drawn = keras_net.build(work, onfit), bar()
    drawn.interval = 0  # a drawing is always due

    with hooks.unseen_terminal():
        data = stamped(work, [], steps, drawn, block)
        model.fit(data, steps_per_epoch=steps, verbose=1, callbacks=[drawn])
    assert len(drawn.acted) > block
    assert [batch for batch in sorted(drawn.acted) if batch // block % 2] == []


def test_the_bar_that_is_measured_is_drawn(monkeypatch):
    drawings = []
    draw = ProgbarLogger._draw

    def counted(self, *args):
        drawings.append(self)
        draw(self, *args)

    monkeypatch.setattr(ProgbarLogger, "_draw", counted)
    hooks.within_one_fit("bar", hooks.small("deep", "bar", quick=True), quick=True)
    assert drawings
