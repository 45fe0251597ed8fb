"""A dozen of the places where `make crash` kills trainings, and what they leave."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_killed_training_that_is_started_again_ends_as_if_nobody_had_killed_it():
    command = [sys.executable, "-W", "error", "-m", "tests.crash", "--sample", "12"]
    done = subprocess.run(
        [*command, "--training", "arrays", "loop"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    last = done.stdout.splitlines()[-1]
    assert (last.partition(",")[0], done.returncode) == ("14 of 14 identical", 0), done
