"""Loops of a user's own around a net in DDP, as each process of a group runs them."""

import signal
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

import onfit
from onfit.callbacks import (
    BackupAndRestore,
    Callback,
    CSVLogger,
    EarlyStopping,
    History,
    ModelCheckpoint,
    TimeLimit,
)

X = torch.randn(24, 4, generator=torch.Generator().manual_seed(0))
Y = X.sum(1, keepdim=True) + 0.1 * X[:, :1] ** 2


def net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Linear(4, 1)


def loader(rank: int, world: int) -> Any:
    data = TensorDataset(X, Y)
    sampler = DistributedSampler(data, world, rank, shuffle=True, seed=3)
    return DataLoader(data, batch_size=12 // world, sampler=sampler)


def train(callbacks: list[Any], epochs: int = 3, rate: float = 0.1) -> Any:
    """A training with half of each batch; returns the run."""
    rank, world = dist.get_rank(), dist.get_world_size()
    wrapped = DistributedDataParallel(net())
    optimizer = torch.optim.SGD(wrapped.parameters(), lr=rate)
    batches = loader(rank, world)
    with onfit.Run(wrapped, callbacks, optimizer=optimizer, epochs=epochs) as run:
        for _ in run.epochs():
            for x, y in run.batches(batches):
                loss = ((wrapped(x) - y) ** 2).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                run.log(loss=loss)
            for x, y in run.validation([(X[rank::world], Y[rank::world])]):
                with torch.no_grad():
                    run.log(loss=((wrapped(x) - y) ** 2).mean())
            run.log(rank=float(rank), note=f"of {rank}")
    return run


def histories() -> dict[str, list[Any]]:
    history = History()
    train([history])
    return dict(history.history)


def early_stopping() -> tuple[int, str]:
    """Only one process sees a loss that grows; the mean decides for all."""
    stopper = EarlyStopping("rank_loss", patience=0, mode="min")

    class Worse(Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.run.log(rank_loss=float(epoch) if dist.get_rank() == 1 else 0.0)

    run = train([Worse(), stopper], epochs=5)
    return run.progress.epoch, run.stopped_by


class StopsOnOne(Callback):
    """Asks for a stop in one process alone, at one batch."""

    def __init__(self, rank: int, step: int) -> None:
        self.rank, self.step = rank, step

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if dist.get_rank() == self.rank and self.run.progress.step == self.step:
            self.request_stop("enough")


def stop_on_one() -> tuple[int, str, str]:
    run = train([StopsOnOne(1, 3)], epochs=5)
    return run.progress.step, run.stopped_by, run.stop_reason


class Raises(Callback):
    """Sends this process a signal at one batch."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if dist.get_rank() == 1 and self.run.progress.step == 3:
            signal.raise_signal(signal.SIGTERM)


def signal_to_one() -> tuple[str, int, str]:
    history = History()
    ended = ""
    run: Any = None

    class Keeps(Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            nonlocal run
            run = self.run

    try:
        train([Keeps(), Raises(), history], epochs=5)
    except SystemExit as error:
        ended = f"exit {error.code}"
    return ended, run.progress.step, run.outcome


class Counts(Callback):
    def __init__(self) -> None:
        self.calls = 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.calls += 1


class CountsOnMain(Counts):
    main_process_only = True


def writers(folder: Path) -> tuple[int, int, list[str]]:
    everywhere, on_main = Counts(), CountsOnMain()
    table = CSVLogger(folder / "log.csv")
    saver = ModelCheckpoint(folder / "{epoch}.pt", "val_loss", save_weights_only=True)
    train([everywhere, on_main, table, saver])
    dist.barrier()
    return everywhere.calls, on_main.calls, sorted(path.name for path in folder.iterdir())


def uneven() -> tuple[list[float], int]:
    """A loop without common gradients, in which one process has more batches than the other."""
    rank, history = dist.get_rank(), History()
    with onfit.Run(net(), [history, Counts()], epochs=2) as run:
        for _ in run.epochs():
            for number in run.batches([1.0] * (7 if rank else 3), size=lambda _: 1):
                run.log(loss=number + rank)
    return history.history["loss"], run.progress.step


def validation_on_one() -> str:
    """The mistake of a loop that leaves the validation to the main process."""
    try:
        with onfit.Run(net(), [], epochs=1) as run:
            for _ in run.epochs():
                for number in run.batches([1.0, 2.0], size=lambda _: 1):
                    run.log(loss=number)
                if dist.get_rank() == 0:
                    for number in run.validation([1.0], size=lambda _: 1):
                        run.log(loss=number)
    except onfit.errors.OutOfStepError as error:
        return str(error)
    return "no error"


class Breaks(Callback):
    """Ends the training by an error, after one batch of the whole run."""

    remembers = ()

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.run.progress.step == self.step:
            raise RuntimeError("as if it were killed")


class Draws(Callback):
    """Keeps numbers that each process draws for itself."""

    def on_train_begin(self, logs: Any = None) -> None:
        self.drawn: list[float] = []
        torch.manual_seed(100 + dist.get_rank())

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.drawn.append(float(torch.rand(())))


def backed_up(folder: Path, freq: str, breaks_at: int | None) -> Any:
    """A training that is saved; None if it broke, else what came of it."""
    history, draws = History(), Draws()
    backup = BackupAndRestore(folder / "backup", save_freq=freq, verbose=0)
    breaks = [Breaks(breaks_at or 10**6)]
    table = CSVLogger(folder / "log.csv")
    try:
        run = train([history, draws, table, *breaks, backup])
    except RuntimeError:
        return None
    weights = [param.tolist() for param in run.model.parameters()]
    return history.history, weights, draws.drawn


def time_is_up(folder: Path) -> tuple[int, str, list[float]]:
    """The clock of one process says that time is up; all save, and go on at the next start."""
    seconds = iter(range(1000))
    here = dist.get_rank() == 1
    limit = TimeLimit("4 seconds", clock=lambda: float(next(seconds)) if here else 0.0)
    history = History()
    first = train([history, limit, BackupAndRestore(folder, "10000 batches", verbose=0)])
    history, never = History(), TimeLimit("9 hours")
    train([history, never, BackupAndRestore(folder, "10000 batches", verbose=0)])
    return first.progress.step, first.outcome, history.history["loss"]


def saved(folder: Path, freq: str, epochs: int) -> Any:
    """A training whose checkpoints stay, or one that goes on from them; what it logs."""
    history = History()
    backup = BackupAndRestore(folder, freq, delete_checkpoint=False, verbose=0)
    train([history, backup], epochs=epochs)
    return history.history["loss"]


def saved_within_an_epoch(folder: Path) -> str:
    try:
        train([Breaks(3), BackupAndRestore(folder, "batch", verbose=0)])
    except (RuntimeError, onfit.errors.FileFormatError) as error:
        return str(error)
    return "no error"
