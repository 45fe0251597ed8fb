"""The walks of a loop through batches, and what becomes of them when the loop leaves by `break`.

A generator is closed when the loop leaves it, or much later, if something still holds it (such as
a progress bar around it). It is closed in the same way when an error ends the loop. So a pass only
notes that it was left; it is ended when the loop comes back to the run.
"""

from collections.abc import Callable, Iterable, Iterator
from time import perf_counter
from typing import TYPE_CHECKING, Any

from onfit.core.interrupts import INTERRUPTS, Interrupted
from onfit.core.packages import walk_through, warn_of_order
from onfit.core.resuming import set_epoch
from onfit.core.sizes import learn_lengths
from onfit.errors import NotReadyError

if TYPE_CHECKING:
    from onfit.core.run import Run


class Pass:
    """One walk through batches.

    Args:
        run: the run, whose events the pass pushes.
        size: gives the number of samples in a batch.

    Attributes:
        batch: the batch that the loop has.
        left: whether the loop has let go of the generator.
        over: whether the pass has been ended.
        cut: whether a signal has ended it.
    """

    def __init__(self, run: "Run", size: Callable[[Any], int]) -> None:
        self._run, self._size = run, size
        self.batch: Any = None
        self.note: Callable[[], object] | None = None  # called before each wait for a batch
        self.left = self.over = self.cut = False

    def begin(self, batches: Iterable[Any]) -> Iterable[Any]:
        """The pass begins. Returns the batches to give to the loop."""
        raise NotImplementedError

    def batch_begin(self) -> None:
        """The loop is about to get the batch."""
        raise NotImplementedError

    def batch_end(self) -> bool:
        """The loop is done with the batch. Returns whether the pass ends there."""
        raise NotImplementedError

    def leave(self) -> None:
        """The loop left by `break` while it had the batch."""
        raise NotImplementedError

    def cut_off(self) -> None:
        """A signal came between two batches. The run is saved as it was after the last one."""
        self.cut = True
        self._run.cut_off()

    def end(self, *, failed: bool = False) -> None:
        """The batches are over, or an error came out of them."""
        raise NotImplementedError


class TrainingPass(Pass):
    """A walk through the training batches of an epoch."""

    def begin(self, batches: Iterable[Any]) -> Iterable[Any]:
        self._run._since = perf_counter()
        self._begins = self._run.callbacks.hear("on_train_batch_begin")
        learn_lengths(self._run.params, batches)
        set_epoch(batches, self._run.progress.epoch)
        if self._run.keepers and self._run.progress.step == 0:
            warn_of_order(batches)
        if self._run.keepers and not getattr(batches, "in_memory", False):
            # Loading draws numbers. What a signal cuts off is loaded again, from these.
            self.note = self._run.note_generators
        return self._run.walk.begin(batches, self._run.progress.batch)

    def batch_begin(self) -> None:
        self._run._batch = self.batch
        self._run.batch_begin(self._size(self.batch) if self._begins else None)
        if self.note is not None:
            self._run.before = {}

    def batch_end(self) -> bool:
        return self._run.batch_end(self._size(self.batch))

    def leave(self) -> None:
        if self._run._batch_values:  # something was logged for the batch: it counts
            self._run.walk.leave()
            self._run.batch_end(self._size(self.batch))
        self._run._batch_values = None

    def end(self, *, failed: bool = False) -> None:
        self._run._batch = None
        self._run.walk.end()


class ValidationPass(Pass):
    """A walk through the validation batches of an epoch."""

    def begin(self, batches: Iterable[Any]) -> Iterable[Any]:
        self._run.note_generators()
        self._run.test_begin()
        return walk_through(batches)

    def batch_begin(self) -> None:
        self._run.test_batch_begin(self._size(self.batch))

    def batch_end(self) -> bool:
        self._run.test_batch_end(self._size(self.batch))
        return False

    def leave(self) -> None:
        if self._run._open_test.values:
            self.batch_end()

    def end(self, *, failed: bool = False) -> None:
        if failed:
            self._run._test = None
            return
        results = self._run.test_end()
        if not self._run.cut_short and not self.cut:
            self._run.before = {}
            self._run.validated(**results)


class Passes:
    """The passes of a run that have begun and are not over, the innermost last."""

    def __init__(self) -> None:
        self._open: list[Pass] = []

    def through(self, batches: Iterable[Any], one: Pass) -> Iterator[Any]:
        """Yield the batches of a pass.

        Raises:
            NotReadyError: if the loop comes back to a pass that the run has ended.
        """
        self.end_before(type(one))
        self._open.append(one)
        try:
            for batch in _awaited(batches, one):
                one.batch = batch
                one.batch_begin()
                yield batch
                if one.over:
                    raise NotReadyError(_MOVED_ON)
                if self._open[-1] is not one:
                    self._end_inside(one)
                if one.batch_end():
                    break
        except GeneratorExit:
            one.left = True
            raise
        except Interrupted:  # while a batch was waited for
            one.cut_off()
        except BaseException:
            self._abandon(one)
            raise
        self._open.remove(one)
        one.end()

    def end_before(self, kind: type[Pass]) -> None:
        """End what a new pass of this kind cannot be in: only a validation may begin within another
        pass, and only within a training one.
        """
        self.end_left()
        while self._open and type(self._open[-1]) in (kind, ValidationPass):
            self._end_innermost()

    def end_left(self) -> None:
        """End the innermost passes that the loop has left."""
        while self._open and self._open[-1].left:
            self._end_innermost()

    def _end_inside(self, one: Pass) -> None:
        """End the passes inside of `one`: the loop has left them, since it is back in `one`."""
        while self._open[-1] is not one:
            self._end_innermost()

    def end_all(self) -> None:
        """End every pass: the epoch ends."""
        while self._open:
            self._end_innermost()

    def _end_innermost(self) -> None:
        one = self._open.pop()
        one.over = True
        one.leave()
        one.end()

    def _abandon(self, one: Pass) -> None:
        """An error came in a pass: forget what was logged there, and in the passes inside of it."""
        while one in self._open:
            inner = self._open.pop()
            inner.over = True
            inner.end(failed=True)


def _awaited(batches: Iterable[Any], one: Pass) -> Iterable[Any]:
    """The batches of a pass. For those in memory nothing waits that a signal could end."""
    walk = one.begin(batches)
    return walk if getattr(batches, "in_memory", False) else INTERRUPTS.awaited(walk, one.note)


_MOVED_ON = (
    "the loop asked for a further batch of a walk that had been ended: another walk through "
    "run.batches(...) began meanwhile, or the epoch ended. To walk through two loaders side by "
    "side, write: for a, b in run.batches(zip(first, second)):"
)
