"""`fit` whose gradients accumulate over several batches, as each process of a group calls it."""

import re
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from tests.distributed.fits import Breaks, Killed, X, Y
from torch import nn
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import allreduce_hook
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, TensorDataset

import onfit
from onfit import layers
from onfit.callbacks import BackupAndRestore, Callback

EVERY = 4  # batches, of which an epoch has 7: some are left over at its end


class Seen(Callback):
    """Notes in one process, for each batch, how large its gradient is."""

    main_process_only = True
    remembers = ()

    def __init__(self) -> None:
        self.norms: list[float] = []

    def on_before_optimizer_step(self, step: int, logs: Any = None) -> None:
        self.norms.append(sum(float(p.grad.norm()) for p in self.model.trainable_weights))


class Own(onfit.Model):
    """A model with a step of its author's."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = layers.Dense(1, "sigmoid", input_dim=4)

    def call(self, x: Any) -> Any:
        return self.dense(x)

    def train_step(self, data: Any) -> Any:
        return super().train_step(data)


class Exchanges:
    """Counts the numbers that `dist.all_reduce` brings together, each time that it is called."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self._plain = dist.all_reduce

    def __enter__(self) -> "Exchanges":
        def counting(tensor: Any, *args: Any, **more: Any) -> Any:
            self.sizes.append(tensor.numel())
            return self._plain(tensor, *args, **more)

        dist.all_reduce = counting
        return self

    def __exit__(self, *error: object) -> None:
        dist.all_reduce = self._plain


def net(kind: str) -> Any:
    if kind == "a step of one's own":
        return Own()
    if kind in ("DDP", "one process"):
        parts = nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 1), nn.Sigmoid()
        module = nn.Sequential(*parts)
        return onfit.Model(DistributedDataParallel(module) if kind == "DDP" else module)
    first = layers.Dense(6, "relu", input_dim=4)
    normalized = [layers.BatchNormalization()] if "normalized" in kind else []
    return onfit.Sequential([first, *normalized, layers.Dense(1, "sigmoid")])


def trained(kind: str, callbacks: Any = (), scaled: bool = False, **more: Any) -> Any:
    """A model after a training; its history; how often gradients were brought together."""
    torch.manual_seed(7)
    model, exchanges = net(kind), Exchanges()
    if kind == "DDP":
        model.net.register_comm_hook(None, allreduce_hook)  # DDP's own way, by `dist.all_reduce`
    optimizer: Any = onfit.optimizers.Adam(0.1, gradient_accumulation_steps=EVERY)
    if scaled:
        optimizer = onfit.optimizers.LossScaleOptimizer(optimizer)
    model.compile(optimizer, "binary_crossentropy", ["acc"], sync_batch_norm="whole" in kind)
    with exchanges:
        history = model.fit(X, Y, 8, verbose=0, callbacks=list(callbacks), **{"epochs": 3, **more})
    return model, dict(history.history), exchanges.sizes


def fitted(kind: str, scaled: bool = False) -> Any:
    """History, weights, the gradients that are left over, and the number of exchanges of them."""
    model, history, sizes = trained(kind, scaled=scaled)
    numbers = sum(weight.numel() for weight in model.trainable_weights)
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    left = [one.tolist() for one in optimizer.slots["gradient_accumulator"]]
    exchanged = sum(size >= numbers for size in sizes)
    return (history, model.get_weights()), left, exchanged, len(sizes)


def seen(kind: str) -> Any:
    """The gradients of batches that a callback of the main process sees, and the exchanges."""
    looks = Seen()
    _, _, sizes = trained(kind, [looks])
    return looks.norms, len(sizes)


def twice(kind: str) -> Any:
    """Two trainings of one model; the second goes on with what the first left over."""
    model, _, _ = trained(kind, epochs=1)
    model.fit(X, Y, 8, epochs=2, initial_epoch=1, verbose=0, callbacks=[Seen()])
    return model.get_weights()


def broken(kind: str, folder: Path, breaks_at: int) -> Any:
    saves = BackupAndRestore(folder, "batch", verbose=0)
    try:
        model, history, _ = trained(kind, [Breaks(breaks_at), saves])
    except Killed:
        return None
    return history, [weight.tolist() for weight in model.get_weights()]


class Watches(Callback):
    """Asks for the gradients of batches when the training is under way."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.model.observe_gradients()


def watched_later() -> str:
    try:
        trained("a stack", [Watches()])
    except onfit.errors.CapabilityError as error:
        return str(error)
    return "no error"


def in_the_documents(folder: Path, breaks_at: int = 0) -> Any:
    """The loop of docs/many-processes.md that accumulates; the weights, and the exchanges."""
    page = Path(__file__).parents[2] / "docs" / "many-processes.md"
    blocks = re.findall("```python\n(.*?)```", page.read_text("utf-8"), flags=re.S)
    loop = next(block for block in blocks if "no_sync" in block)
    rank, history = dist.get_rank(), onfit.callbacks.History()
    torch.manual_seed(7)
    plain = nn.Linear(4, 1)
    wrapped = DistributedDataParallel(plain)
    wrapped.register_comm_hook(None, allreduce_hook)
    given = {
        "net": wrapped,
        "callbacks": [history, Breaks(breaks_at), BackupAndRestore(folder, "batch", verbose=0)],
        "optimizer": torch.optim.SGD(wrapped.parameters(), 0.1, momentum=0.9),
        "loader": DataLoader(TensorDataset(*map(torch.from_numpy, (X[rank::2], Y[rank::2]))), 4),
        "loss_of": nn.functional.mse_loss,
        "onfit": onfit,
    }
    with Exchanges() as exchanges:
        try:
            exec(loop.replace("epochs=20", "epochs=3"), given)
        except Killed:
            return None
    weights = [weight.tolist() for weight in plain.parameters()]
    return history.history["loss"], weights, exchanges.sizes.count(4 + 1)
