"""Small runs that are saved, killed and gone on with."""

import pytest

from onfit.callbacks import BackupAndRestore, History
from onfit.core.callback import Callback
from onfit.core.run import Run
from onfit.errors import FileFormatError


class Model:
    """A number for a weight, to which each batch adds one."""

    stop_training = False

    def __init__(self):
        self.weight = 0

    def state_for_resume(self):
        return {"weight": self.weight}

    def load_state_for_resume(self, state):
        if "weight" not in state:
            raise FileFormatError("the checkpoint is of another model")
        self.weight = state["weight"]


class At(Callback):
    """Does something at a batch, or at the end of an epoch."""

    remembers = ()

    def __init__(self, act, epoch=0, batch=None, stop_means="end"):
        self.act, self.epoch, self.batch, self.stop_means = act, epoch, batch, stop_means

    def on_train_batch_end(self, batch, logs=None):
        if (self.run.progress.epoch, batch) == (self.epoch, self.batch):
            self.act(self)

    def on_epoch_end(self, epoch, logs=None):
        if self.batch is None and epoch == self.epoch:
            self.act(self)


class Killed(BaseException):
    """What takes the place of a kill: no callback makes anything of it."""


def kill(callback):
    raise Killed


def stop(callback):
    callback.request_stop("enough")


def train(folder, *callbacks, epochs=3, validation=None, verbose=0, **arguments):
    """Train, or go on; the model, the history and the run."""
    history, model = History(), Model()
    backup = BackupAndRestore(folder / "backup", verbose=verbose, **arguments)
    run = Run(model, [*callbacks, backup, history], epochs=epochs, params={"verbose": 0})
    with run:
        for _ in run.epochs():
            for _ in run.batches(range(4), size=lambda batch: 10):
                model.weight += 1
                run.log(weight=model.weight)
            if validation is not None:
                validation(run)
    return model, history, run


def killed(folder, *callbacks, **arguments):
    with pytest.raises(Killed):
        train(folder, *callbacks, **arguments)
