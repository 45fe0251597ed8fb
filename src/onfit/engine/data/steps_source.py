"""Epochs of a fixed number of batches."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from onfit.engine.data.arrays import Samples
from onfit.engine.data.epoch import require_same
from onfit.engine.data.source import HOW_TO_WALK_AGAIN, Facts, Source
from onfit.errors import ArgumentError, DataError, warn


class StepsSource(Source):
    """A fixed number of another Source's batches per epoch.

    Args:
        batches: the other Source.
        steps: batches per epoch.
        go_on: go on where the last epoch ended, and begin again when all batches were seen;
            else each epoch has the first batches.
    """

    def __init__(self, batches: Source, steps: int, *, go_on: bool = True) -> None:
        if steps < 1:
            raise ArgumentError(f"steps={steps!r}: the number of batches is at least 1.")
        super().__init__(_facts_of(batches.facts, steps))
        self._batches = batches
        self._steps = steps
        self._go_on = go_on
        self._pass = self._in_pass = 0  # which pass through the data, and how far in it
        self._rest = self._passes()

    def first(self) -> Samples:
        return self._batches.first()

    def leave_whole(self, *, in_step: bool) -> None:
        self._batches.leave_whole(in_step=in_step)

    def leave_none_empty(self) -> None:
        self._batches.leave_none_empty()

    def walk(self, index: int, done: int) -> Iterator[Samples]:
        """The next `steps` batches, or the first ones, without the first `done` of them."""
        if not self._go_on:
            epoch = self._batches.epoch(index)
            epoch.begin_after(done)
            self._rest = iter(epoch)
        else:
            self._reach(index * self._steps + done)
        for number in range(done, self._steps):
            batch = next(self._rest, None)
            if batch is None:
                self._say_that_data_ended(index, number)
                return
            yield batch

    def _say_that_data_ended(self, index: int, number: int) -> None:
        """An epoch without a batch is an error; one that is shorter is worth a warning."""
        if not number:
            raise DataError(
                f"the data ended before epoch {index} (counted from 0) of {self._steps} "
                f"batches.{HOW_TO_WALK_AGAIN}"
            )
        warn(
            f"the data ended within an epoch of {self._steps} batches. Give more, or "
            "ask for fewer steps."
        )

    def _reach(self, position: int) -> None:
        """Go to where `position` batches are behind, if a fit begins at a later epoch.

        Only where the order of the data depends on the epoch; a loader goes on from where it is.
        """
        facts = self._batches.facts
        if facts.steps is None or not facts.knows_epochs:
            return
        if self._pass * facts.steps + self._in_pass != position:
            self._pass, self._in_pass = divmod(position, facts.steps)
            self._rest = self._passes()

    def _passes(self) -> Iterator[Samples]:
        """The batches of one pass through the data after the other."""
        while True:
            epoch = self._batches.epoch(self._pass)
            epoch.begin_after(self._in_pass)
            for batch in epoch:
                self._in_pass += 1
                yield batch
            self._pass, self._in_pass = self._pass + 1, 0
            if self.facts.once:
                return

    def state_dict(self) -> dict[str, Any]:
        """How far the data were walked, across epochs."""
        return {
            "steps": self._steps,
            "walk": self._pass,
            "in_walk": self._in_pass,
            "batches": self._batches.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        require_same("steps per epoch", state["steps"], self._steps)
        self._pass, self._in_pass = state["walk"], state["in_walk"]
        self._rest = self._passes()
        self._batches.load_state_dict(state["batches"])


def _facts_of(all_of_it: Facts, steps: int) -> Facts:
    """The facts of `steps` batches. They have a known number of samples if all are full."""
    size, samples = all_of_it.batch_size, all_of_it.samples
    full = size is not None and (samples is None or steps * size <= samples)
    return replace(all_of_it, steps=steps, samples=steps * (size or 0) if full else None)
