"""onfit's callbacks in the engines of PyTorch-Ignite."""

from typing import Any

from ignite.engine import Engine, Events

from onfit._types import Callbacks
from onfit.core.sizes import batch_size
from onfit.errors import NotReadyError
from onfit.integrations.hosting import Hosted, Hosting, of_ignite
from onfit.integrations.hosting.owners import IGNITE
from onfit.integrations.hosting.values import numbers_in


class OnfitCallback(Hosting):
    """Calls onfit's callbacks at the events of a trainer, where they do what they do in
    `onfit.Run`.

    `logs` have `loss`: the mean over samples of what the process function returned, if it is a
    number; of a dict all its numbers, under their names. They have the trainer's metrics under
    their names, and the evaluator's as `val_` values: of each run of the evaluator within an epoch,
    in a handler of any event, whenever it was attached. Callbacks decide at the end of each epoch.
    `trainer.run(..., max_iters=)` is a run of steps, as `onfit.Run.steps`: they decide at each run
    of the evaluator.

    Args:
        callbacks: onfit's callbacks, called in this order.
        model: the torch module that is trained.
        optimizer: its optimizer, or a list of several, so that callbacks can set the learning rate.

    Attributes:
        session: the `onfit.Session` of the training.

    Raises:
        CapabilityError: for `BackupAndRestore`; and when training begins, if the model lacks what
            a callback needs.

    Example:
        >>> import torch
        >>> from onfit.callbacks import EarlyStopping
        >>> trainer, evaluator = (Engine(lambda engine, batch: 0.0) for _ in range(2))
        >>> onfit_callback = OnfitCallback([EarlyStopping(patience=3)], model=torch.nn.Linear(1, 1))
        >>> onfit_callback.attach(trainer, evaluator)
    """

    owner, kind = IGNITE, Hosted
    _trainer: Any = None
    _listens = False

    def __init__(self, callbacks: Callbacks, model: Any, optimizer: Any = None) -> None:
        super().__init__(callbacks)
        self.model, self.optimizer = model, optimizer

    def attach(self, trainer: Engine, evaluator: Engine | None = None) -> None:
        """Listen to the events of these engines.

        Args:
            trainer: the engine that trains the model.
            evaluator: the engine that validates it, if one does.

        Raises:
            ArgumentTypeError: for anything that is no engine.
            ArgumentError: for the trainer as evaluator.
            NotReadyError: if it is attached already.
        """
        of_ignite.check_engines(trainer, evaluator)
        if self._trainer is not None:
            raise NotReadyError(
                "this OnfitCallback is attached to a trainer. Make one for each trainer."
            )
        self._trainer, self._validates = trainer, evaluator is not None
        trainer.add_event_handler(Events.STARTED, self._begin)
        if evaluator is not None:
            of_ignite.follow_evaluations(self, evaluator, self._stop_if)

    def _begin(self, trainer: Engine) -> None:
        if not self._listens:  # only now, so that these handlers come after the user's own
            self._listen(trainer)
        settings = of_ignite.settings_of(trainer, self._validates)
        session = self.begin(self.model, optimizer=self.optimizer, **settings)
        self._stop_if(session.stopping)

    def _listen(self, trainer: Engine) -> None:
        self._listens = True
        trainer.add_event_handler(Events.EPOCH_STARTED, self._begin_epoch)
        trainer.add_event_handler(Events.ITERATION_STARTED, self._begin_batch)
        trainer.add_event_handler(Events.ITERATION_COMPLETED, self._end_batch)
        self._last = trainer.add_event_handler(Events.EPOCH_COMPLETED, self._end_epoch)
        trainer.add_event_handler(Events.TERMINATE, lambda: self.end_early("it was terminated"))
        trainer.add_event_handler(Events.COMPLETED, lambda: self.end())
        trainer.add_event_handler(Events.EXCEPTION_RAISED, self._fail)

    def _begin_epoch(self, trainer: Engine) -> None:
        self._last.remove()  # and again after what was attached since, which may validate
        self._last = trainer.add_event_handler(Events.EPOCH_COMPLETED, self._end_epoch)
        self.session.epoch_begin()

    def _begin_batch(self, trainer: Engine) -> None:
        self.session.batch_begin(batch_size(trainer.state.batch))

    def _end_batch(self, trainer: Engine) -> None:
        size, values = batch_size(trainer.state.batch), of_ignite.numbers_of(trainer)
        self._stop_if(self.session.batch_end(size, **values))

    def _end_epoch(self, trainer: Engine) -> None:
        if self.session.in_epoch:
            self._stop_if(self.session.epoch_end(**numbers_in(trainer.state.metrics)))

    def _fail(self, trainer: Engine, error: BaseException) -> None:
        self.end(error)
        if of_ignite.raises_errors(trainer, self):  # as the engine would without this handler
            raise error
        trainer.terminate()

    def _stop_if(self, asked: bool) -> None:
        if asked:
            self._trainer.terminate()
