"""onfit's callbacks in a training of Lightning's Trainer."""

from collections.abc import Mapping
from typing import Any

from onfit.core.sizes import batch_size
from onfit.integrations.hosting import Hosted, Hosting
from onfit.integrations.hosting.of_lightning import settings_of
from onfit.integrations.hosting.owners import LIGHTNING
from onfit.integrations.hosting.values import changed, renamed

try:
    from lightning.pytorch import Callback
except ImportError:  # the same library under its other name
    from pytorch_lightning import Callback


class OnfitCallback(Hosting, Callback):
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

    owner, kind = LIGHTNING, Hosted
    _memory: str | None = None  # in the checkpoint that the training goes on from
    _before_epoch: Mapping[str, Any] = {}  # the metrics that were there

    # --- the training as a whole ---------------------------------------------------------------

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        memory, self._memory = self._memory, None
        session = self.begin(pl_module, memory=memory, **settings_of(trainer))
        _stop_if(session.stopping, trainer)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        self.end()

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        self.end(exception)

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        self._memory = None  # `validate` and `test` read checkpoints, too

    # --- epochs and batches --------------------------------------------------------------------

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        self._before_epoch = dict(trainer.callback_metrics)
        if not self.session.in_epoch:
            self.session.epoch_begin(trainer.current_epoch)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        if self.session.in_epoch:
            values = changed(trainer.callback_metrics, self._before_epoch)
            _stop_if(self.session.epoch_end(**values), trainer)

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, index: int) -> None:
        if not self.session.in_epoch:  # it goes on from a checkpoint without this callback
            self.on_train_epoch_start(trainer, pl_module)
        self.session.batch_begin(batch_size(batch))

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, *batch: Any) -> None:
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        # Lightning has divided it by the number of batches that it accumulates.
        values = {} if loss is None else {"loss": loss * trainer.accumulate_grad_batches}
        _stop_if(self.session.batch_end(batch_size(batch[0]), **values), trainer)

    # --- validation, which may also come outside of a training ---------------------------------

    def on_validation_start(self, trainer: Any, pl_module: Any) -> None:
        self._before_validation = dict(trainer.callback_metrics)
        self.evaluation_begin()

    def on_validation_batch_start(self, trainer: Any, pl_module: Any, batch: Any, *n: int) -> None:
        self.evaluation_batch_begin(batch_size(batch))

    def on_validation_batch_end(self, trainer: Any, pl_module: Any, out: Any, *batch: Any) -> None:
        self.evaluation_batch_end(batch_size(batch[0]))

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        results = changed(trainer.callback_metrics, self._before_validation)
        if session := self.running:
            session.log(changed(trainer.callback_metrics, self._before_epoch))
        _stop_if(self.evaluation_over(renamed(results, {"val_": ""})), trainer)

    # --- memory --------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        return {} if self.session is None else {"memory": self.session.memory()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._memory = state_dict["memory"]


def _stop_if(asked: bool, trainer: Any) -> None:
    trainer.should_stop = trainer.should_stop or asked
