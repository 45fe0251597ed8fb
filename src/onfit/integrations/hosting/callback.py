"""The base of every `OnfitCallback`."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from onfit._types import Callbacks
from onfit.callbacks.backup_and_restore import BackupAndRestore
from onfit.callbacks.csv_logger import CSVLogger
from onfit.callbacks.model_checkpoint import ModelCheckpoint
from onfit.callbacks.remote_monitor import RemoteMonitor
from onfit.callbacks.tensorboard import TensorBoard
from onfit.core.callback import Callback
from onfit.core.console import say
from onfit.core.listeners import Listeners
from onfit.core.representation import checked_arguments
from onfit.errors import ArgumentError, CapabilityError
from onfit.integrations.hosting.owners import Owner
from onfit.integrations.hosting.sessions import Hosted, SelfEnding

_WRITERS = (CSVLogger, ModelCheckpoint, RemoteMonitor, TensorBoard)


def listeners_for(callbacks: Callbacks, owner: Owner) -> Listeners:
    """The callbacks that a user hands to an `OnfitCallback`.

    Args:
        callbacks: a callback, or an iterable of callbacks.
        owner: what owns the loop.

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
            f"{owner.name}. Leave it out, and {owner.instead}."
        )
    return listeners


def without_files(callbacks: Iterable[Callback]) -> list[Callback]:
    """The callbacks but those that write files or post; a line says which are left out. A short
    trial would replace the best model of an earlier training.
    """
    left_out = [one for one in callbacks if isinstance(one, _WRITERS)]
    if left_out:
        names = ", ".join(type(one).__name__ for one in left_out)
        say(f"Left out of this trial, since they leave files: {names}.")
    return [one for one in callbacks if one not in left_out]


class Hosting:
    """The part of every `OnfitCallback` that has the callbacks and the session of the training.

    A subclass has the methods that its library calls, each of which tells the session of an event.

    Args:
        callbacks: onfit's callbacks, called in this order.
    """

    owner: ClassVar[Owner]
    kind: ClassVar[type[Hosted]] = SelfEnding
    _session: Any = None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            cls.__init__ = checked_arguments(cls.__init__)  # type: ignore[method-assign]

    @checked_arguments
    def __init__(self, callbacks: Callbacks) -> None:
        self.callbacks: Callbacks = list(listeners_for(callbacks, self.owner))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_session"}

    @property
    def session(self) -> Any:
        """The `onfit.Session` of the training, or of the last one; None before the first."""
        return self._session

    @property
    def running(self) -> Any:
        """The session, while the training goes on; else None."""
        session = self._session
        return session if session is not None and session.outcome is None else None

    def begin(
        self,
        model: Any,
        *,
        in_steps: bool = False,
        memory: str | None = None,
        trial: bool = False,
        **settings: Any,
    ) -> Any:
        """A training begins, or goes on. Returns its session.

        Args:
            model: the model that is trained.
            in_steps: whether the training counts steps and has no epochs.
            memory: what `Hosted.memory` gave in the training that this one goes on with.
            trial: whether the training only tries the program, and shall leave no files.
            **settings: further arguments of the session.
        """
        listeners = listeners_for(self.callbacks, self.owner)
        if trial:
            listeners = Listeners(without_files(listeners))
        self._session = session = self.kind(model, listeners, **settings)
        session.train_begin()
        if in_steps:
            session.steps_begin()
        if memory is not None:
            session.go_on(memory)
        return session

    def end(self, error: BaseException | None = None) -> None:
        """The training is over, unless that is known: an exception in a callback has ended it."""
        if session := self.running:
            session.train_end(error)

    def end_early(self, why: str) -> None:
        """The training is over before its time. What owns the loop has ended it, unless a callback
        of onfit's has asked for that.
        """
        if (session := self.running) and not session.stopping:
            session.stop(why, by=self.owner.name)
        self.end()

    # --- an evaluation, which may also come outside of the training ------------------------------

    def evaluation_begin(self) -> None:
        """An evaluation begins."""
        if session := self.running:
            session.evaluation_begin()

    def evaluation_batch_begin(self, size: int) -> None:
        """A batch of an evaluation begins."""
        if session := self.running:
            session.test_batch_begin(size)

    def evaluation_batch_end(self, size: int) -> None:
        """A batch of an evaluation is over."""
        if session := self.running:
            session.test_batch_end(size)

    def evaluation_batch(self, size: int) -> None:
        """A batch of an evaluation is over, of which the trainer tells the end alone."""
        if session := self.running:
            session.evaluation_batch(size)

    def evaluation_over(self, values: Mapping[str, Any]) -> bool:
        """An evaluation is over, with these values: a validation, if it came within an epoch.
        Returns whether the loop has to stop.
        """
        session = self.running
        if session is None:
            return False
        session.evaluation_end(values)
        return bool(session.in_epoch and session.validated(**values))
