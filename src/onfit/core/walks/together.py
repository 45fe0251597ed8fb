"""A training of several processes: at the same places all of them take the same decisions."""

import math
from time import perf_counter
from typing import TYPE_CHECKING, Any

from onfit.core.callback import Callback
from onfit.core.faces import OF_WEIGHTS, CanResume, HasLearningRate, HasWeights, is_divided
from onfit.core.logs import Logs
from onfit.core.meter import AddsUp, Meter
from onfit.core.processes import Processes, means_of
from onfit.core.stop import Stop
from onfit.core.walks.alike import Alike, differences
from onfit.errors import ArgumentError

if TYPE_CHECKING:
    from onfit.core.walks.recording import Recording

_AT_BATCHES = ("on_train_batch_begin", "on_before_optimizer_step", "on_train_batch_end")

# What the callbacks need that change a model, or save its run.
_OF_WHAT_TRAINS = (HasWeights, HasLearningRate, CanResume)

# What a process says to the others after a batch.
_ASKS, _SAVES, _WALKS, _CHANGED = 1, 2, 4, 8
# One bit after these says for how many batches it can do without them: 1, 2, 4 ... 32.
_FIRST, _LONGEST = 16, 5
_SECONDS = 0.5  # within which they meet, unless a batch takes longer


class Together:
    """Keeps a session in step with those of the other processes.

    A stop that one process asks for counts in all of them, from the next place on at which they
    meet: after a batch, and at both ends of an epoch. So none of them waits for one that has ended.
    They meet after each batch if a callback hears batches; else every half second, or every 32
    batches if that is sooner, so that short batches do not spend their time on it.

    Args:
        session: the session of this process.
        processes: this process and the others.

    Attributes:
        save_wanted: whether this process asks all of them to save the run.
        alike: compares what training uses in each of them.
    """

    def __init__(self, session: "Recording", processes: Processes) -> None:
        self._session, self._processes = session, processes
        self._power = self._left = 0  # they meet after 2**_power batches; _left are still to come
        self._met = 0.0  # when they met last
        self._at_each_batch = False
        self.save_wanted = False
        self.alike = Alike(processes, session.model, required=session.shares_batches)

    def require_same_callbacks(self) -> None:
        """Compare the callbacks that have to be in all processes. The weights go apart, or one
        process waits for the others, where some of them lack one.

        Raises:
            ArgumentError: in all processes, naming these callbacks.
        """
        callbacks, in_pieces = self._session.callbacks, is_divided(self._session.model)
        names = [type(each).__name__ for each in callbacks if _concerns_all(each, in_pieces)]
        found = differences(self._processes.of_all({"callbacks": names}, "the first hook"))
        if found:
            raise ArgumentError(
                "what changes the model, reads weights that lie in pieces, or saves the run has to "
                f"be among the callbacks of every process that trains with the others: {found}. "
                "Pass these to all; files and printed lines come from the main one alone anyway."
            )

    def after_batch(self) -> None:
        """A training batch is over. Whether it is time to meet is known since they met last."""
        self._left -= 1
        if not self._left:
            changed = self._at_each_batch and self._session.has_changed()
            self._meet(_WALKS | (_CHANGED if changed else 0))

    def arrive(self) -> None:
        """The batches of this process are over: wait for those that have more of them."""
        while self._meet() & _WALKS:
            pass

    def agree(self) -> None:
        """Let stops count that were asked for since the processes met last. All are here; the first
        time, every `on_train_begin` has been called.
        """
        if not self._met:
            callbacks = self._session.callbacks
            heard = [each.callback for hook in _AT_BATCHES for each in callbacks.of(hook)]
            self._at_each_batch = any(not type(callback).main_process_only for callback in heard)
            self.alike.compare()
        self._meet()

    def _meet(self, says: int = 0) -> int:
        """Meet the others. Returns what any of them says."""
        session = self._session
        power = self._affordable() if says & _WALKS else self._power
        says |= _ASKS if self._asks() else 0
        says |= _SAVES if self.save_wanted else 0
        said = self._processes.bits_of_all(says | _FIRST << power)
        self._part(said // _FIRST)
        if said & _ASKS:
            self._adopt()
        if said & _SAVES:
            self.save_wanted = False
            for keeper in () if session.pausing else session.keepers:
                keeper.pause()
        if said & _CHANGED:
            self.alike.compare()
        return said

    def _affordable(self) -> int:
        """For how many batches this process can do without the others, as a power of 2. The time
        doubles at most, since the next batches may take longer.
        """
        if self._at_each_batch:
            return 0
        seconds = (perf_counter() - self._met) / 2**self._power
        batches = max(1, _SECONDS / max(seconds, 1e-9))
        return min(int(math.log2(batches)), self._power + 1, _LONGEST)

    def _part(self, powers: int) -> None:
        """All have said how long they can do without the others: the shortest time counts."""
        self._power = (powers & -powers).bit_length() - 1
        self._left, self._met = 2**self._power, perf_counter()

    def _asks(self) -> bool:
        """Whether something in this process asks for a stop, if only by the model's flag."""
        session = self._session
        if not session._stops and not session._asked and session.model.stop_training:
            session._asked.append(Stop())
        return bool(session._asked)

    def _adopt(self) -> None:
        """Let the stops count that any process asks for."""
        session = self._session
        mine = list(session._asked)
        found = self._processes.of_all(mine, "a stop")
        del session._asked[: len(mine)]  # a signal may have added one meanwhile
        session._stops += [stop for stops in found for stop in stops]
        session.model.stop_training = True


def _concerns_all(callback: Callback, in_pieces: bool) -> bool:
    """Whether one of onfit's callbacks, or a subclass of it, acts on what trains; or reads weights
    that lie in pieces, in which all take part.
    """
    ours = any(kind.__module__.startswith("onfit.callbacks") for kind in type(callback).__mro__)
    needs = callback.needs() if ours and callable(callback.needs) else ()
    protocols = (*_OF_WHAT_TRAINS, *(OF_WEIGHTS if in_pieces else ()))
    return any(need.protocol in protocols for need in needs)


def is_called_in_main_alone(run: "Recording | None") -> bool:
    """Whether a run is calling a callback that only the main process calls."""
    called = None if run is None else run.callbacks.called
    return called is not None and called.main_process_only


def logs_of(
    meter: Meter,
    values: dict[str, Any],
    processes: Processes,
    at: str,
    alike: Alike | None = None,
) -> Logs:
    """The means of a meter over the samples of all processes, and other values.

    Args:
        meter: what measured the batches of this process. Of one that cannot add up its sums with
            those of others, all get the means of the main process.
        values: what was logged beside the batches: all get the means over the processes.
        processes: this process and the others.
        at: the place of the training.
        alike: compares what else has to be the same in all.

    Raises:
        ArgumentError: in all processes, if that differs.
    """
    if processes.world == 1:
        logs = Logs.of_epoch(meter)
        logs.update(values)
        return logs
    mine = meter.sums() if isinstance(meter, AddsUp) else dict(Logs.of_epoch(meter))
    mark = None if alike is None else alike.mark()
    sums, others, marks = zip(*processes.of_all((mine, values, mark), at), strict=True)
    if alike is not None:
        alike.check(marks)
    logs = Logs()
    if isinstance(meter, AddsUp):
        meter.report_sums(logs, sums)
    else:
        logs.update(sums[0])
    logs.update(means_of(others))
    return logs
