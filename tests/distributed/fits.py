"""`fit` as each process of a group calls it, and one process alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

import onfit
from onfit import layers
from onfit.callbacks import (
    BackupAndRestore,
    Callback,
    EarlyStopping,
    LearningRateFinder,
    ModelCheckpoint,
    ReduceLROnPlateau,
)

DRAWN = np.random.RandomState(0)
X = DRAWN.randn(53, 4).astype("float32")
Y = (X.sum(1, keepdims=True) > 0).astype("float32")
VALIDATION = (X[:21] + 0.1, Y[:21])


class Samples(torch.utils.data.Dataset[Any]):
    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, index: int) -> Any:
        return X[index], Y[index]


class Batches(onfit.utils.Sequence):
    def __len__(self) -> int:
        return 7

    def __getitem__(self, index: int) -> Any:
        return X[index * 8 : index * 8 + 8], Y[index * 8 : index * 8 + 8]


class Promises:
    """Yields batches of so many samples, and says that there are five."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return 5

    def __iter__(self) -> Iterator[Any]:
        return ((X[i : i + 8], Y[i : i + 8]) for i in range(0, self.count, 8))


def generated() -> Iterator[Any]:
    while True:
        for index in range(7):
            yield X[index * 8 : index * 8 + 8], Y[index * 8 : index * 8 + 8]


def in_turn() -> DataLoader[Any]:
    """A loader that gives each process batches of its own; of all together those of one process."""
    alone = not dist.is_initialized()
    rank, world = (0, 1) if alone else (dist.get_rank(), dist.get_world_size())
    data = TensorDataset(torch.from_numpy(X[:48]), torch.from_numpy(Y[:48]))
    sampler = DistributedSampler(data, world, rank, seed=3)
    return DataLoader(data, 8 // world, sampler=sampler)


def forms(form: str) -> dict[str, Any]:
    """What `fit` is given, in each form."""
    data = TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    return {
        "arrays": lambda: {"x": X, "y": Y, "batch_size": 8},
        "small batches": lambda: {"x": X, "y": Y, "batch_size": 1},
        "dataset": lambda: {"x": Samples(), "batch_size": 8},
        "sequence": lambda: {"x": Batches()},
        "column": lambda: {"x": X, "y": Y[:, 0][:, None], "batch_size": 8},
        "sampler": lambda: {"x": in_turn()},
        "loader": lambda: {"x": DataLoader(data, 8, shuffle=True)},
        "generator": lambda: {"x": generated(), "steps_per_epoch": 7},
        "steps": lambda: {"x": X, "y": Y, "batch_size": 8, "steps_per_epoch": 5},
        "weights": lambda: {"x": X, "y": Y, "batch_size": 8, "class_weight": {0: 1.0, 1: 3.0}},
    }[form]()


def model(optimizer: Any = "adam", **options: Any) -> Any:
    made = onfit.Sequential(
        [layers.Dense(6, activation="relu", input_dim=4), layers.Dense(1, activation="sigmoid")]
    )
    made.compile(
        optimizer,
        "binary_crossentropy",
        metrics=["acc", onfit.metrics.AUC(name="auc"), onfit.metrics.Precision(name="p")],
        **options,
    )
    return made


def fitted(form: str, optimizer: Any = "adam", alone: bool = False, epochs: int = 3) -> Any:
    """The history of a training, and its weights. The processes begin with other generators."""
    rank = dist.get_rank() if dist.is_initialized() else 0
    torch.manual_seed(7 + rank)
    made = model({"sgd": torch.optim.SGD}.get(optimizer, optimizer))
    if optimizer == "sgd":
        made.optimizer.build(made.trainable_weights)
        made.optimizer.learning_rate = 0.1
    history = made.fit(**forms(form), epochs=epochs, verbose=0, validation_data=VALIDATION)
    return history.history, made.get_weights()


class Own(onfit.Model):
    """A model with a step of its author's."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(1, activation="sigmoid")

    def call(self, x: Any) -> Any:
        return self.dense(x)

    def train_step(self, data: Any) -> Any:
        return super().train_step(data)


def own_step() -> Any:
    torch.manual_seed(7)
    made = Own()
    made.compile("adam", "binary_crossentropy", metrics=["acc"])
    history = made.fit(X[:48], Y[:48], batch_size=8, epochs=2, verbose=0)
    return history.history, made.get_weights()


def with_normalization() -> Any:
    """The running statistics of a layer are the same in all processes."""
    torch.manual_seed(7)
    made = onfit.Sequential([layers.BatchNormalization(input_shape=(4,)), layers.Dense(1)])
    made.compile("adam", "mse")
    made.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    return made.get_weights()


class Draws(Callback):
    """Keeps a number of each batch that tells what a Dropout has drawn."""

    def __init__(self) -> None:
        self.drawn: list[float] = []

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.drawn.append(float(self.run.batch.outputs.sum()))


def dropped() -> tuple[list[float], float]:
    torch.manual_seed(7)
    made = onfit.Sequential([layers.Dropout(0.5, input_shape=(40,)), layers.Dense(40)])
    made.compile("sgd", "mse")
    draws = Draws()
    made.fit(np.ones((8, 40), "float32"), np.zeros((8, 40)), 4, 1, 0, [draws])
    return draws.drawn, float(torch.rand(()))


def refused(what: str) -> str:
    rank = dist.get_rank()
    made = model()
    try:
        if what == "other data":
            made.fit(X[rank::2], Y[rank::2], verbose=0)
        elif what == "a sum":
            made.compile("adam", onfit.losses.BinaryCrossentropy(reduction="sum"))
            made.fit(X, Y, verbose=0)
    except onfit.errors.OnfitError as error:
        return f"{type(error).__name__}: {error}"
    return "no error"


def wrapped_with_data_of_its_own() -> Any:
    """A DDP net, and data that the script has shared out: each process has every second sample."""
    rank = dist.get_rank()
    torch.manual_seed(0)
    made = onfit.Model(DistributedDataParallel(nn.Linear(4, 1)))
    made.compile(onfit.optimizers.SGD(0.1), "mse")
    mine = X[rank::2], Y[rank::2]
    more = {"validation_data": mine, "steps_per_epoch": 2, "shuffle": False}
    history = made.fit(*mine, batch_size=4, epochs=2, verbose=0, **more)
    return dict(history.history), made.get_weights()


def wrapped_with_generators(begin: int) -> str:
    """A DDP net, and batches of each process' own, of which the second has fewer."""
    made = onfit.Model(DistributedDataParallel(nn.Linear(4, 1)))
    made.compile("sgd", "mse")
    rank = dist.get_rank()
    batches = ((X[i : i + 4], Y[i : i + 4]) for i in range(4 * rank, 48 - begin * rank, 8))
    try:
        made.fit(batches, verbose=0)
    except onfit.errors.DataError as error:
        return str(error)
    return "no error"


def with_few_samples() -> Any:
    """A net, which is in DDP if there are several processes; and batches of one sample, of which
    the second process has none.
    """
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1))
    made = onfit.Model(DistributedDataParallel(net) if dist.is_initialized() else net)
    made.compile(onfit.optimizers.SGD(0.1), "mse")
    more = {"batch_size": 1, "steps_per_epoch": 5, "shuffle": False, "validation_steps": 3}
    history = made.fit(X, Y, epochs=2, verbose=0, validation_data=(X, Y), **more)
    return dict(history.history), made.get_weights()


def by_hand_in_one_process() -> Any:
    """The same in torch: each batch has the next eight samples."""
    torch.manual_seed(0)
    net = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    for begin in range(0, 32, 8):
        x, y = torch.tensor(X[begin : begin + 8]), torch.tensor(Y[begin : begin + 8])
        optimizer.zero_grad()
        nn.functional.mse_loss(net(x), y).backward()
        optimizer.step()
    return [parameter.detach().numpy() for parameter in net.parameters()]


def callbacks_of_main(folder: Path) -> int:
    """A stop, and files, that the main process alone asks for."""
    stopping = EarlyStopping("loss", min_delta=10, patience=1)
    saving = ModelCheckpoint(folder / "{epoch}.pt", "loss", save_weights_only=True)
    history = model().fit(X, Y, 8, 5, 0, [] if dist.get_rank() else [stopping, saving])
    return len(history.history["loss"])


def by_itself() -> Any:
    rank = dist.get_rank()
    made = model(distribution=None)
    history = made.fit(X[rank::2], Y[rank::2], epochs=1 + rank, verbose=0)
    return len(history.history["loss"])


class Killed(Exception):  # noqa: N818 - it stands for what is no error
    pass


class Breaks(Callback):
    remembers = ()

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if self.run.progress.step == self.step:
            raise Killed


def backed_up(folder: Path, freq: str, breaks_at: int, form: str = "arrays") -> Any:
    torch.manual_seed(7)
    made = onfit.Sequential(
        [
            layers.Dense(6, activation="relu", input_dim=4),
            layers.Dropout(0.5),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    made.compile("adam", "binary_crossentropy", metrics=["acc", onfit.metrics.AUC(name="auc")])
    callbacks = [
        EarlyStopping("val_loss", patience=9, restore_best_weights=True),
        ModelCheckpoint(folder / "best.pt", save_best_only=True, save_weights_only=True),
        Breaks(breaks_at),
        BackupAndRestore(folder / "backup", freq, verbose=0),
    ]
    try:
        history = made.fit(
            **forms(form), epochs=3, verbose=0, validation_data=VALIDATION, callbacks=callbacks
        )
    except Killed:
        return None
    return history.history, [weight.tolist() for weight in made.get_weights()]


class OnMain(Callback):
    """Does something at the end of each epoch, in the main process alone."""

    remembers = ()

    def __init__(self, does: Any) -> None:
        self.does = does

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if dist.get_rank() == 0:
            self.does(self.model)


def at_odds(what: str, folder: Path) -> str:
    """A training in which the processes are not asked for the same."""
    rank = dist.get_rank()
    made, data = model(), {"x": X, "y": Y, "batch_size": 8}
    more: dict[str, Any] = {"verbose": 0, "epochs": 2, "shuffle": False}
    if what == "epochs":
        more["epochs"] = 2 + rank
    elif what == "validation":
        more["validation_data"] = VALIDATION if rank else None
    elif what == "backup" and rank:
        more["callbacks"] = [BackupAndRestore(folder, "batch", verbose=0)]
    elif what in ("stopping", "plateau") and rank:
        stopping = EarlyStopping("loss", restore_best_weights=True)
        more["callbacks"] = [stopping if what == "stopping" else ReduceLROnPlateau("loss")]
    elif what == "length":
        data = {"x": X[: 53 - 8 * rank], "y": Y[: 53 - 8 * rank], "batch_size": 8}
    elif what in ("batch_size", "shuffle", "class_weight"):
        other = {"batch_size": 9, "shuffle": True, "class_weight": {0: 1.0, 1: 2.0}}
        data |= {what: other[what]} if rank else {}
        more = {key: value for key, value in more.items() if key not in data}
    elif what == "loader":
        data = {"x": Promises(40 - 8 * rank)}
    elif what == "rate" and rank:
        made.optimizer.learning_rate = 0.5
    elif what == "frozen" and rank:
        made.layers[0].trainable = False
    elif what == "layers" and rank:
        made.add(layers.Dense(1))
    elif what == "generator":
        data = {"x": ((X[i : i + 8], Y[i : i + 8]) for i in range(0, 40 - 8 * rank, 8))}
        more = {"verbose": 0}
    elif what in ("evaluate", "predict", "get_weights", "save_weights"):
        made = model(distribution="fsdp")
        acts = {"evaluate": lambda net: net.evaluate(X, Y), "predict": lambda net: net.predict(X)}
        acts["get_weights"] = lambda net: net.get_weights()
        acts["save_weights"] = lambda net: net.save_weights(folder / "weights.safetensors")
        more["callbacks"] = [OnMain(acts[what])]
    try:
        made.fit(**data, **more)
    except onfit.errors.OnfitError as error:
        return f"{type(error).__name__}: {error}"
    return "no error"


def suggested() -> tuple[float, list[float]]:
    """The rate that a LearningRateFinder suggests, and the losses that it has found."""
    torch.manual_seed(7)
    finder = LearningRateFinder(1e-4, 10.0, steps=14)
    model().fit(X, Y, 8, 2, 0, [finder])
    return finder.suggestion, finder.losses
