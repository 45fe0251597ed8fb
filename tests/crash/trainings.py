"""Trainings to be killed, and all that they leave: weights, generators, histories, files."""

import hashlib
import itertools
import logging
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tests.crash.points import Edge, LastEdge
from torch import nn
from torch.utils.data import DataLoader, Dataset

import onfit
from onfit import layers, optimizers
from onfit.callbacks import (
    BackupAndRestore,
    BaseLogger,
    Callback,
    CSVLogger,
    EarlyStopping,
    History,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TensorBoard,
)
from onfit.core.packages.randomness import random_state
from onfit.storage import checkpoints
from onfit.storage.trees import packed

# Each checkpoint waits for the disk. Else the time would say which do, and the places to be struck
# at would be others in each process.
checkpoints._SOON = 0.0

Left = dict[str, Any]
SAMPLES, FEATURES, BATCH, EPOCHS = 24, 6, 4, 5


class LossHistory(Callback):
    """The example of Keras' documents: a callback that was written without a thought of crashes."""

    def on_train_begin(self, logs=None):
        self.losses = []

    def on_batch_end(self, batch, logs=None):
        self.losses.append(logs["loss"])


class Noisy(Dataset):
    """Samples that are augmented, differently each time, with every generator there is."""

    def __init__(self, x: torch.Tensor, y: torch.Tensor) -> None:
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index):
        noise = torch.rand(FEATURES) * random.random() * np.random.random()
        return self.x[index] + noise.float() * 0.1, self.y[index]


class Shuffled(onfit.utils.Sequence):
    """Batches by their numbers."""

    def __len__(self) -> int:
        return SAMPLES // BATCH

    def __getitem__(self, index):
        x, y = data()
        return x[index * BATCH : (index + 1) * BATCH], y[index * BATCH : (index + 1) * BATCH]


def data(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """A problem so noisy that validation soon stops improving."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(SAMPLES, FEATURES, generator=draw)
    return x, x[:, :1] + torch.randn(SAMPLES, 1, generator=draw)


def seed_everything(seed: int) -> None:
    """Seed all that is drawn from."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def compiled() -> onfit.Model:
    """A net with everything that has a state of its own."""
    model = onfit.Sequential(
        [
            layers.Dense(8, activation="relu", input_shape=(FEATURES,)),
            layers.BatchNormalization(),
            layers.Dropout(0.4),
            layers.Dense(1),
        ]
    )
    model.compile(optimizers.SGD(0.01, momentum=0.9), loss="mse", metrics=["mae"])
    return model


def callbacks(folder: Path, save_freq: str, background: bool) -> list[Callback]:
    """One of each that keeps something, between two that only hear."""
    return [
        Edge(),
        BaseLogger(),
        LossHistory(),
        EarlyStopping(patience=2, restore_best_weights=True),
        ReduceLROnPlateau(factor=0.5, patience=1),
        ModelCheckpoint(folder / "best.h5", save_best_only=True, load_weights_on_restart=True),
        ModelCheckpoint(
            folder / "at-{epoch}-{batch}.h5", save_weights_only=True, save_freq="5 batches"
        ),
        CSVLogger(folder / "log.csv"),
        CSVLogger(folder / "more.csv", append=True),
        TensorBoard(folder / "board", histogram_freq=1, update_freq="batch"),
        BackupAndRestore(folder / "backup", save_freq=save_freq, verbose=0, background=background),
        LastEdge(),
    ]


def fitted(
    folder: Path,
    x: Any,
    y: Any = None,
    *,
    save_freq: str = "2 batches",
    background: bool = False,
    also: Sequence[Callback] = (),
    epochs: int = EPOCHS,
    **more: Any,
) -> Left:
    """Train, and print all that can be known of it."""
    model, heard = compiled(), [*callbacks(folder, save_freq, background), *also]
    given = {"validation_split", "validation_data"} & more.keys()
    validation = {} if given else {"validation_data": data(seed=1)}
    history = model.fit(x, y, epochs=epochs, verbose=0, callbacks=heard, **validation, **more)
    return {
        "model": _digest(model.state_for_resume()),
        "history": [history.epoch, dict(history.history)],
        "losses": heard[2].losses,
        "stop": [heard[3].best, heard[3].wait, heard[3].stopped_epoch, heard[3].best_epoch],
        "plateau": heard[4].state_dict(),
        "random": _digest(random_state()),
    }


def arrays(folder: Path) -> Left:
    """Arrays, saved after every third batch."""
    x, y = data()
    return fitted(folder, x, y, batch_size=BATCH, validation_split=1 / 6, save_freq="3 batches")


def arrays_saved_by_epoch(folder: Path) -> Left:
    """Arrays, saved after every epoch."""
    x, y = data()
    return fitted(folder, x, y, batch_size=BATCH, save_freq="epoch")


def in_the_background(folder: Path) -> Left:
    """Arrays; the two best files, and the last, written by threads."""
    x, y = data()
    best = ModelCheckpoint(
        folder / "top-{epoch}.weights.h5",
        monitor="mae",
        save_weights_only=True,
        keep=2,
        save_last=True,
        background=True,
    )
    whole = ModelCheckpoint(folder / "whole.h5", save_freq="3 batches", background=True)
    return fitted(folder, x, y, batch_size=BATCH, save_freq="3 batches", also=[best, whole])


def saved_in_the_background(folder: Path) -> Left:
    """Arrays; the run itself is saved by a thread."""
    x, y = data()
    return fitted(folder, x, y, batch_size=BATCH, save_freq="3 batches", background=True)


def loader(folder: Path) -> Left:
    """A DataLoader that loads in this process, augments, and draws its order anew."""
    return fitted(folder, DataLoader(Noisy(*data()), BATCH, shuffle=True))


def loader_with_workers(folder: Path) -> Left:
    """A DataLoader with two worker processes."""
    return fitted(folder, DataLoader(Noisy(*data()), BATCH, shuffle=True, num_workers=2))


def loader_with_spawned_workers(folder: Path) -> Left:
    """A DataLoader whose worker is a new program."""
    return fitted(folder, _by_other_means("spawn"), epochs=2)


def loader_with_served_workers(folder: Path) -> Left:
    """A DataLoader whose worker is a fork of a server."""
    return fitted(folder, _by_other_means("forkserver"), epochs=2)


def _by_other_means(method: str) -> DataLoader:
    return DataLoader(
        Noisy(*data()), BATCH, shuffle=True, num_workers=1, multiprocessing_context=method
    )


def loader_in_steps(folder: Path) -> Left:
    """A DataLoader whose passes do not end where epochs do."""
    walk = DataLoader(Noisy(*data()), BATCH, shuffle=True)
    return fitted(folder, walk, steps_per_epoch=4, save_freq="3 batches")


def generator(folder: Path) -> Left:
    """A generator, which can only be gone through."""
    return fitted(folder, _endless(), steps_per_epoch=4, save_freq="3 batches")


def sequence(folder: Path) -> Left:
    """A Sequence, in an order of its own each epoch."""
    return fitted(folder, Shuffled(), save_freq="3 batches")


def validating_within_epochs(folder: Path) -> Left:
    """A DataLoader, and a validation after every second batch."""
    return fitted(
        folder,
        DataLoader(Noisy(*data()), BATCH, shuffle=True),
        save_freq="epoch",
        validation_freq="2 batches",
    )


def looking(folder: Path) -> Left:
    """A callback predicts, evaluates, and trains another model; it draws numbers for that."""
    return fitted(folder, *data(), batch_size=BATCH, save_freq="1 hour", also=[Looks()])


class Looks(Callback):
    """Walks of its own within hooks."""

    def __init__(self) -> None:
        self.seen = []

    def on_epoch_begin(self, epoch, logs=None):
        x, y = data(seed=epoch)
        found = self.model.evaluate(x + torch.rand(1), y, batch_size=BATCH, verbose=0)
        self.seen.append([float(each) for each in found])

    def on_epoch_end(self, epoch, logs=None):
        probe = onfit.Sequential([layers.Dense(1, input_shape=(FEATURES,))])
        probe.compile("sgd", "mse")
        history = probe.fit(*data(seed=epoch), epochs=2, batch_size=8, verbose=0)
        self.seen.append([float(each) for each in history.history["loss"]])
        if logs is not None:
            logs["probe"] = self.seen[-1][-1]
        shown = self.model.predict(data(seed=2)[0], batch_size=BATCH, verbose=0)
        self.seen.append(float(shown.sum()))


def two_trainings(folder: Path) -> Left:
    """Two trainings of one script, with one folder for their checkpoints."""
    found = {}
    for number in range(2):
        part = folder / f"part-{number}"
        part.mkdir(exist_ok=True)
        model, history = compiled(), History()
        saved = BackupAndRestore(folder / "backup", save_freq="3 batches", verbose=0)
        log = CSVLogger(part / "log.csv")
        x, y = data(seed=number)
        heard = [Edge(), history, log, saved, LastEdge()]
        model.fit(x, y, batch_size=BATCH, epochs=2 + number, verbose=0, callbacks=heard)
        found[f"model {number}"] = _digest(model.state_for_resume())
        found[f"history {number}"] = [history.epoch, dict(history.history)]
        found[f"log {number}"] = (part / "log.csv").read_text()
    return found


def loop(folder: Path) -> Left:
    """A loop written by hand, around a module and an optimizer of torch."""
    net = nn.Sequential(nn.Linear(FEATURES, 8), nn.BatchNorm1d(8), nn.Dropout(0.4), nn.Linear(8, 1))
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.05)
    walk = DataLoader(Noisy(*data()), BATCH, shuffle=True)
    history, losses = History(), LossHistory()
    saved = [
        ModelCheckpoint(folder / "best.h5", monitor="loss", save_best_only=True),
        CSVLogger(folder / "log.csv", append=True),
        BackupAndRestore(folder / "backup", save_freq="2 batches", verbose=0),
    ]
    heard = [Edge(), history, losses, *saved, LastEdge()]
    with onfit.Run(net, heard, optimizer=optimizer, epochs=EPOCHS, params={"verbose": 0}) as run:
        for _ in run.epochs():
            for x, y in run.batches(walk):
                optimizer.zero_grad()
                loss = nn.functional.mse_loss(net(x), y)
                loss.backward()
                optimizer.step()
                run.log(loss=loss)
    return {
        "model": _digest({"net": net.state_dict(), "optimizer": optimizer.state_dict()}),
        "history": [history.epoch, dict(history.history)],
        "losses": losses.losses,
        "random": _digest(random_state()),
    }


TRAININGS: dict[str, Callable[[Path], Left]] = {
    training.__name__: training
    for training in (
        arrays,
        arrays_saved_by_epoch,
        in_the_background,
        saved_in_the_background,
        loader,
        loader_with_workers,
        loader_with_spawned_workers,
        loader_with_served_workers,
        loader_in_steps,
        generator,
        sequence,
        validating_within_epochs,
        looking,
        two_trainings,
        loop,
    )
}


def files_left(folder: Path) -> Left:
    """What the folder holds, but for the checkpoints: bytes of files, and points of curves."""
    found: Left = {
        path.name: hashlib.blake2b(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.is_file() and not path.name.startswith(".")
    }
    return {**found, **_curves(folder / "board")}


def _curves(folder: Path) -> Left:
    """Every point of every curve as TensorBoard shows it."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    logging.getLogger("tensorboard").setLevel(logging.ERROR)  # it reports each restart
    found = {}
    for part in sorted(folder.glob("*")):
        board = EventAccumulator(str(part), size_guidance={"scalars": 0, "histograms": 0}).Reload()
        for tag in board.Tags()["scalars"]:
            found[f"{part.name}/{tag}"] = [[one.step, one.value] for one in board.Scalars(tag)]
        for tag in board.Tags()["histograms"]:
            found[f"{part.name}/{tag}"] = [
                [one.step, one.histogram_value.sum] for one in board.Histograms(tag)
            ]
    return found


def _endless() -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    noisy = Noisy(*data())
    for begin in itertools.cycle(range(0, SAMPLES, BATCH)):
        batch = [noisy[begin + offset] for offset in range(BATCH)]
        yield torch.stack([x for x, _ in batch]), torch.stack([y for _, y in batch])


def _digest(tree: Any) -> str:
    text, stored = packed(tree)
    digest = hashlib.blake2b(text.encode())
    for name, array in stored.items():
        digest.update(name.encode() + array.tobytes())
    return digest.hexdigest()
