"""The time from the first import until one batch has been trained on."""

from collections.abc import Iterator
from importlib import import_module
from typing import Any

from bench.cases import Case
from bench.contenders import CONTENDERS
from bench.tape import Tape
from bench.workloads import load

GROUP = "first_batch"


def cases(quick: bool) -> Iterator[Case]:
    for name, contender in CONTENDERS.items():
        if GROUP not in contender.declines:
            arguments = {"module": contender.module}
            yield Case(GROUP, name, __name__, arguments, contender=name, once=True)


def run(module: str) -> dict[str, Any]:
    """Seconds for a whole training of one batch, including imports and the building of the model.

    Imports are included, because some libraries load at their first step what others load at once.
    """
    workload = load("mlp").first(1)
    tape = Tape()
    train = import_module(f"bench.contenders.{module}").train
    train(workload, tape, epochs=1, shuffle=True)
    return {"seconds": tape.seconds()[0]}
