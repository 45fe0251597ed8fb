"""How long a training step takes, from a whole `fit` or loop."""

from collections.abc import Callable, Iterator
from importlib import import_module
from statistics import median
from typing import Any

from bench.cases import Case
from bench.contenders import CONTENDERS
from bench.measures import denormals
from bench.tape import Tape
from bench.workloads import WORKLOADS, load
from bench.workloads.workload import Workload

Train = Callable[..., None]

CHECKED_STEPS = 5
CHECKED_EPOCHS = 3


def cases(quick: bool) -> Iterator[Case]:
    for workload in WORKLOADS:
        for name, contender in CONTENDERS.items():
            if workload not in contender.declines:
                arguments = {"module": contender.module, "workload": workload, "quick": quick}
                yield Case(workload, name, __name__, arguments, contender=name)


def run(module: str, workload: str, quick: bool) -> dict[str, Any]:
    """Seconds per step: the median epoch of a fresh process, the first epoch aside."""
    train = import_module(f"bench.contenders.{module}").train
    denormals.taken_for_zero()
    work = load(workload, quick)
    tape = Tape()
    train(work, tape, epochs=1 + work.epochs, shuffle=True)
    epochs = tape.seconds()
    return {
        "seconds": median(epochs[1:]) / work.steps,
        "epochs": epochs,
        "steps": work.steps,
        "losses": losses(train, work.first(CHECKED_STEPS)),
    }


def losses(train: Train, workload: Workload) -> list[float]:
    """The loss of each of a few epochs in fixed order: equal for all who do the same maths."""
    tape = Tape()
    train(workload, tape, epochs=CHECKED_EPOCHS, shuffle=False)
    return tape.losses
