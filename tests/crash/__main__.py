"""Strike trainings at every place there is, by SIGKILL and by signals to their whole group, and see
that each, started again, ends as if nothing had been; read damaged files, and see that each is
refused or read.

python -m tests.crash              what `make crash` does
python -m tests.crash --sample 12  a dozen places
python -m tests.crash --files 300  so many files, and no training
"""

import argparse
import importlib
import multiprocessing
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import torch
from tests.crash.files import faults_of
from tests.crash.killing import (
    Place,
    Verdict,
    killed_and_compared,
    left_by,
    places_of,
    train_and_tell,
)
from tests.crash.trainings import TRAININGS, compiled

from onfit.core.console import say

# Killed at every place; of the others, which differ in how they load their data, some.
_THOROUGHLY = "arrays"
_PLACES_OF_OTHERS = 25
# Workers that are new programs take seconds to begin.
_SLOW = ("loader_with_spawned_workers", "loader_with_served_workers")
_PLACES_OF_SLOW = 4
# How many places of each training get each of the other signals.
_SIGNALS = {signal.SIGTERM: 40, signal.SIGINT: 24, signal.SIGUSR1: 12}
_FILES, _FILES_AT_ONCE = 5000, 100
_SAID_EVERY = 250
# A file of arrays is written in pieces that are alike; one in so many is enough.
_ALIKE = 20


def main() -> int:
    torch.set_num_threads(1)
    arguments = _parsed()
    if arguments.train:
        train_and_tell(arguments.train[0], Path(arguments.train[1]))
        return 0
    _warm_up()
    begin = time.monotonic()
    # Forked now, while there are no threads.
    with ProcessPoolExecutor(arguments.processes, multiprocessing.get_context("fork")) as pool:
        if arguments.files is not None:
            return _told_of_files(list(_faults(pool, arguments.files)), arguments.files)
        verdicts = list(_verdicts(pool, arguments.training or list(TRAININGS), arguments.sample))
        failed = _told(verdicts, time.monotonic() - begin)
        if arguments.training or arguments.sample:
            return failed
        return _told_of_files(list(_faults(pool, _FILES)), _FILES) or failed


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--sample", type=int, help="so many places, of all trainings together")
    parser.add_argument("--files", type=int, help="only damaged files, so many")
    parser.add_argument("--training", nargs="+", choices=TRAININGS, help="only these")
    parser.add_argument("--processes", type=int, default=2, help="so many at a time")
    parser.add_argument("--train", nargs=2, help=argparse.SUPPRESS)
    return parser.parse_args()


def _warm_up() -> None:
    """Import what a training imports, so that no fork has to: by what makes it do so."""
    compiled()
    torch.optim.AdamW([torch.zeros(1)])
    for name in (
        "h5py",
        "onfit.saving",
        "tensorboard.backend.event_processing.event_accumulator",
        "tensorboard.summary.writer.event_file_writer",
    ):
        importlib.import_module(name)


def _verdicts(pool: Executor, trainings: list[str], sample: int | None) -> Iterator[Verdict]:
    expected = dict(zip(trainings, pool.map(left_by, trainings), strict=True))
    found = dict(zip(trainings, pool.map(places_of, trainings), strict=True))
    chosen = [place for name in trainings for place in _chosen(found[name], trainings, sample)]
    signalled = [place for name in trainings for place in _signalled(found[name], sample)]
    places = [*chosen, *signalled]
    wanted = [expected[place.training] for place in places]
    say(f"{len(places)} places")
    for count, verdict in enumerate(pool.map(killed_and_compared, places, wanted), 1):
        for problem in verdict.differences if verdict.struck else ("it did not end of it",):
            place = verdict.place
            say(f"{place.training}, struck by {place.by.name} at {place.name}: {problem}")
        if count % _SAID_EVERY == 0:
            say(f"{count} done")
        yield verdict


def _chosen(places: list[Place], trainings: list[str], sample: int | None) -> list[Place]:
    if sample is not None:
        return _spread(places, -(-sample // len(trainings)))
    if places[0].training in _SLOW:
        return _spread(places, _PLACES_OF_SLOW)
    if places[0].training != _THOROUGHLY:
        return _spread(places, _PLACES_OF_OTHERS)
    alike = [place for place in places if "write of arrays.bin" in place.name]
    others = [place for place in places if "write of arrays.bin" not in place.name]
    return others + _spread(alike, len(alike) // _ALIKE)


def _signalled(places: list[Place], sample: int | None) -> list[Place]:
    """Places to be struck at by the signals that end a run well."""
    found = []
    for number, count in _SIGNALS.items():
        if sample is not None:
            count = 1 if number is signal.SIGTERM else 0
        elif places[0].training in _SLOW:
            count = 2
        found += [replace(place, by=number) for place in _spread(places, count)] if count else []
    return found


def _spread(places: list[Place], count: int) -> list[Place]:
    """Places from the first to the last, as far apart as their number allows."""
    step = len(places) / min(count, len(places))
    return [places[int((number + 0.5) * step)] for number in range(min(count, len(places)))]


def _faults(pool: Executor, count: int) -> Iterator[str]:
    """What went wrong with damaged files, of which each is another."""
    begins = range(0, count, _FILES_AT_ONCE)
    parts = [list(range(begin, min(begin + _FILES_AT_ONCE, count))) for begin in begins]
    for faults in pool.map(faults_of, parts):
        for fault in faults:
            say(f"damaged file, {fault}")
            yield fault


def _told_of_files(faults: list[str], count: int) -> int:
    say(f"{count - len(faults)} of {count} damaged files held")
    return 1 if faults else 0


def _told(verdicts: list[Verdict], seconds: float) -> int:
    struck = [verdict for verdict in verdicts if verdict.struck]
    identical = [verdict for verdict in struck if not verdict.differences]
    over = sum(verdict.over for verdict in identical)
    say(
        f"{len(identical)} of {len(struck)} identical, in {seconds:.0f} s "
        f"({over} were struck when all was done, and left all their files)"
    )
    missed = len(verdicts) - len(struck)
    if missed:
        say(f"{missed} did not end where they were struck")
    return 0 if len(identical) == len(verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
