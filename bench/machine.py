"""The machine in words, and how busy it was."""

import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter
from typing import Any

LIBRARIES = (
    "torch",
    "numpy",
    "keras",
    "jax",
    "tensorflow",
    "lightning",
    "skorch",
    "poutyne",
    "pytorch-ignite",
    "transformers",
    "safetensors",
    "h5py",
)


def described(threads: int) -> dict[str, Any]:
    return {
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "threads": threads,
        "memory_gib": round(memory_bytes() / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": versions(LIBRARIES),
    }


def processor_name() -> str:
    try:
        with open("/proc/cpuinfo") as file:
            names = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.processor() or platform.machine()


def memory_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def versions(packages: Iterable[str]) -> dict[str, str]:
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def load() -> dict[str, Any]:
    """How busy the machine is: the load average, and the times of a fixed piece of work."""
    return {"loadavg": os.getloadavg()[0], "calibration": [calibration() for _ in range(10)]}


def calibration() -> float:
    """Seconds for the same sum, several times. If they vary, another process is at work."""
    began = perf_counter()
    sum(range(1_000_000))
    return perf_counter() - began


def torch_threads() -> int:
    """How many threads torch takes by default: one for each physical core."""
    question = "import torch; print(torch.get_num_threads())"
    answer = subprocess.run([sys.executable, "-c", question], capture_output=True, check=True)
    return int(answer.stdout)
