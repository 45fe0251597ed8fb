"""onfit's callbacks in a training of Lightning's Trainer."""

from collections.abc import Mapping
from typing import Any

from onfit._types import Callbacks
from onfit.core.sizes import batch_size
from onfit.integrations.hosted import Hosted, listeners_for

try:
    from lightning.pytorch import Callback
except ImportError:  # the same library under its other name
    from pytorch_lightning import Callback

_OWNER = "Lightning's Trainer"
_INSTEAD = "write trainer.fit(model, ckpt_path=...): its checkpoints have what callbacks remember"


class OnfitCallback(Callback):
    """Calls onfit's callbacks in `Trainer.fit`, where they do what they do in `onfit.Run`.

    `logs` have what the module logs, under its names, and `loss`: the mean over samples of what
    `training_step` returned. A value that is logged without `on_epoch=True` is that of the last
    step, as in Lightning. What the module logs in its own `on_train_epoch_end` comes too late,
    since Lightning calls callbacks before it.

    Callbacks decide at the end of each epoch, or at each validation where these come within epochs
    (`val_check_interval`). A Trainer with `max_steps` and no `max_epochs` is a run of steps, as in
    `onfit.Run.steps`. The validation before training is not counted.

    What callbacks remember is in the Trainer's checkpoints, so that `fit(..., ckpt_path=...)` goes
    on with it. With `restore_best_weights=True` these hold the best weights, too.

    Args:
        callbacks: onfit's callbacks, called in this order.

    Attributes:
        session: the `onfit.Session` of the training; None before.

    Raises:
        CapabilityError: for `BackupAndRestore`; and when training begins, if the module lacks what
            a callback needs.

    Example:
        >>> from onfit.callbacks import EarlyStopping
        >>> callback = OnfitCallback([EarlyStopping(patience=3)])
    """

    def __init__(self, callbacks: Callbacks) -> None:
        self.callbacks = listeners_for(callbacks, _OWNER, _INSTEAD)
        self.session: Any = None
        self._memory: str | None = None  # in the checkpoint that the training goes on from
        self._before_epoch: dict[str, Any] = {}  # the metrics that were there

    # --- the training as a whole ---------------------------------------------------------------

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        batches, between = trainer.num_training_batches, trainer.val_check_batch
        session = Hosted(
            pl_module,
            self.callbacks,
            optimizer=trainer.optimizers or None,
            epochs=max(trainer.max_epochs, trainer.current_epoch),
            initial_epoch=trainer.current_epoch,
            params={"steps": None if batches == float("inf") else batches},
            decide_at="validations" if between is None or between < batches else "epochs",
        )
        _stop_if(session.train_begin(), trainer)
        self.session, memory, self._memory = session, self._memory, None
        if trainer.max_epochs == -1:
            session.steps_begin()
        if memory is not None:
            session.go_on(memory)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        self.session.train_end()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        if self._training:
            self.session.train_end(exception)

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        self._memory = None  # `validate` and `test` read checkpoints, too

    @property
    def _training(self) -> bool:
        return self.session is not None and self.session.outcome is None

    # --- epochs and batches --------------------------------------------------------------------

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        self._before_epoch = dict(trainer.callback_metrics)
        if not self.session.in_epoch:
            self.session.epoch_begin(trainer.current_epoch)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        if trainer.max_epochs != -1 and self.session.in_epoch:
            _stop_if(self.session.epoch_end(**_since(self._before_epoch, trainer)), trainer)

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, index: int) -> None:
        if not self.session.in_epoch:  # it goes on from a checkpoint without this callback
            self.on_train_epoch_start(trainer, pl_module)
        self.session.batch_begin(batch_size(batch))

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, *batch: Any) -> None:
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        # Lightning has divided it by the number of batches that it accumulates.
        values = {} if loss is None else {"loss": loss * trainer.accumulate_grad_batches}
        _stop_if(self.session.batch_end(batch_size(batch[0]), **values), trainer)

    # --- validation ----------------------------------------------------------------------------

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        if self._training:
            self._before_validation = dict(trainer.callback_metrics)
            self.session.evaluation_begin()

    def on_validation_batch_start(self, trainer: Any, pl_module: Any, batch: Any, *n: int) -> None:
        if self._training:
            self.session.test_batch_begin(batch_size(batch))

    def on_validation_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, *n: int
    ) -> None:
        if self._training:
            self.session.test_batch_end(batch_size(batch))

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        if self._training:
            results = _since(self._before_validation, trainer)
            self.session.evaluation_end({k.removeprefix("val_"): results[k] for k in results})
            self.session.log(_since(self._before_epoch, trainer))
            _stop_if(self.session.validated(), trainer)

    # --- memory --------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        return {} if self.session is None else {"memory": self.session.memory()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._memory = state_dict["memory"]


def _stop_if(asked: bool, trainer: Any) -> None:
    trainer.should_stop = trainer.should_stop or asked


def _since(known: dict[str, Any], trainer: Any) -> dict[str, Any]:
    """The metrics that the module has logged since these were noted."""
    metrics = trainer.callback_metrics.items()
    return {name: value for name, value in metrics if known.get(name) is not value}
