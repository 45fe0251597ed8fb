"""The library without engine/fast: the same, only slower."""

import os
import shutil
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]
DOOR = "# the door to engine/fast"  # what marks the lines to delete
COPIED = (
    "src",
    "tests",
    "bench",
    "docs",
    "examples",
    "scripts",
    "pyproject.toml",
    "*.md",
    "LICENSE",
)


def test_what_is_quick_to_run_passes_without_it(tmp_path: Path) -> None:
    passes_without_fast(
        tmp_path,
        "tests/engine/step",
        "tests/engine/model/test_model.py",
        "tests/losses",
        "tests/metrics/test_metric.py",
    )


@pytest.mark.slow
def test_all_other_tests_pass_without_it(tmp_path: Path) -> None:
    passes_without_fast(tmp_path, "-n", "2", "tests")


def passes_without_fast(folder: Path, *arguments: str) -> None:
    """Run pytest with these arguments in a copy of the checkout that lacks engine/fast."""
    copy_without_fast(folder)
    assert run(folder, "-c", "import onfit; print(onfit.__file__)").startswith(str(folder / "src"))
    run(folder, "-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider", *arguments)


def copy_without_fast(folder: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    for path in chain.from_iterable(map(CHECKOUT.glob, COPIED)):
        if path.is_dir():
            shutil.copytree(path, folder / path.name, ignore=ignored)
        else:
            shutil.copy(path, folder)
    shutil.rmtree(folder / "src/onfit/engine/fast")
    shutil.rmtree(folder / "tests/engine/fast")
    close_the_door(folder / "src/onfit/engine/step/ways.py")


def close_the_door(file: Path) -> None:
    lines = file.read_text().splitlines()
    kept = [line for line in lines if not line.endswith(DOOR)]
    assert len(lines) - len(kept) == 2  # an import and a call
    file.write_text("\n".join(kept) + "\n")


def run(folder: Path, *arguments: str) -> str:
    """What Python prints in that folder, where it imports the copy."""
    environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
    environment.pop("PYTEST_XDIST_WORKER", None)
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    return done.stdout
