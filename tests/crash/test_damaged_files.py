"""Some hundred of the damaged files that `make crash` reads."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_damaged_file_is_refused_or_read_and_costs_little():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.crash", "--files", "300"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout.strip(), done.returncode) == ("300 of 300 damaged files held", 0), done
