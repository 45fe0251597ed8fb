"""A user's loop, and callbacks that note or disturb it."""

from types import SimpleNamespace

from onfit.core.callback import Callback
from onfit.core.hooks import HOOKS
from onfit.core.run import Run


class Diary(Callback):
    """Writes down every hook: its name, its index if it has one, and its logs as they were."""

    def __init__(self):
        self.events = []
        for hook in HOOKS:
            if hook == "on_before_optimizer_step":  # which asks the model for its optimizer
                continue
            setattr(self, hook, lambda *args, hook=hook: self.write(hook, *args))

    def write(self, hook, *args):
        args = [dict(arg) if isinstance(arg, dict) else arg for arg in args]
        self.events.append((hook.removeprefix("on_"), *args))

    @property
    def names(self):
        return [event[0] if len(event) < 3 else f"{event[0]} {event[1]}" for event in self.events]


class At(Callback):
    """Does something at one hook."""

    def __init__(self, hook, action):
        setattr(self, hook, lambda *args: action(self, *args))


def stop(callback, *args):
    callback.model.stop_training = True


def fail(error):
    def action(callback, *args):
        raise error

    return action


def walk(callbacks, epochs=2, batches=((1, 2), (3,)), **options):
    """A user's loop: the loss of a batch is its sum."""
    with Run(SimpleNamespace(), callbacks, epochs=epochs, **options) as run:
        for _ in run.epochs():
            for batch in run.batches([list(batch) for batch in batches]):
                run.log(loss=float(sum(batch)))
            run.log(val_loss=0.5)
    return run


EPOCH = ["epoch_begin {0}", "train_batch_begin 0", "train_batch_end 0", "train_batch_begin 1",
         "train_batch_end 1", "epoch_end {0}"]  # fmt: skip


def events_of_epoch(epoch):
    return [name.format(epoch) for name in EPOCH]
