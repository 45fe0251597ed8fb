"""`fit` with weights that are divided among the processes, as each of them calls it."""

import threading
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from tests.distributed.fits import VALIDATION, Breaks, Killed, X, Y
from torch import nn

import onfit
from onfit import layers
from onfit.callbacks import (
    BackupAndRestore,
    Callback,
    EarlyStopping,
    History,
    ModelCheckpoint,
)
from onfit.core.cadence import Cadence


class Blocks(nn.Module):
    """A net of a user's own, with a list of blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.begin = nn.Linear(4, 6)
        self.blocks = nn.ModuleList(nn.Linear(6, 6) for _ in range(2))
        self.end = nn.Linear(6, 1)

    def forward(self, x: Any) -> Any:
        x = self.begin(x)
        for block in self.blocks:
            x = torch.relu(block(x))
        return torch.sigmoid(self.end(x))


class Mine(onfit.Model):
    """A model of a user's own, with layers in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.begin = layers.Dense(6)
        self.rest = [layers.Dense(4, "relu"), layers.Dense(1, "sigmoid")]

    def call(self, x: Any) -> Any:
        x = self.begin(x)
        for layer in self.rest:
            x = layer(x)
        return x


class Steps(Mine):
    """The same, with a step of its author's."""

    def train_step(self, data: Any) -> Any:
        return super().train_step(data)


class Strays(Mine):
    """The same, with a weight that belongs to no layer."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = self.add_weight(shape=(), initializer="ones")


def functional() -> Any:
    begin = layers.Input((4,))
    twice = layers.Dense(6)
    hidden = twice(layers.Dense(6, "relu")(begin))
    return onfit.Model(begin, layers.Dense(1, "sigmoid")(layers.Add()([hidden, twice(hidden)])))


def stack(*more: Any) -> Any:
    first = layers.Dense(6, "relu", input_dim=4, kernel_regularizer="l2")
    limited = layers.Dense(6, kernel_constraint=onfit.constraints.MaxNorm(0.5))
    return onfit.Sequential([first, *more, limited, layers.Dense(1, "sigmoid")])


MODELS = {
    "a stack": stack,
    "a functional model": functional,
    "a subclass": Mine,
    "a net of torch": lambda: onfit.Model(Blocks()),
}


def made(name: str, distribution: Any = "fsdp", optimizer: Any = "adam") -> Any:
    torch.manual_seed(7)
    model = MODELS[name]()
    auc = onfit.metrics.AUC(name="auc")
    model.compile(optimizer, "binary_crossentropy", ["acc", auc], distribution=distribution)
    return model


def fitted(name: str, distribution: Any = "fsdp", optimizer: Any = None) -> Any:
    """Two trainings of one model, whose last batches have 5 samples, and 1 in the validation."""
    clips = onfit.optimizers.Adam(0.01, global_clipnorm=0.2)
    model = made(name, distribution, clips if optimizer is None else optimizer)
    more = {"batch_size": 8, "verbose": 0, "validation_data": (X[:41], Y[:41])}
    history = dict(model.fit(X, Y, epochs=2, **more).history)
    second = model.fit(X, Y, epochs=1, **more).history
    history |= {f"second_{key}": values for key, values in second.items()}
    return history, model.get_weights()


def of_pieces(name: str) -> tuple[bool, int, int]:
    """Whether weights are divided; how many numbers of them, and of the optimizer, are here."""
    model = made(name)
    model.fit(X, Y, batch_size=8, verbose=0)
    of_optimizer = [t for _, slots in model.optimizer.states() for t in slots.values()]
    return model.is_divided, _here(model.weights), _here(of_optimizer)


def _here(tensors: Any) -> int:
    return sum(getattr(t, "to_local", lambda t=t: t)().numel() for t in tensors)


def with_callbacks(folder: Path, breaks_at: int = 0, background: bool = False) -> Any:
    """A training that is stopped early, saved and restored; None if it broke."""
    model = made("a stack", optimizer=onfit.optimizers.Adam(0.3))
    history = History()
    callbacks = [
        history,
        EarlyStopping("val_loss", patience=2, restore_best_weights=True),
        ModelCheckpoint(folder / "best.keras", save_best_only=True, background=background),
        ModelCheckpoint(folder / "best.safetensors", save_best_only=True, save_weights_only=True),
        Breaks(breaks_at),
        BackupAndRestore(folder / "backup", "batch", verbose=0, background=background),
    ]
    more = {"validation_data": VALIDATION, "callbacks": callbacks, "verbose": 0}
    try:
        model.fit(X, Y, batch_size=8, epochs=12, **more)
    except Killed:
        return None
    return history.history, [weight.tolist() for weight in model.get_weights()]


def normalized() -> Any:
    """The running statistics of a normalization, in each process."""
    torch.manual_seed(7)
    model = stack(layers.BatchNormalization())
    model.compile("sgd", "mse", distribution="fsdp")
    model.fit(X, Y, batch_size=8, verbose=0)
    return [weight.tolist() for weight in model.get_weights()]


def refused(what: str) -> str:
    torch.manual_seed(7)
    model = {"a stray": Strays, "a step": Steps}.get(what, stack)()
    optimizer: Any = "sgd"
    if what == "a torch optimizer":
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
    model.compile(optimizer, "mse", distribution="fsdp")
    rank = dist.get_rank()
    mine = (X[rank::2], Y[rank::2]) if what == "other data" else (X, Y)
    try:
        model.fit(*mine, batch_size=8, verbose=0)
    except onfit.errors.OnfitError as error:
        return f"{type(error).__name__}: {error}"
    return "no error"


def goes_on_with_state() -> Any:
    """A training in one process, and one of both that goes on with its optimizer."""
    model = made("a stack", distribution=None)
    model.fit(X, Y, batch_size=53, epochs=2, verbose=0)
    steps = int(model.optimizer.iterations)
    whole = [t.clone() for _, slots in model.optimizer.states() for t in slots.values()]
    model.distribution = "fsdp"

    class Looks(Callback):
        def on_train_begin(self, logs: Any = None) -> None:
            slots = [t for _, of in self.model.optimizer.states() for t in of.values()]
            pairs = zip(slots, whole, strict=True)
            self.same = all(torch.equal(slot.full_tensor(), its) for slot, its in pairs)

    looks = Looks()
    model.fit(X, Y, batch_size=53, epochs=1, verbose=0, callbacks=[looks])
    return looks.same, int(model.optimizer.iterations) - steps


def wrapped_unevenly(wrapper: str) -> Any:
    """A net that its owner has wrapped, and batches that cannot be divided evenly."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard
    from torch.nn.parallel import DistributedDataParallel

    torch.manual_seed(7)
    net: Any = Blocks()
    if wrapper == "ddp":
        net = DistributedDataParallel(net)
    elif wrapper == "fsdp":
        net = fully_shard(net, mesh=init_device_mesh("cpu", (2,)))
    model = onfit.Model(net)
    model.compile("adam", "binary_crossentropy", ["acc"])
    more = {"batch_size": 13, "epochs": 2, "validation_data": (X[:27], Y[:27]), "verbose": 0}
    history = model.fit(X, Y, **more)
    return dict(history.history), model.get_weights()


def sizes() -> list[np.ndarray[Any, Any]]:
    return [np.asarray(weight.shape) for weight in made("a stack", None).weights]


def left(folder: Path) -> Any:
    """The files of the newest checkpoint of a training that broke, and what each has of weights."""
    from onfit.storage import checkpoint_files

    with_callbacks(folder, 10)
    dist.barrier()
    newest = max((folder / "backup").glob("checkpoint-*"))
    pieces = checkpoint_files.read_pieces(newest)
    whole = checkpoint_files.read_checkpoint(newest)["model"]["weights"]
    sizes = [sum(array.nbytes for array in file.values()) for file in pieces]
    return sorted(path.name for path in newest.iterdir()), sizes, next(iter(whole.values()))


def on_full_disk(folder: Path, background: bool = False) -> str:
    """A training whose second process cannot write its pieces."""
    from onfit.callbacks.backup_and_restore import in_pieces

    write = in_pieces.write_pieces

    calls: list[Any] = []

    def full(*args: Any, **more: Any) -> Any:
        calls.append(args)
        if dist.get_rank() == 1 and len(calls) > background:
            raise OSError(28, "No space left on device")
        return write(*args, **more)

    in_pieces.write_pieces = full
    try:
        with_callbacks(folder, background=background)
    except onfit.errors.StorageError as error:
        return str(error)
    finally:
        in_pieces.write_pieces = write
    return "no error"


def saved_by(what: str, folder: Path) -> Any:
    """What ModelCheckpoint saves within epochs, where processes do not see the same."""
    rank = dist.get_rank()
    if what == "the time":
        saver = ModelCheckpoint(folder / "{step}.safetensors", save_weights_only=True)
        saver._cadence = Cadence(3.0, "seconds", clock=count(step=1 - rank).__next__)
    else:
        name = folder / "{step}.safetensors"
        saver = ModelCheckpoint(name, "loss", 0, True, True, save_freq="batch")
    model = made("a stack")
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0, callbacks=[saver])
    dist.barrier()
    return sorted(path.name for path in folder.iterdir())


class Watches(Callback):
    """Lets the second process write its pieces when a later batch is over; notes what is there."""

    remembers = ()

    def __init__(self, folder: Path, begun: threading.Event, let_go: threading.Event) -> None:
        self.folder, self.begun, self.let_go = folder, begun, let_go
        self.there: dict[int, list[str]] = {}
        self.weights: dict[int, Any] = {}

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        step = self.run.progress.step
        if step in (4, 6):
            dist.barrier()
            if step == 6 and dist.get_rank() == 1:
                assert self.begun.wait(60)
            dist.barrier()
            self.there[step] = sorted(path.name for path in self.folder.glob("checkpoint-*"))
            self.weights[step] = [weight.tolist() for weight in self.model.get_weights()]
            dist.barrier()
            if step == 6:
                self.let_go.set()


def written_late(folder: Path) -> Any:
    """A training that goes on while one process has not written its pieces. The checkpoints that
    are there then, and in the end; the weights at the save, and those of its checkpoint.
    """
    from onfit.callbacks.backup_and_restore import in_pieces

    write, begun, let_go = in_pieces.write_pieces, threading.Event(), threading.Event()
    calls: list[Any] = []

    def late(*args: Any, **more: Any) -> Any:
        calls.append(args)
        if dist.get_rank() == 1 and len(calls) == 2:
            begun.set()
            assert let_go.wait(60)
        return write(*args, **more)

    in_pieces.write_pieces = late
    watches = Watches(folder, begun, let_go)
    saves = BackupAndRestore(folder, "4 batches", verbose=0, background=True, keep=9)
    model = made("a stack")
    try:
        model.fit(X, Y, 8, epochs=1, verbose=0, callbacks=[watches, Breaks(7), saves])
    except Killed:
        pass
    finally:
        in_pieces.write_pieces = write
    dist.barrier()
    again = made("a stack")
    holds = BackupAndRestore(folder, "9 hours", verbose=0)

    class Looks(Callback):
        remembers = ()

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            if not hasattr(self, "weights"):
                self.weights = [weight.tolist() for weight in self.model.get_weights()]

    looks = Looks()
    there = sorted(path.name for path in folder.glob("checkpoint-*"))
    again.fit(X, Y, batch_size=8, epochs=1, verbose=0, callbacks=[looks, Breaks(0), holds])
    return watches.there, there, watches.weights[4], looks.weights


def copied_by(weights_only: bool) -> int:
    """How many bytes this process holds of a copied model."""
    model = made("a stack")
    model.fit(X, Y, batch_size=8, verbose=0)
    contents = model.snapshot(weights_only)._contents
    held = [*contents.named.values(), *(one for _, one in contents.optimizer)]
    tensors = [one for one in held if isinstance(one, torch.Tensor)]
    return sum(tensor.untyped_storage().nbytes() for tensor in tensors)


def looked_at() -> Any:
    """What a model of pieces shows in a process, beside its training, and takes."""
    model = made("a stack")
    model.fit(X, Y, batch_size=8, verbose=0)
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    measured = model.evaluate(X[:7], Y[:7], batch_size=3, verbose=0)
    layer, before = model.layers[0], model.get_weights()
    model.predict(X[:3], verbose=0)  # which leaves whole copies in the place of pieces
    own = [weight.tolist() for weight in layer.get_weights()]
    layer.set_weights([before[0] + 1, before[1]])
    layer.bias = before[1] + 2
    after = model.get_weights()
    moved = [float((mine - its).mean()) for mine, its in zip(after, before, strict=True)]
    model.set_weights(before)
    plain = made("a stack", None)
    plain.build((None, 4))
    plain.set_weights(before)
    return {
        "total": next(line for text in lines for line in text.splitlines() if "Total" in line),
        "numbers": model.count_params(),
        "shapes": [tuple(weight.shape) for weight in model.weights],
        "layer": own == [weight.tolist() for weight in before[:2]],
        "moved": [round(each, 5) for each in moved],
        "evaluated": (measured, plain.evaluate(X[:7], Y[:7], batch_size=3, verbose=0)),
        "predicted": (model.predict(X[:5], verbose=0), plain.predict(X[:5], verbose=0)),
        "seen": len(model.named_activations(X[:3])),
        "gradients": [tuple(grad.shape) for _, grad in model.named_gradients(X[:3], Y[:3])],
    }


def left_to_itself() -> str:
    model = made("a stack")
    model.fit(X, Y, batch_size=8, verbose=0)
    model.compile("sgd", "mse", distribution=None)
    try:
        model.fit(X, Y, verbose=0)
    except onfit.errors.ArgumentError as error:
        return str(error)
    return "no error"
