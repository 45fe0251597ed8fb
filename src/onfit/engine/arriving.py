"""The wait, where a training begins, for the processes that take part in it."""

import math
import os
import sys
import time
from typing import Any

from onfit.core.console import say
from onfit.errors import ArgumentError, OutOfStepError

PATIENCE = "ONFIT_START_TIMEOUT"  # the variable of the environment that says how long, in seconds

_SECONDS = 300.0  # since one of them may still prepare the data
_SPEAKS_AFTER = 10.0  # seconds
_LOOKS_EVERY = 0.05  # seconds; at first more often


def patience() -> float:
    """How many seconds the processes that are there wait for one that is not.

    Raises:
        ArgumentError: if the variable of the environment is no such number.
    """
    given = os.environ.get(PATIENCE, "")
    try:
        seconds = float(given or _SECONDS)
    except ValueError:
        seconds = math.nan
    if not seconds > 0:
        raise ArgumentError(
            f"{PATIENCE}={given!r}: the number of seconds for which a training waits, where it "
            "begins, for all its processes. Set a number above 0."
        )
    return seconds


def arrive(store: Any, rank: int, world: int, training: str) -> None:
    """Return when all processes have called this for one training.

    Torch's own questions wait for half an hour, and do not say for whom. So this comes before the
    first of them. Where all are there it takes about a millisecond.

    Args:
        store: torch's, which the processes have in common.
        rank: the number of this process.
        world: how many there are.
        training: what begins; each time another text.

    Raises:
        OutOfStepError: if some do not come in time. It names them.
    """
    store.set(f"{training}/{rank}", "here")
    if store.add(f"{training}/count", 1) >= world:
        store.set(f"{training}/all", "here")
    begin, limit = time.monotonic(), patience()
    if limit > _SPEAKS_AFTER and not _seen(store, f"{training}/all", begin + _SPEAKS_AFTER):
        waits = f"Process {rank} waits for {_missing(store, world, training)} to begin {training}."
        say(waits, sys.stderr, in_all=True)
    if not _seen(store, f"{training}/all", begin + limit):
        raise OutOfStepError(
            f"{training.capitalize()} has begun in process {rank} of {world}. Within {limit:g} "
            f"seconds nothing came of {_missing(store, world, training)}. All processes of a "
            "launcher train together: call fit, or enter Run, in each of them, and as often. For a "
            "model that one process trains by itself, compile(distribution=None). If a process "
            f"needs longer to get ready, set {PATIENCE} to more seconds."
        )


def _seen(store: Any, key: str, end: float) -> bool:
    """Whether a key is there before the clock is at `end`. Signals are heard meanwhile, which a
    wait of the store's own would not let through.
    """
    pause = 0.001
    while not store.check([key]):
        if time.monotonic() > end:
            return False
        time.sleep(pause)
        pause = min(2 * pause, _LOOKS_EVERY)
    return True


def _missing(store: Any, world: int, training: str) -> str:
    """The processes that have not come, as text."""
    ranks = [rank for rank in range(world) if not store.check([f"{training}/{rank}"])]
    return f"{'process' if len(ranks) == 1 else 'processes'} {', '.join(map(str, ranks))}"
