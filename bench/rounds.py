"""Rounds: each makes every measurement once, in fresh processes, in a shuffled order."""

import compileall
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

from bench import machine
from bench.cases import Case

Figures = dict[str, Any]
TIME_LIMIT = 300  # seconds for one process


def measure(cases: Sequence[Case], rounds: int, threads: int) -> list[dict[str, Any]]:
    """All rounds; each is the load before it, and `figures[group][name]`."""
    compile_onfit()
    return [one_round(cases, number, threads) for number in range(1, rounds + 1)]


def compile_onfit() -> None:
    """Compile onfit to bytecode, as installing does; here it runs from its source folder."""
    (folder,) = find_spec("onfit").submodule_search_locations
    compileall.compile_dir(folder, quiet=1)


def one_round(cases: Sequence[Case], number: int, threads: int) -> dict[str, Any]:
    measured: dict[str, Any] = {"load": machine.load(), "figures": {}}
    due = [case for case in cases if number == 1 or not case.once]
    for place, case in enumerate(shuffled(due, seed=number), start=1):
        print(f"round {number}, {place}/{len(due)}: {case.group}: {case.name}", flush=True)
        figures = in_process(case, threads)
        if "error" in figures:
            print(f"    failed: {figures['error']}", flush=True)
        measured["figures"].setdefault(case.group, {})[case.name] = figures
    return measured


def shuffled(cases: Sequence[Case], seed: int) -> list[Case]:
    """The groups in random order, and the cases within each group too.

    So the cases that are compared are measured close in time.
    """
    chance = random.Random(seed)
    groups = sorted({case.group for case in cases})
    chance.shuffle(groups)
    order = []
    for group in groups:
        members = [case for case in cases if case.group == group]
        chance.shuffle(members)
        order += members
    return order


def in_process(case: Case, threads: int, run: Callable[..., Any] = subprocess.run) -> Figures:
    """The figures of one case; `{"error": ...}` if its process gave none."""
    environment = {**os.environ, **case.environment, **thread_limits(threads)}
    try:
        done = run(
            case.command(sys.executable),
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIME_LIMIT,
        )
    except subprocess.TimeoutExpired:
        return {"error": f"took more than {TIME_LIMIT} seconds"}
    if done.returncode:
        return {"error": last_line(done.stderr) or f"exit status {done.returncode}"}
    return json.loads(done.stdout)


def last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""


def thread_limits(threads: int) -> dict[str, str]:
    return {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
