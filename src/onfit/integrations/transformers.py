"""onfit's callbacks in a training of the Trainer of transformers."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from transformers import TrainerCallback
from transformers.trainer_callback import ExportableState

from onfit._types import Callbacks
from onfit.core.meter import RunningMeans
from onfit.errors import ArgumentError
from onfit.integrations.hosted import SelfEnding, listeners_for
from onfit.integrations.schedules import following

_OWNER = "the Trainer of transformers"
_INSTEAD = (
    "write trainer.train(resume_from_checkpoint=True): its checkpoints have what callbacks remember"
)
_ANEW = (
    "OnfitCallback(None): with restore_callback_states_from_checkpoint=True the Trainer makes "
    "callbacks anew, and does not know this one's. Leave that out: what they remember is there "
    "without it."
)
_SPEEDS = ("epoch", "runtime", "samples_per_second", "steps_per_second", "preparation_time")


class OnfitCallback(TrainerCallback, ExportableState):
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

    def __init__(self, callbacks: Callbacks, evaluations: int = 1) -> None:
        if callbacks is None:
            raise ArgumentError(_ANEW)
        self.callbacks = listeners_for(callbacks, _OWNER, _INSTEAD)
        self.evaluations = evaluations
        self.session: Any = None

    # --- the training as a whole ---------------------------------------------------------------

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self._size = args.train_batch_size * args.gradient_accumulation_steps
        self._in_steps, self._ends_after, self._left = args.max_steps > 0, "", self.evaluations
        self._begun_at = self._logged_at = self._decided_at = state.global_step
        self._means, self._late = RunningMeans(), dict[str, Any]()
        self.session = SelfEnding(
            more["model"],
            self.callbacks,
            optimizer=more["optimizer"],
            epochs=state.num_train_epochs,
            initial_epoch=int(state.epoch or 0),
            params={"batch_size": self._size, "steps": state.max_steps // state.num_train_epochs},
            meter=self._means,
            decide_at="validations" if args.eval_strategy == "steps" else "epochs",
        )
        with self._heeded(control, more):
            self.session.train_begin()
            if self._in_steps:
                self.session.steps_begin()
            if state.global_step:
                self._go_on(state)

    def _go_on(self, state: Any) -> None:
        """Go on from the Trainer's checkpoint. This callback may be new in the training."""
        progress, memory = self.session.progress, _memory_in(state)
        if memory is not None:
            self.session.go_on(memory)
        if self.session.in_epoch and not self._in_steps and state.epoch >= progress.epoch + 1:
            self.session.epoch_end()  # saved at its last step; the Trainer leaves out its end now
        progress.step = state.global_step

    def on_train_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self.session.train_end()

    @property
    def _training(self) -> bool:
        return self.session is not None and self.session.outcome is None

    @contextmanager
    def _heeded(self, control: Any, more: dict[str, Any]) -> Iterator[None]:
        """What callbacks ask for in the block, a rate or a stop, reaches the Trainer."""
        with following(more["lr_scheduler"]):
            yield
        control.should_training_stop = control.should_training_stop or self.session.stopping

    # --- epochs and batches --------------------------------------------------------------------

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        if not self.session.in_epoch:
            with self._heeded(control, more):
                self.session.epoch_begin()

    def on_epoch_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        # The Trainer logs and evaluates after this, where that is due.
        logs = control.should_log and state.global_step > self._logged_at
        self._ends_after = "evaluate" if control.should_evaluate else "log" if logs else "epoch"
        self._end_epoch_after("epoch", control, more)

    def _end_epoch_after(self, event: str, control: Any, more: dict[str, Any]) -> None:
        if event == self._ends_after and not self._in_steps:
            self._ends_after = ""
            with self._heeded(control, more):
                self.session.epoch_end()

    def on_step_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self._log(self._late)
        self._late = {}
        self.session.batch_begin(self._size)

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        with self._heeded(control, more):
            self.session.batch_end(self._size)

    def on_log(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        if not self._training or "train_runtime" in more["logs"]:  # the summary at the end
            return
        logs = {k: v for k, v in more["logs"].items() if k != "epoch" and k[:5] != "eval_"}
        if self._in_steps and self._decided_at == state.global_step:
            self._late |= logs  # it is part of the next row
        else:
            self._log(logs)
        self._end_epoch_after("log", control, more)

    def _log(self, logs: dict[str, Any]) -> None:
        if "loss" in logs:  # the mean over the steps since it was logged before
            steps = self.session.progress.step - self._logged_at
            self._logged_at += steps
            self._means.add({"loss": logs.pop("loss")}, steps * self._size)
        self.session.log(logs)

    # --- evaluation ----------------------------------------------------------------------------

    def on_prediction_step(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        if self._training:
            self.session.evaluation_batch(args.eval_batch_size)

    def on_evaluate(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        if not self._training:
            return
        metrics = {k.removeprefix("eval_"): v for k, v in more["metrics"].items()}
        metrics = {k: v for k, v in metrics.items() if not k.endswith(_SPEEDS)}
        self.session.evaluation_end(metrics)
        if state.global_step == self._begun_at:
            return
        if state.global_step == self._decided_at:
            raise ArgumentError(_too_many(self.evaluations, state.global_step))
        self.session.validated_before(**metrics)
        self._left -= 1
        if self._left == 0:
            self._left, self._decided_at = self.evaluations, state.global_step
            with self._heeded(control, more):
                self.session.validated()
            self._end_epoch_after("evaluate", control, more)

    # --- memory --------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """What the Trainer writes into `trainer_state.json`."""
        memory = self.session.memory() if self._training else None
        return {"args": {"callbacks": None}, "attributes": {"memory": memory}}


def _memory_in(state: Any) -> str | None:
    kept = state.stateful_callbacks.get(OnfitCallback.__name__, {"attributes": {}})
    if isinstance(kept, list):
        raise ArgumentError(
            f"the checkpoint is of {len(kept)} OnfitCallbacks, whose memories cannot be kept "
            "apart. Pass all callbacks to one: OnfitCallback([...])."
        )
    memory: str | None = kept["attributes"].get("memory")
    return memory


def _too_many(evaluations: int, step: int) -> str:
    return (
        f"OnfitCallback(..., evaluations={evaluations}): at step {step} another evaluation came, "
        "after the callbacks had decided. With a dict as eval_dataset, pass its length as "
        "evaluations=."
    )
