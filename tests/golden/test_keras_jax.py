"""The same in Keras' `fit` on JAX, where the trainer keeps the weights apart while it trains."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("what", ["check_in(folder)", "check_batches()"])
def test_keras_on_jax(tmp_path, what):
    program = f"import tests.golden.test_keras as t; folder = {str(tmp_path)!r}; t.{what}"
    before = os.environ.get("PYTHONPATH")
    paths = [str(ROOT), str(ROOT / "src"), *([before] if before else [])]
    environment = {"KERAS_BACKEND": "jax", "PYTHONPATH": os.pathsep.join(paths)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
