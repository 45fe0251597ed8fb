"""Trainings in which one process alone changes what all of them use, and others."""

import os
import warnings
from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
from tests.distributed.fits import X, Y
from torch import nn
from torch.nn.parallel import DistributedDataParallel

import onfit
from onfit import layers
from onfit.callbacks import Callback


def model() -> Any:
    torch.manual_seed(7)
    dense = layers.Dense(6, "relu", input_dim=4, kernel_regularizer=onfit.regularizers.l2(0.01))
    made = onfit.Sequential([dense, layers.Dropout(0.5), layers.Dense(1, "sigmoid")])
    made.compile("adam", "binary_crossentropy", loss_weights=[1.0])
    return made


def wrapped() -> Any:
    net = nn.Sequential(nn.Linear(4, 6), nn.Dropout(0.5), nn.Linear(6, 1), nn.Sigmoid())
    groups = [{"params": net[0].parameters()}, {"params": net[2].parameters(), "lr": 0.2}]
    made = onfit.Model(net)
    made.compile(torch.optim.SGD(groups, 0.1), "binary_crossentropy")
    return made


class At(Callback):
    """Does something once, at a place of the training, in every process or in the second alone."""

    remembers = ()

    def __init__(self, when: str, does: Callable[[Any], object], ranks: tuple[int, ...]) -> None:
        self.when, self.does, self.ranks = when, does, ranks

    def _come(self, when: str) -> None:
        if self.when == when and dist.get_rank() in self.ranks:
            self.does(self.model)
            self.when = "over"

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._come("begin" if epoch else "")

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._come("batch" if self.run.progress.step == 2 else "")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._come("epoch")


def _set_rate(made: Any) -> None:
    made.optimizer.learning_rate = 0.5


def _freeze(made: Any) -> None:
    made.layers[0].trainable = False


def _set_penalty(made: Any) -> None:
    made.layers[0].kernel_regularizer.l2 = 0.5


def _set_dropout(made: Any) -> None:
    made.layers[1].rate = 0.9


def _set_dropout_of_net(made: Any) -> None:
    made.net[1].p = 0.9


def _set_loss_weight(made: Any) -> None:
    made.loss_weights = [2.0]


def _set_group(made: Any) -> None:
    made.optimizer.optimizer.param_groups[1]["lr"] = 0.5


SETS = {
    "rate": _set_rate,
    "frozen": _freeze,
    "penalty": _set_penalty,
    "dropout": _set_dropout,
    "net's dropout": _set_dropout_of_net,
    "loss weight": _set_loss_weight,
    "group": _set_group,
}


def set_in_one(what: str, when: str) -> str:
    made = wrapped() if what in ("net's dropout", "group") else model()
    try:
        made.fit(X, Y, 8, 3, 0, [At(when, SETS[what], (1,))])
    except onfit.errors.OnfitError as error:
        return f"{type(error).__name__}: {error}"
    return "no error"


def set_in_all() -> list[str]:
    """Every process sets all of these, and goes on."""
    made, seen = model(), []

    def set_all(made: Any) -> None:
        for name in ("rate", "frozen", "penalty", "dropout", "loss weight"):
            SETS[name](made)
        seen.append("frozen")

    def free(made: Any) -> None:
        made.layers[0].trainable = True
        seen.append("free")

    made.fit(X, Y, 8, 4, 0, [At("batch", set_all, (0, 1)), At("epoch", free, (0, 1))])
    return seen


class FitsAnother(Callback):
    """Trains another model after each epoch, in the main process alone."""

    main_process_only = True

    def __init__(self) -> None:
        self.epochs: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        history = model().fit(X, Y, epochs=2, verbose=0)
        self.epochs.append(len(history.history["loss"]))


def fit_on_main() -> list[int]:
    fits = FitsAnother()
    model().fit(X, Y, 8, 2, 0, [fits])
    return fits.epochs


def alone(rank: int, how: str) -> str:
    """A training that only one process begins."""
    if dist.get_rank() != rank:
        return "elsewhere"
    os.environ["ONFIT_START_TIMEOUT"] = "0.2"
    try:
        if how == "fit":
            model().fit(X, Y, verbose=0)
        else:
            with onfit.Run(nn.Linear(4, 1)):
                pass
    except onfit.errors.OutOfStepError as error:
        return str(error)
    return "no error"


def warned_of(trains: Callable[[], object]) -> list[str]:
    """The warnings of a training."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        trains()
    return [str(each.message) for each in found]


def set_weights(ranks: tuple[int, ...]) -> list[str]:
    """A training in whose first epoch some processes set the weights."""

    def double(made: Any) -> None:
        made.set_weights([2 * weight for weight in made.get_weights()])

    return warned_of(lambda: model().fit(X, Y, 8, 3, 0, [At("epoch", double, ranks)]))


def in_a_loop(wraps: bool, rates: tuple[float, float] = (0.1, 0.1)) -> list[str]:
    """A loop of a user's own, in which each process has every second sample."""
    torch.manual_seed(7)
    net: nn.Module = nn.Linear(4, 1)
    if wraps:
        net = DistributedDataParallel(net)
    rank = dist.get_rank()
    mine, aims = torch.tensor(X[rank::2]), torch.tensor(Y[rank::2])
    optimizer = torch.optim.SGD(net.parameters(), lr=rates[rank])

    def train() -> None:
        with onfit.Run(net, optimizer=optimizer, epochs=3) as run:
            for _ in run.epochs():
                for x, y in run.batches([(mine[:4], aims[:4]), (mine[4:24], aims[4:24])]):
                    loss = nn.functional.mse_loss(net(x), y)
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    run.log(loss=loss)

    return warned_of(train)
