"""onfit's callbacks in the engines of PyTorch-Ignite."""

from typing import Any

from ignite.engine import Engine, Events

from onfit._types import Callbacks
from onfit.core.sizes import batch_size
from onfit.errors import NotReadyError
from onfit.integrations.hosting import Hosted, Hosting
from onfit.integrations.hosting.of_ignite import numbers_of, raises_errors, settings_of
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
        >>> trainer = evaluator = Engine(lambda engine, batch: 0.0)
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
            NotReadyError: if it is attached already.
        """
        if self._trainer is not None:
            raise NotReadyError(
                "this OnfitCallback is attached to a trainer. Make one for each trainer."
            )
        self._trainer = trainer
        trainer.add_event_handler(Events.STARTED, self._begin)
        if evaluator is not None:
            evaluator.add_event_handler(Events.STARTED, lambda: self.evaluation_begin())
            evaluator.add_event_handler(Events.ITERATION_COMPLETED, self._end_evaluation_batch)
            evaluator.add_event_handler(Events.COMPLETED, self._end_evaluation)

    # --- the trainer ---------------------------------------------------------------------------

    def _begin(self, trainer: Engine) -> None:
        if not self._listens:  # only now, so that these handlers come after the user's own
            self._listen(trainer)
        session = self.begin(self.model, optimizer=self.optimizer, **settings_of(trainer))
        self._stop_if(session.stopping)

    def _listen(self, trainer: Engine) -> None:
        self._listens = True
        trainer.add_event_handler(Events.EPOCH_STARTED, lambda: self.session.epoch_begin())
        trainer.add_event_handler(Events.ITERATION_STARTED, self._begin_batch)
        trainer.add_event_handler(Events.ITERATION_COMPLETED, self._end_batch)
        trainer.add_event_handler(Events.EPOCH_COMPLETED, self._end_epoch)
        trainer.add_event_handler(Events.TERMINATE | Events.COMPLETED, lambda: self.end())
        trainer.add_event_handler(Events.EXCEPTION_RAISED, self._fail, raises_errors(trainer))

    def _begin_batch(self, trainer: Engine) -> None:
        self.session.batch_begin(batch_size(trainer.state.batch))

    def _end_batch(self, trainer: Engine) -> None:
        size, values = batch_size(trainer.state.batch), numbers_of(trainer)
        self._stop_if(self.session.batch_end(size, **values))

    def _end_epoch(self, trainer: Engine) -> None:
        if self.session.in_epoch:
            self._stop_if(self.session.epoch_end(**numbers_in(trainer.state.metrics)))

    def _fail(self, trainer: Engine, error: BaseException, raises: bool) -> None:
        self.end(error)
        if raises:  # as the engine would without this handler
            raise error

    def _stop_if(self, asked: bool) -> None:
        if asked:
            self._trainer.terminate()

    # --- the evaluator -------------------------------------------------------------------------

    def _end_evaluation_batch(self, evaluator: Engine) -> None:
        self.evaluation_batch(batch_size(evaluator.state.batch))

    def _end_evaluation(self, evaluator: Engine) -> None:
        self._stop_if(self.evaluation_over(numbers_in(evaluator.state.metrics)))
