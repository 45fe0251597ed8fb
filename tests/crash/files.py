"""Reads damaged files, and sees that each is read, or refused by an error of onfit's own.

Each reading may take 2 GB of memory more than it found, and ten seconds of a processor. It is done
in a fork, which the system ends if it takes more, if it waits, or if a library does not survive
what it reads.
"""

import os
import resource
import signal
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from tests.crash.damage import SUFFIXES, write

from onfit import layers
from onfit.errors import OnfitError
from onfit.models import Model, Sequential, load_model

_SECONDS, _MEMORY = 10, 2 << 30
_TOO_LONG = 120  # seconds, on a machine that does other things, too
# So many files are read by one fork, as long as it lives.
_AT_ONCE = 50


def faults_of(numbers: list[int]) -> list[str]:
    """Read the damaged files of these numbers; what each did that no file should do."""
    with tempfile.TemporaryDirectory(prefix="onfit-files-") as scratch:
        folder = Path(scratch)
        whole = _whole(folder)
        left, faults = list(numbers), []
        while left:
            done, problems = _forked(left[:_AT_ONCE], folder, whole)
            left = left[done:]
            faults += problems
        return faults


def _whole(folder: Path) -> dict[str, bytes]:
    """A sound file of each format."""
    model = _model()
    found = {}
    for suffix in SUFFIXES[:3]:
        save = model.save_weights if suffix == ".weights.h5" else model.save
        save(folder / f"whole{suffix}", notes={"epoch": 3})
        found[suffix] = (folder / f"whole{suffix}").read_bytes()
    for suffix in SUFFIXES[3:]:
        _net().save_weights(folder / f"whole{suffix}", notes={"epoch": 3})
        found[suffix] = (folder / f"whole{suffix}").read_bytes()
    return found


def _stack() -> Sequential:
    return Sequential(
        [layers.Input((6, 4)), layers.LSTM(3), layers.BatchNormalization(), layers.Dense(2)]
    )


def _model() -> Sequential:
    model = _stack()
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.ones((4, 6, 4), "float32"), np.ones((4, 2), "float32"), verbose=0)
    return model


def _net() -> Model:
    return Model(torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.BatchNorm1d(3)))


def _forked(numbers: list[int], folder: Path, whole: dict[str, bytes]) -> tuple[int, list[str]]:
    """Read files in a fork; how many it came to, and what went wrong."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        _child(numbers, folder, whole, writer)
    os.close(writer)
    with os.fdopen(reader) as told:
        lines = told.read().splitlines()
    status = os.waitpid(child, 0)[1]
    problems = [line for line in lines if line]
    if status == 0:
        return len(numbers), problems
    last = f"number {numbers[len(lines)]}: the process was ended, status {status}"
    return len(lines) + 1, [*problems, last]


def _child(numbers: list[int], folder: Path, whole: dict[str, bytes], writer: int) -> None:
    """Say a line for each file, an empty one if all is well."""
    code = 1
    try:
        warnings.simplefilter("ignore")
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + _MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for number in numbers:
            os.write(writer, f"{_fault(number, folder, whole)}\n".encode())
        code = 0
    finally:
        os._exit(code)


def _fault(number: int, folder: Path, whole: dict[str, bytes]) -> str:
    path = write(folder, whole, number)
    signal.setitimer(signal.ITIMER_PROF, _SECONDS)
    signal.alarm(_TOO_LONG)
    problems = [problem for problem in _problems(path) if problem]
    signal.alarm(0)
    signal.setitimer(signal.ITIMER_PROF, 0)
    return f"number {number}, {path.name}: {'; '.join(problems)}" if problems else ""


def _problems(path: Path) -> Iterator[str]:
    model = _net() if path.suffix in (".safetensors", ".pt") else _stack()
    before = [weight.copy() for weight in model.get_weights()]
    refusal = _problem_with(lambda: model.load_weights(path))
    yield refusal or ""
    if refusal is not None:
        after = model.get_weights()
        same = all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))
        yield "" if same else "it was refused, and weights are changed"
    yield _problem_with(lambda: model.notes_in(path)) or ""
    if path.name in ("x.keras", "x.h5"):
        yield _problem_with(lambda: load_model(path)) or ""


def _problem_with(act) -> str | None:
    """What is wrong with the outcome, on one line; empty for an error of onfit's own, None if it
    worked.
    """
    try:
        act()
    except OnfitError as error:
        return "memory was gone" if _lacked_memory(error) else ""
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return None


def _lacked_memory(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, MemoryError) or "allocate memory" in str(error):
            return True
        error = error.__cause__
    return False
