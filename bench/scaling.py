"""The constants of docs/scale.md: what each part costs, by processor time of this process.

    python -m bench.scaling

Processor time, since other programs take none of it; where a disk or another process is waited for,
the shortest of several times on the clock.
"""

import itertools
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from onfit import Model
from onfit.callbacks import (
    BackupAndRestore,
    Callback,
    CSVLogger,
    EarlyStopping,
    ModelCheckpoint,
    ReduceLROnPlateau,
)

ROUNDS = 5
SIZES = (10_000, 1_000_000, 10_000_000)


class Hears(Callback):
    """A callback that hears every batch, and reads nothing."""

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        pass


class Clock(Callback):
    """Notes the processor's and the clock's time at the end of each epoch."""

    def __init__(self) -> None:
        self.cpu: list[float] = []
        self.clock: list[float] = []

    def state_dict(self) -> dict[str, Any]:
        return {}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.cpu.append(time.process_time())
        self.clock.append(time.perf_counter())


def least(measure: Callable[[], float]) -> float:
    """The least of several rounds: what disturbs only adds."""
    return min(measure() for _ in range(ROUNDS))


def fit(features: int, rows: int, epochs: int, callbacks: list[Any], *, batch: int = 1) -> float:
    """Train a linear model; the processor's seconds."""
    model = Model(nn.Linear(features, 1))
    model.compile("sgd", "mse")
    x, y = torch.ones(rows, features), torch.ones(rows, 1)
    model.fit(x[:batch], y[:batch], batch, 1, 0)
    begin = time.process_time()
    model.fit(x, y, batch, epochs, 0, callbacks)
    return time.process_time() - begin


def of_a_batch() -> str:
    """What a callback that hears batches adds to each."""
    steps, many = 4000, 10
    alone, heard = (
        least(lambda count=count: fit(2, steps, 1, [Hears() for _ in range(count)]))
        for count in (0, many)
    )
    each = (heard - alone) / steps / many * 1e6
    return f"step of the smallest model {alone / steps * 1e6:.0f} us; a callback {each:.2f} us"


def of_an_epoch() -> str:
    """What an epoch costs beside its batches."""
    epochs = 400
    with tempfile.TemporaryDirectory() as folder:

        def usual() -> list[Any]:
            plateau = ReduceLROnPlateau("loss", patience=10**9, min_lr=0.0)
            stop = EarlyStopping("loss", patience=10**9)
            return [stop, plateau, CSVLogger(Path(folder) / "log.csv")]

        bare, more = (least(lambda make=make: fit(2, 1, epochs, make())) for make in (list, usual))
    return f"bare {bare / epochs * 1e6:.0f} us; with three callbacks {more / epochs * 1e6:.0f} us"


def of_a_save(name: str, make: Callable[[Path], Any]) -> str:
    """What a save costs by the number of parameters: processor, and clock."""
    said = []
    for size in SIZES:
        with tempfile.TemporaryDirectory() as folder:
            plain, saving = Clock(), Clock()
            fit(size, 1, 8, [plain])
            fit(size, 1, 8, [make(Path(folder)), saving])
        cpu, clock = (
            min(_gaps(getattr(saving, kind))) - min(_gaps(getattr(plain, kind)))
            for kind in ("cpu", "clock")
        )
        said.append(f"{size:,} parameters {cpu * 1e3:.1f} / {clock * 1e3:.1f} ms")
    return f"{name}: {'; '.join(said)}"


def _weights_alone(folder: Path) -> Any:
    return ModelCheckpoint(folder / "m.safetensors", save_weights_only=True)


def _gaps(times: list[float]) -> list[float]:
    return [after - before for before, after in itertools.pairwise(times)]


def of_history() -> str:
    """What a save of the run costs in the first and in the last of many epochs."""
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        fit(2, 1, 2000, [BackupAndRestore(folder), clock])
    first, last = (statistics.median(_gaps(part)) for part in (clock.cpu[:200], clock.cpu[-200:]))
    return f"epoch 100 {first * 1e3:.2f} ms; epoch 1,900 {last * 1e3:.2f} ms"


def _meets(rank: int, world: int, path: str, answers: Any) -> None:
    import torch.distributed as dist

    from onfit.engine.torch_processes import TorchProcesses

    torch.set_num_threads(1)
    store = dist.FileStore(path, world)
    dist.init_process_group("gloo", store=store, rank=rank, world_size=world)
    processes = TorchProcesses(dist.group.WORLD)
    taken: dict[str, list[float]] = {"bits": [], "logs": []}
    for _ in range(300):
        for name, ask in (("bits", lambda: processes.bits_of_all(0)),
                          ("logs", lambda: processes.of_all({"loss": 1.0}))):  # fmt: skip
            begin = time.perf_counter()
            ask()
            taken[name].append(time.perf_counter() - begin)
    if rank == 0:
        answers.put({name: (min(each), statistics.median(each)) for name, each in taken.items()})
    dist.destroy_process_group()


def of_ranks() -> str:
    """What processes on one machine pay to meet: the least, and the median."""
    said = []
    spawning = multiprocessing.get_context("spawn")
    for world in (2, 4):
        answers = spawning.Queue()
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "store")
            group = [
                spawning.Process(target=_meets, args=(rank, world, path, answers))
                for rank in range(world)
            ]
            for one in group:
                one.start()
            found = answers.get(timeout=300)
            for one in group:
                one.join()
        each = ", ".join(f"{n} {a * 1e6:.0f} / {b * 1e6:.0f} us" for n, (a, b) in found.items())
        said.append(f"{world} processes: {each}")
    return "; ".join(said)


def main() -> None:
    """Measure all, and print it line by line."""
    torch.set_num_threads(1)
    print("a batch:", of_a_batch(), flush=True)
    print("an epoch:", of_an_epoch(), flush=True)
    print("save:", of_a_save("BackupAndRestore", BackupAndRestore), flush=True)
    print("save:", of_a_save("ModelCheckpoint", _weights_alone), flush=True)
    print("a long history:", of_history(), flush=True)
    print("ranks:", of_ranks(), flush=True)


if __name__ == "__main__":
    main()
