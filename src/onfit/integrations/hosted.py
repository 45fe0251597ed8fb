"""What the integrations have in common: callbacks in a training that another library owns."""

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from numbers import Real
from typing import Any

from onfit._types import Callbacks
from onfit.callbacks.backup_and_restore import BackupAndRestore
from onfit.core.judging.decisions import decisions_state, load_decisions
from onfit.core.listeners import Listeners
from onfit.core.meter import RunningMeans, as_number
from onfit.core.session import Session
from onfit.core.state import memories, names_of, remember
from onfit.errors import ArgumentError, CapabilityError
from onfit.storage.trees import as_bytes, from_bytes


def listeners_for(callbacks: Callbacks, trainer: str, instead: str) -> Listeners:
    """The callbacks that a user hands to an `OnfitCallback`.

    Args:
        callbacks: a callback, or an iterable of callbacks.
        trainer: what owns the loop, for the error, such as `"Lightning's Trainer"`.
        instead: what to write there in place of `BackupAndRestore`.

    Raises:
        ArgumentError: if there are none.
        ArgumentTypeError: for anything that is not a callback.
        CapabilityError: for `BackupAndRestore`, which has to own the loop.
    """
    if callbacks is None:
        raise ArgumentError(
            "OnfitCallback(callbacks) got no callbacks. Pass a list of onfit's callbacks, such as "
            "OnfitCallback([EarlyStopping(patience=3)])."
        )
    listeners = Listeners(callbacks)
    if any(isinstance(each, BackupAndRestore) for each in listeners):
        raise CapabilityError(
            "BackupAndRestore saves a training and goes on with it, and this one belongs to "
            f"{trainer}. Leave it out, and {instead}."
        )
    return listeners


class Hosted(Session):
    """The session of a training that another library owns, and saves in files of its own."""

    _results: RunningMeans | None = None  # of the evaluation that is under way

    @property
    def training(self) -> bool:
        """Whether training goes on."""
        return self.outcome is None

    def evaluation_batch(self, size: int) -> None:
        """A batch of an evaluation is over, of which the trainer tells the end alone."""
        self.evaluation_begin()
        self.test_batch_begin(size)
        self.test_batch_end(size)

    def evaluation_begin(self) -> None:
        """An evaluation begins, unless one is under way."""
        if self._results is None:
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
        afterwards, without a second `on_epoch_begin`.
        """
        state = from_bytes(b64decode(memory))
        vars(self.progress).update(state["progress"])
        self.load_row_state(state["row"])
        self.parts["meter"].load_state_dict(state["meter"])
        self._open_epoch = self.progress.epoch if state["in_epoch"] else None
        remember(self.callbacks, state["callbacks"])
        load_decisions(names_of(self.callbacks), state.get("decisions", {}))


class SelfEnding(Hosted):
    """The session of a trainer that tells its callbacks of no error: an exception in one of them
    ends the session for all.
    """

    @contextmanager
    def _ending(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            if self.training:
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
