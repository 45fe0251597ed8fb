"""onfit's callbacks in the engines of PyTorch-Ignite."""

from collections.abc import Mapping
from numbers import Real
from typing import Any

from ignite.engine import Engine, Events

from onfit._types import Callbacks
from onfit.core.sizes import batch_size
from onfit.errors import NotReadyError
from onfit.integrations.hosted import Hosted, listeners_for

_OWNER = "Ignite's Engine"
_INSTEAD = "use ignite.handlers.Checkpoint and trainer.load_state_dict"


class OnfitCallback:
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

    session: Hosted

    def __init__(self, callbacks: Callbacks, model: Any, optimizer: Any = None) -> None:
        self.callbacks = list(listeners_for(callbacks, _OWNER, _INSTEAD))
        self.model, self.optimizer = model, optimizer
        self._trainer: Any = None
        self._listens = False

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
            evaluator.add_event_handler(Events.STARTED, self._begin_evaluation)
            evaluator.add_event_handler(Events.ITERATION_COMPLETED, self._end_evaluation_batch)
            evaluator.add_event_handler(Events.COMPLETED, self._end_evaluation)

    # --- the trainer ---------------------------------------------------------------------------

    def _begin(self, trainer: Engine) -> None:
        if not self._listens:  # only now, so that these handlers come after the user's own
            self._listens = True
            self._listen(trainer)
        first, epochs = trainer.state.epoch, trainer.state.max_epochs
        self.session = Hosted(
            self.model,
            listeners_for(self.callbacks, _OWNER, _INSTEAD),
            optimizer=self.optimizer,
            epochs=epochs or first + 1,
            initial_epoch=first,
            params={"steps": trainer.state.epoch_length},
        )
        self._stop_if(self.session.train_begin())
        if epochs is None:
            self.session.steps_begin()

    def _listen(self, trainer: Engine) -> None:
        handlers = {
            Events.EPOCH_STARTED: self._begin_epoch,
            Events.ITERATION_STARTED: self._begin_batch,
            Events.ITERATION_COMPLETED: self._end_batch,
            Events.EPOCH_COMPLETED: self._end_epoch,
            Events.TERMINATE: self._end,
            Events.COMPLETED: self._end,
        }
        for event, handler in handlers.items():
            trainer.add_event_handler(event, handler)
        # An engine with a handler of exceptions raises none itself.
        alone = not trainer._event_handlers.get(Events.EXCEPTION_RAISED)
        trainer.add_event_handler(Events.EXCEPTION_RAISED, self._fail, alone)

    def _begin_epoch(self, trainer: Engine) -> None:
        if trainer.state.max_epochs is not None:
            self.session.epoch_begin()

    def _begin_batch(self, trainer: Engine) -> None:
        self.session.batch_begin(batch_size(trainer.state.batch))

    def _end_batch(self, trainer: Engine) -> None:
        output = trainer.state.output
        values = _numbers(output if isinstance(output, Mapping) else {"loss": output})
        self._stop_if(self.session.batch_end(batch_size(trainer.state.batch), **values))

    def _end_epoch(self, trainer: Engine) -> None:
        if trainer.state.max_epochs is not None and self.session.in_epoch:
            self._stop_if(self.session.epoch_end(**_numbers(trainer.state.metrics)))

    def _end(self, trainer: Engine) -> None:
        if self.session.training:
            self.session.train_end()

    def _fail(self, trainer: Engine, error: BaseException, alone: bool) -> None:
        if self.session.training:
            self.session.train_end(error)
        if alone:
            raise error

    def _stop_if(self, asked: bool) -> None:
        if asked:
            self._trainer.terminate()

    # --- the evaluator -------------------------------------------------------------------------

    def _is_in_training(self) -> bool:
        session = getattr(self, "session", None)
        return session is not None and session.training and session.in_epoch

    def _begin_evaluation(self, evaluator: Engine) -> None:
        if self._is_in_training():
            self.session.evaluation_begin()

    def _end_evaluation_batch(self, evaluator: Engine) -> None:
        if self._is_in_training():
            self.session.evaluation_batch(batch_size(evaluator.state.batch))

    def _end_evaluation(self, evaluator: Engine) -> None:
        if self._is_in_training():
            results = _numbers(evaluator.state.metrics)
            self.session.evaluation_end(results)
            self._stop_if(self.session.validated(**results))


def _numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that are numbers, or tensors of one number."""
    return {name: value for name, value in values.items() if _is_number(value)}


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) or getattr(value, "ndim", None) == 0
