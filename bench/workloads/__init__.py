"""The trainings that are timed, by name."""

from collections.abc import Callable

from bench.workloads.images import conv, mlp, softmax
from bench.workloads.moons import moons, moons_saving
from bench.workloads.texts import lstm
from bench.workloads.wide import large
from bench.workloads.workload import Workload

WORKLOADS: dict[str, Callable[[], Workload]] = {
    "moons": moons,
    "moons_saving": moons_saving,
    "softmax": softmax,
    "mlp": mlp,
    "conv": conv,
    "lstm": lstm,
    "large": large,
}

TITLES = {
    "moons": "30 points, net 2-500-1, validation, EarlyStopping, best-only checkpoint on val_acc; "
    "time of an epoch",
    "moons_saving": "moons with the checkpoint on val_loss, which saves in nearly every epoch",
    "softmax": "60,000 x 784 to 10 classes, batch 128",
    "mlp": "net 784-128-10, batch 32",
    "conv": "28 x 28 x 1, two convolutions (32, 64) with pooling, batch 64",
    "lstm": "texts of 80 words, embedding 32, LSTM 64, batch 32",
    "large": "net 1024-4096-4096-1024-10 (25 million weights), batch 64",
}


def load(name: str, quick: bool = False) -> Workload:
    """The training of that name; a short one if `quick`."""
    workload = WORKLOADS[name]()
    return workload.quick() if quick else workload
