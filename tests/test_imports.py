"""Importing the callbacks loads no framework and nothing optional."""

import pkgutil
import subprocess
import sys

import pytest

import onfit.callbacks

HEAVY = ("torch", "jax", "keras", "tensorflow", "tensorboard", "matplotlib", "requests", "h5py")

# Needs matplotlib by its nature, and is imported by History.plot() alone.
OPTIONAL = {"_curves"}


def loaded_after(statement):
    """Which of the heavy packages a fresh interpreter has loaded after `statement`."""
    code = f"import sys\n{statement}\nprint(*(name for name in {HEAVY!r} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("module", ["onfit.callbacks", "onfit.core", "onfit.storage"])
def test_a_room_of_callbacks_loads_nothing_heavy(module):
    assert loaded_after(f"import {module}") == []


def test_no_file_of_the_callbacks_loads_anything_heavy():
    files = {info.name for info in pkgutil.iter_modules(onfit.callbacks.__path__)} - OPTIONAL
    assert {"early_stopping", "history", "progbar_logger"} <= files
    imports = "\n".join(f"import onfit.callbacks.{name}" for name in sorted(files))
    assert loaded_after(imports) == []


def test_a_run_on_an_object_of_ones_own_loads_nothing_heavy():
    assert (
        loaded_after(
            "from types import SimpleNamespace\n"
            "from onfit.callbacks import EarlyStopping, History\n"
            "from onfit.core import Run\n"
            "with Run(SimpleNamespace(), [EarlyStopping('loss'), History()]) as run:\n"
            "    for epoch in run.epochs():\n"
            "        for batch in run.batches([[1, 2]]):\n"
            "            run.log(loss=0.5)\n"
        )
        == []
    )
