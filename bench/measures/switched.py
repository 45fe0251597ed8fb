"""What a callback of onfit costs per step, from one training: it sleeps in every other block.

The pace of steps varies by a tenth within a second, so two trainings differ by more than the cost
of a callback, even if they take turns. Two blocks of steps, one right after the other, do not.
"""

import math
from collections.abc import Callable, Iterator, Sequence, Set
from itertools import cycle, islice, pairwise
from statistics import mean, median
from time import perf_counter
from typing import Any, NamedTuple


class Pair(NamedTuple):
    """Two blocks of steps, one right after the other, in seconds per step.

    The machine may run at half its speed for a while, and this may begin in the middle of a block:
    so the median stands for a block. It does not contain what a callback does now and then, which
    is counted separately.

    Attributes:
        heard: the median step of the block that the callback hears.
        asleep: the median step of the block that it sleeps through.
        acts: how much longer the steps in which it acts, and those after them, take; divided by
            the number of steps in the block.
    """

    heard: float
    asleep: float
    acts: float


def reader(block: int) -> Any:
    """A callback that reads the loss of each batch in every other block."""
    from onfit.callbacks import Callback

    class Reader(Callback):
        idle_until = 0.0

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.idle_until = 0.0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.last = logs["loss"]
            if (batch + 1) % block == 0:
                self.idle_until = batch + 1 + block + 1

    return Reader()


def bar(block: int) -> Any:
    """A bar that draws in every other block; a drawing that is due while it sleeps waits.

    It notes in `acted` after which batches it was called.
    """
    from onfit.callbacks import ProgbarLogger

    class Bar(ProgbarLogger):
        _due: float | None = None

        def on_train_begin(self, logs: Any = None) -> None:
            self.acted: set[int] = set()
            super().on_train_begin(logs)

        @property
        def idle_until(self) -> float | None:
            return None if self._due is None else awake(self._due, block)

        # Set at the end of each batch that it hears; if it overrode that hook, it would hear all.
        @idle_until.setter
        def idle_until(self, due: float | None) -> None:
            self._due = due
            if due is not None:
                done = self.run.progress.batch
                self._due = max(due, done + 1)
                self.acted.add(done - 1)

    return Bar("steps")


def awake(due: float, block: int) -> float:
    """How many batches must be done before the next one that is due and not in a sleeping block."""
    if math.isinf(due):
        return due
    batch = max(math.ceil(due) - 1, 0)
    which = batch // block
    return (which + 1) * block + 1 if which % 2 else batch + 1


def switched(
    work: Any,
    sleeper: Callable[[int], Any],
    block: int,
    *,
    steps: int,
    fits: int,
    verbose: int = 0,
) -> dict[str, float]:
    """Seconds per step while a callback hears of batches, while it does not, and their difference.

    Args:
        work: what is trained.
        sleeper: makes the callback, which sleeps in every other block.
        block: how many steps a block has.
        steps: how many a training has.
        fits: how many trainings there are, beside a first one that does not count.
        verbose: that of `fit`: 1 if the callback is a bar, which would draw nothing otherwise.
    """
    import onfit
    from bench.models import keras_net

    model = keras_net.build(work, onfit)
    callback = sleeper(block)
    pairs: list[Pair] = []
    for number in range(1 + fits):
        told_at: list[float] = []
        data = stamped(work, told_at, steps)
        model.fit(data, steps_per_epoch=steps, epochs=1, verbose=verbose, callbacks=[callback])
        pairs += in_pairs(told_at, block, getattr(callback, "acted", frozenset())) if number else ()
    plain = median(pair.asleep for pair in pairs)
    extra = median(pair.heard - pair.asleep for pair in pairs) + mean(pair.acts for pair in pairs)
    return {"seconds": plain + extra, "plain": plain, "extra": extra}


def stamped(work: Any, told_at: list[float], steps: int) -> Iterator[tuple[Any, Any]]:
    """Batches in order, again and again; the time of each request is added to `told_at`."""
    import torch

    x, y = (torch.as_tensor(data).split(work.batch) for data in (work.x, work.y))
    for batch in islice(cycle(zip(x, y, strict=True)), steps):
        told_at.append(perf_counter())
        yield batch


def in_pairs(told_at: Sequence[float], block: int, acted: Set[int] = frozenset()) -> Iterator[Pair]:
    """Each block that the callback hears, with the block after it, through which it sleeps.

    The first pair is left out, and so are the first and the last step of each block.

    Args:
        told_at: the times at which the batches were asked for.
        block: how many steps a block has.
        acted: the batches after which the callback acted.
    """
    seconds = [after - before for before, after in pairwise(told_at)]
    for begin in range(2 * block, len(seconds) - 2 * block + 1, 2 * block):
        heard, asleep = (range(at + 1, at + block - 1) for at in (begin, begin + block))
        usual = median(seconds[at] for at in heard)
        longer = [seconds[at] - usual for at in heard if {at, at - 1} & acted]
        yield Pair(usual, median(seconds[at] for at in asleep), sum(longer) / len(heard))
