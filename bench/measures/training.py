"""How long a training step takes, from a whole `fit` or loop.

Each contender takes turns with the tuned loop in its process, some epochs each.
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

from bench.cases import Case
from bench.contenders import BASELINE, CONTENDERS
from bench.measures import denormals
from bench.tape import Tape, Turns
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
    """Seconds per step: of the median epoch of a fresh process, without the first epoch; and those
    of the tuned loop in between.
    """
    train = import_module(f"bench.contenders.{module}").train
    work = load(workload, quick)
    tape = Tape() if module == BASELINE else Turns(tuned(work), work.turn)
    denormals.taken_for_zero()  # torch is loaded now, by one of the two
    train(work, tape, epochs=work.turn + work.epochs, shuffle=True)
    found = {"epochs": tape.seconds(), "seconds": tape.typical() / work.steps}
    if isinstance(tape, Turns):
        found["plain"] = tape.of_other.typical() / work.steps
    return {**found, "losses": losses(train, work.first(CHECKED_STEPS))}


def tuned(work: Workload) -> Iterator[float]:
    """The loss of each epoch of the tuned loop, which trains one epoch for each loss."""
    from bench.contenders import torch_tuned

    return torch_tuned.losses(work, shuffle=True)


def losses(train: Train, workload: Workload) -> list[float]:
    """The losses of a few epochs in fixed order: equal for all contenders with the same maths."""
    tape = Tape()
    train(workload, tape, epochs=CHECKED_EPOCHS, shuffle=False)
    return tape.losses
