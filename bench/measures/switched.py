"""What a callback of onfit costs per step, from one training: every other block leaves it out.

The pace of steps varies by a tenth within a second, so two trainings differ by more than the cost
of a callback, even if they take turns. Two blocks of steps, one right after the other, do not.
"""

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


def reader() -> Any:
    """A callback that reads the loss of each batch while it is awake."""
    from onfit.callbacks import Callback

    class Reader(Callback):
        awake = True

        def hears(self, hook: str) -> bool:
            return super().hears(hook) and (self.awake or hook != "on_train_batch_end")

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.last = logs["loss"]

    return Reader()


def bar() -> Any:
    """A bar that is called for batches while it is awake; a drawing that is due before waits.

    It notes in `acted` after which batches it drew.
    """
    from onfit.callbacks import ProgbarLogger

    class Bar(ProgbarLogger):
        awake = True

        def hears(self, hook: str) -> bool:
            return super().hears(hook) and (self.awake or hook != "on_train_batch_end")

        def on_train_begin(self, logs: Any = None) -> None:
            self.acted: set[int] = set()
            super().on_train_begin(logs)

        def _draw(self, *args: Any) -> None:
            self.acted.add(self.run.progress.batch - 1)
            super()._draw(*args)

    return Bar("steps")


def switched(
    work: Any,
    sleeper: Callable[[], Any],
    block: int,
    *,
    steps: int,
    fits: int,
    verbose: int = 0,
) -> dict[str, float]:
    """Seconds per step while a callback hears of batches, while it does not, and their difference.

    Args:
        work: what is trained.
        sleeper: makes the callback, which is put to sleep in every other block.
        block: how many steps a block has.
        steps: how many a training has.
        fits: how many trainings there are, beside a first one that does not count.
        verbose: that of `fit`: 1 if the callback is a bar, which would draw nothing otherwise.
    """
    import onfit
    from bench.models import keras_net

    model = keras_net.build(work, onfit)
    callback = sleeper()
    pairs: list[Pair] = []
    for number in range(1 + fits):
        told_at: list[float] = []
        data = stamped(work, told_at, steps, callback, block)
        model.fit(data, steps_per_epoch=steps, epochs=1, verbose=verbose, callbacks=[callback])
        pairs += in_pairs(told_at, block, getattr(callback, "acted", frozenset())) if number else ()
    plain = median(pair.asleep for pair in pairs)
    extra = median(pair.heard - pair.asleep for pair in pairs) + mean(pair.acts for pair in pairs)
    return {"seconds": plain + extra, "plain": plain, "extra": extra}


def stamped(
    work: Any, told_at: list[float], steps: int, callback: Any, block: int
) -> Iterator[tuple[Any, Any]]:
    """Batches in order, again and again; the time of each request is added to `told_at`.

    Before each block the callback is woken, or put to sleep: the run asks it anew what it hears.
    """
    import torch

    x, y = (torch.as_tensor(data).split(work.batch) for data in (work.x, work.y))
    for index, batch in enumerate(islice(cycle(zip(x, y, strict=True)), steps)):
        told_at.append(perf_counter())
        if index % block == 0 and callback.run is not None:
            callback.awake = index // block % 2 == 0
            callback.run.callbacks.refresh()
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
