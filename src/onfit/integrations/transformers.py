"""onfit's callbacks in a training of the Trainer of transformers."""

from typing import Any

from transformers import TrainerCallback
from transformers.trainer_callback import ExportableState

from onfit._types import Callbacks
from onfit.integrations.hosting import Hosting
from onfit.integrations.hosting.late import LateSession
from onfit.integrations.hosting.of_transformers import (
    evaluated,
    heeded,
    memory_in,
    require_given,
    settings_of,
    trained,
    warn_of_hidden_nans,
)
from onfit.integrations.hosting.owners import TRANSFORMERS


class OnfitCallback(Hosting, TrainerCallback, ExportableState):
    """Calls onfit's callbacks in `Trainer.train`, where they do what they do in `onfit.Run`.

    `logs` have what the Trainer logs: `loss`, the mean over the epoch; the latest `grad_norm` and
    `learning_rate`; and its `eval_` values under names with `val_`, but not its speeds. A batch is
    a step of the optimizer. `on_test_begin` comes after the first batch of an evaluation, whose
    beginning the Trainer does not tell; nor does it tell of exceptions that are not a callback's.

    Callbacks decide at the end of each epoch, after its evaluation; with `eval_strategy="steps"` at
    each evaluation. With `max_steps` it is a run of steps, as in `onfit.Run.steps`. An evaluation
    before training is not counted.

    The rate that a callback sets is what the Trainer's schedule goes on from. What callbacks
    remember is in the Trainer's checkpoints, in `trainer_state.json`, and with
    `restore_best_weights=True` so are the best weights, as text.

    Args:
        callbacks: onfit's callbacks, called in this order.
        evaluations: how many evaluations come at a time; with a dict as `eval_dataset`, its length.

    Attributes:
        session: the `onfit.Session` of the training; None before.

    Raises:
        CapabilityError: for `BackupAndRestore`; and when training begins, if the model lacks what
            a callback needs.
        ArgumentError: in training, if more evaluations come at a time than `evaluations`.

    Example:
        >>> from onfit.callbacks import EarlyStopping
        >>> callback = OnfitCallback([EarlyStopping(patience=3)])
    """

    owner, kind = TRANSFORMERS, LateSession

    def __init__(self, callbacks: Callbacks, evaluations: int = 1) -> None:
        require_given(callbacks)
        super().__init__(callbacks)
        self.evaluations = evaluations

    # --- the training as a whole ---------------------------------------------------------------

    @heeded
    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        settings = settings_of(args, state, self.evaluations)
        self._size = settings["size"]
        memory = memory_in(state, type(self).__name__) if state.global_step else None
        session = self.begin(more["model"], optimizer=more["optimizer"], memory=memory, **settings)
        session.progress.step = state.global_step  # this callback may be new in the training
        warn_of_hidden_nans(args, session.callbacks)

    def on_train_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self.end()

    # --- epochs and steps ----------------------------------------------------------------------

    @heeded
    def on_epoch_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        if not self.session.in_epoch:
            self.session.epoch_begin()

    @heeded
    def on_epoch_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        # The Trainer logs and evaluates after this, where that is due.
        logs = control.should_log and self.session.has_loss_to_log
        last = "evaluation" if control.should_evaluate else "logs" if logs else "steps"
        self.session.epoch_ends_after(last)

    @heeded
    def on_step_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self.session.batch_begin(self._size)

    @heeded
    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self.session.batch_end(self._size)

    # --- what the Trainer logs and evaluates, in the training or outside of it -----------------

    @heeded
    def on_log(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        if (logs := trained(more["logs"])) and self.running:
            self.session.logged(logs)

    def on_prediction_step(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self.evaluation_batch(args.eval_batch_size)

    @heeded
    def on_evaluate(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        if self.running:
            self.session.evaluated(evaluated(more["metrics"]))

    def state(self) -> dict[str, Any]:
        """What the Trainer writes into `trainer_state.json`: what the callbacks remember."""
        memory = self.session.memory() if self.running else None
        return {"args": {"callbacks": None}, "attributes": {"memory": memory}}
