"""The sessions of trainings that other libraries own."""

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from numbers import Real
from typing import Any

from onfit.core.judging.decisions import decisions_state, load_decisions
from onfit.core.meter import RunningMeans, as_number
from onfit.core.session import Session
from onfit.core.state import memories, names_of, remember
from onfit.errors import NotReadyError, warn
from onfit.storage.trees import as_bytes, from_bytes


class Hosted(Session):
    """The session of a training that another library owns, and saves in files of its own."""

    _results: RunningMeans | None = None  # of the evaluation that is under way
    _has_validated = False

    def validated_before(self, **values: Any) -> None:
        self._has_validated = True
        super().validated_before(**values)

    def train_end(self, error: BaseException | None = None) -> None:
        """Training is over. Warns if callbacks have waited in vain for a validation, which may come
        in any epoch.
        """
        if error is None and self.params["do_validation"] and not self._has_validated:
            for callback in self.callbacks:
                _warn_of_waiting_in_vain(callback)
        super().train_end(error)

    def epoch_begin(self, epoch: int | None = None) -> None:
        """The trainer's epoch begins, which is none of the session's where that counts steps.

        Raises:
            NotReadyError: if it has begun, and not one batch of it.
        """
        if self._in_steps:
            return
        if self.in_epoch and self.progress.batch == 0:
            raise NotReadyError(
                "an epoch begins twice: the same OnfitCallback stands twice among the callbacks of "
                "this training. List it once."
            )
        super().epoch_begin(epoch)

    def epoch_end(self, **values: Any) -> bool:
        """The trainer's epoch is over. Returns whether the loop has to stop."""
        return self.stopping if self._in_steps else super().epoch_end(**values)

    def evaluation_batch(self, size: int) -> None:
        """A batch of an evaluation is over, of which the trainer tells the end alone."""
        self.evaluation_begin()
        self.test_batch_begin(size)
        self.test_batch_end(size)

    def evaluation_begin(self) -> None:
        """An evaluation begins, unless one is under way. One that the trainer broke off has ended
        with its epoch.
        """
        if self._results is None or self._test is None:
            self._results = RunningMeans()
            self.test_begin(self._results)

    def evaluation_end(self, values: Mapping[str, Any]) -> None:
        """An evaluation is over. It had these values, as the trainer has computed them."""
        self.evaluation_begin()
        numbers = {name: as_number(value) for name, value in values.items()}
        assert self._results is not None
        self._results.add({k: v for k, v in numbers.items() if isinstance(v, Real)}, 1)
        self._results = None
        self.test_end()

    def epoch_over(self, values: Mapping[str, Any]) -> bool:
        """The epoch is over, and so is its validation if there are values of one, under names with
        `val_`. Returns whether the loop has to stop.
        """
        results = {name[4:]: value for name, value in values.items() if name.startswith("val_")}
        self.log({name: value for name, value in values.items() if name[:4] != "val_"})
        if results:
            self.evaluation_end(results)
            self.validated(**results)
        return self.epoch_end()

    def memory(self) -> str:
        """What the callbacks have to remember, as text for the trainer's checkpoint."""
        state = {
            "progress": dict(vars(self.progress)),
            "in_epoch": self.in_epoch,
            "row": self.row_state(),
            "meter": self.parts["meter"].state_dict(),
            "callbacks": memories(self.callbacks),
            "decisions": decisions_state(names_of(self.callbacks)),
        }
        return b64encode(as_bytes(state)).decode()

    def go_on(self, memory: str) -> None:
        """Go on from such a memory. Called after `train_begin`; an epoch that had begun is open
        afterwards, without a second `on_epoch_begin`. One that was saved at its last batch, and
        that the trainer goes on after, ends now.
        """
        first, state = self.progress.epoch, from_bytes(b64decode(memory))
        vars(self.progress).update(state["progress"])
        self.load_row_state(state["row"])
        self.parts["meter"].load_state_dict(state["meter"])
        self._open_epoch = self.progress.epoch if state["in_epoch"] else None
        remember(self.callbacks, state["callbacks"])
        load_decisions(names_of(self.callbacks), state.get("decisions", {}))
        if self.in_epoch and self.progress.epoch < first:
            self.epoch_end()


class SelfEnding(Hosted):
    """The session of a trainer that tells its callbacks of no error: an exception in one of them
    ends the session for all.
    """

    @contextmanager
    def _ending(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            if self.outcome is None:
                self.train_end(error)
            raise

    def epoch_begin(self, epoch: int | None = None) -> None:
        with self._ending():
            super().epoch_begin(epoch)

    def epoch_end(self, **values: Any) -> bool:
        with self._ending():
            return super().epoch_end(**values)

    def batch_begin(self, size: int | None = None) -> None:
        with self._ending():
            super().batch_begin(size)

    def before_optimizer_step(self) -> None:
        with self._ending():
            super().before_optimizer_step()

    def batch_end(self, size: int = 1, **values: Any) -> bool:
        with self._ending():
            return super().batch_end(size, **values)

    def evaluation_begin(self) -> None:
        with self._ending():
            super().evaluation_begin()

    def evaluation_batch(self, size: int) -> None:
        with self._ending():
            super().evaluation_batch(size)

    def evaluation_end(self, values: Mapping[str, Any]) -> None:
        with self._ending():
            super().evaluation_end(values)

    def validated(self, **values: Any) -> bool:
        with self._ending():
            return super().validated(**values)


def _warn_of_waiting_in_vain(callback: Any) -> None:
    monitor = getattr(callback, "monitor", None)
    names = monitor if isinstance(monitor, list | tuple) else [monitor]
    if any(isinstance(name, str) and name.startswith("val_") for name in names):
        warn(
            f"{type(callback).__name__} monitors {monitor!r}, and no validation came within this "
            "training: what validates has not run."
        )
