"""Keras' backend is chosen when a process begins; so each has a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def checked_on(backend, what, folder):
    """The process that runs checks of `test_keras.py` on another backend.

    Args:
        backend: its name.
        what: statements on that module.
        folder: where their files go; the checks call it `folder`.
    """
    program = f"import tests.golden.test_keras as t; folder = {str(folder)!r}; t.{what}"
    before = os.environ.get("PYTHONPATH")
    paths = [str(ROOT), str(ROOT / "src"), *([before] if before else [])]
    environment = {"KERAS_BACKEND": backend, "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
