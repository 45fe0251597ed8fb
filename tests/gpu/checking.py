"""Checks that are made one after the other, within a limit of time, and what they found."""

import sys
import time
import traceback
from collections.abc import Callable

import torch

from onfit.engine.placing import accelerator

DEVICE = accelerator() or torch.device("cpu")
ON_CUDA = DEVICE.type == "cuda"
MINUTES = 10

Check = Callable[[], str]  # says what it found
CHECKS: list[tuple[str, bool, Check]] = []


class LeftOut(Exception):  # noqa: N818  (no error: the check has nothing to look at here)
    """A check that cannot be made on this machine, and why."""


def check(*, needs_cuda: bool = False) -> Callable[[Check], Check]:
    """Add a function to the checks. Its first line says what is checked."""

    def add(function: Check) -> Check:
        assert function.__doc__ is not None
        CHECKS.append((function.__doc__.splitlines()[0].rstrip("."), needs_cuda, function))
        return function

    return add


def main() -> int:
    """Make all checks; the number of those that failed."""
    found = {"ok": 0, "left out": 0, "failed": 0}
    end = time.monotonic() + 60 * MINUTES
    print(f"torch {torch.__version__} on {_machine()}")
    for what, needs_cuda, function in CHECKS:
        verdict, text = _made(function, needs_cuda, end)
        found[verdict] += 1
        print(f"{verdict:9} {what}: {text}", flush=True)
    print(", ".join(f"{count} {verdict}" for verdict, count in found.items()))
    return found["failed"]


def _made(function: Check, needs_cuda: bool, end: float) -> tuple[str, str]:
    if needs_cuda and not ON_CUDA:
        return "left out", "there is no CUDA device"
    if time.monotonic() > end:
        return "left out", f"the {MINUTES} minutes are over"
    try:
        return "ok", function()
    except LeftOut as why:
        return "left out", str(why)
    except Exception:  # the other checks say more
        return "failed", traceback.format_exc()


def _machine() -> str:
    return torch.cuda.get_device_name(DEVICE) if ON_CUDA else f"{DEVICE.type} ({sys.platform})"


def near(ours: torch.Tensor, expected: torch.Tensor, what: str, rtol: float = 1e-3) -> None:
    """Compare what a GPU computed with what the CPU did."""
    a, b = ours.detach().cpu().double(), expected.detach().cpu().double()
    torch.testing.assert_close(a, b, rtol=rtol, atol=rtol, msg=lambda text: f"{what}: {text}")
