"""A torch scheduler as a callback."""

from typing import Any

from torch.optim import lr_scheduler

from onfit.core.callback import Callback, Logs
from onfit.core.packages.plain import as_before
from onfit.errors import ArgumentError, ArgumentTypeError, FileFormatError

# torch's documents say of these that they are stepped after each batch.
_BY_BATCH = (lr_scheduler.OneCycleLR, lr_scheduler.CyclicLR)


def as_callback(value: Any) -> "TorchScheduler | None":
    """`value` as a callback; None if it is no torch scheduler.

    Raises:
        ArgumentTypeError: for torch's ReduceLROnPlateau.
    """
    # Accelerate's wrapper steps by rules of its own: only where the optimizer has stepped.
    inner = getattr(value, "scheduler", None)
    if isinstance(inner, lr_scheduler.LRScheduler) and not isinstance(value, Callback):
        value = inner
    if isinstance(value, lr_scheduler.ReduceLROnPlateau):
        raise ArgumentTypeError(_reduce_instead(value))
    return TorchScheduler(value) if isinstance(value, lr_scheduler.LRScheduler) else None


def schedules(scheduler: Any, optimizer: Any) -> bool:
    """Whether a scheduler is over this optimizer, also if one of them is in a wrapper, such as that
    of accelerate: a wrapper has the parameter groups of what is in it.
    """
    its = getattr(getattr(scheduler, "scheduler", scheduler), "optimizer", None)
    return its is not None and getattr(its, "param_groups", its) is optimizer.param_groups


class TorchScheduler(Callback):
    """Steps a torch scheduler at the end of each epoch; `OneCycleLR` and `CyclicLR`, after each
    batch. `callbacks=[scheduler]` makes one.

    As in torch, the scheduler goes on from one training to the next, and a resumed run goes on
    with its state. `logs["learning_rate"]` holds the rate of the epoch, before the step.

    Args:
        scheduler: a scheduler over the torch optimizer of the training.

    Raises:
        ArgumentError: when training begins, if its optimizer is not one of this training.
    """

    sets_learning_rate = True

    def __init__(self, scheduler: lr_scheduler.LRScheduler) -> None:
        self.scheduler = scheduler
        self._by_batch = isinstance(scheduler, _BY_BATCH)

    def __repr__(self) -> str:
        return f"TorchScheduler({type(self.scheduler).__name__})"

    def hears(self, hook: str) -> bool:
        if hook == "on_train_batch_end":
            return self._by_batch
        return super().hears(hook)

    def on_train_begin(self, logs: Logs | Any = None) -> None:
        optimizer = getattr(self.model, "optimizer", None)
        if optimizer is None:  # the loop has not shown the optimizer that it steps
            return
        mine = getattr(optimizer, "torch_optimizers", [])
        if not any(schedules(self.scheduler, one) for one in mine):
            raise ArgumentError(_of_another(self.scheduler, mine or [optimizer]))

    def on_train_batch_end(self, batch: int, logs: Logs | Any = None) -> None:
        self.scheduler.step()

    def on_epoch_end(self, epoch: int, logs: Logs | Any = None) -> None:
        if logs is not None:
            logs["learning_rate"] = float(self.scheduler.optimizer.param_groups[0]["lr"])
        if not self._by_batch:
            self.scheduler.step()

    def state_dict(self) -> dict[str, Any]:
        return {"kind": type(self.scheduler).__name__, "scheduler": self.scheduler.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        mine, kind = self.scheduler.state_dict(), type(self.scheduler).__name__
        if state.get("kind", kind) != kind:
            raise FileFormatError(
                f"the checkpoint has the state of a {state['kind']} where callbacks= has a {kind}. "
                "Pass the schedulers as they were, or give this run another folder."
            )
        self.scheduler.load_state_dict(as_before(state["scheduler"], mine))


def _of_another(scheduler: Any, trained: list[Any]) -> str:
    kind, its = type(scheduler).__name__, type(scheduler.optimizer).__name__
    return (
        f"callbacks=[{kind}(...)]: it schedules a {its} that is not the optimizer of this "
        f"training, {' and '.join(type(one).__name__ for one in trained)}. Make it over the torch "
        "optimizer that compile, or Run(net, optimizer=...), gets."
    )


def _reduce_instead(scheduler: Any) -> str:
    arguments = f"factor={scheduler.factor}, patience={scheduler.patience + 1}"
    return (
        "callbacks= got torch's ReduceLROnPlateau, which has to be given a metric at each step. "
        "Write onfit.callbacks.ReduceLROnPlateau(monitor='val_loss', "
        f"{arguments}, mode={scheduler.mode!r}) instead."
    )
