"""Importing the callbacks loads no framework and nothing optional."""

import pkgutil
import subprocess
import sys

import pytest

import onfit.callbacks

HEAVY = ("torch", "jax", "keras", "tensorflow", "tensorboard", "matplotlib", "requests", "h5py")


def loaded_after(statement):
    """Which of the heavy packages a fresh interpreter has loaded after `statement`."""
    code = f"import sys\n{statement}\nprint(*(name for name in {HEAVY!r} if name in sys.modules))"
    return said_by(code).split()


def said_by(code):
    """What a fresh interpreter prints, once it has run `code` to its end."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("module", ["onfit.callbacks", "onfit.core", "onfit.storage"])
def test_a_room_of_callbacks_loads_nothing_heavy(module):
    assert loaded_after(f"import {module}") == []


def test_no_file_of_the_callbacks_loads_anything_heavy():
    files = {info.name for info in pkgutil.iter_modules(onfit.callbacks.__path__)}
    assert {"early_stopping", "history", "progbar"} <= files
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


def test_the_callbacks_are_loaded_one_by_one():
    said_by(
        "import sys, onfit.callbacks\n"
        "assert 'onfit.callbacks.early_stopping' not in sys.modules\n"
        "from onfit.callbacks import EarlyStopping\n"
        "assert 'onfit.callbacks.tensorboard' not in sys.modules\n"
        "assert not {'numpy', 'tqdm'} & set(sys.modules)\n"
        "from onfit.callbacks import *\n"
        "assert TensorBoard.__name__ in dir(onfit.callbacks)\n"
    )


def test_a_callback_that_does_not_exist_is_an_error_with_a_guess():
    with pytest.raises(AttributeError, match=r"no attribute 'EarlyStoping'. Did you mean"):
        onfit.callbacks.EarlyStoping  # noqa: B018


def test_a_small_model_is_built_and_fitted_without_torchs_compiler():
    said_by(
        "import sys, torch, onfit\n"
        "from onfit import layers\n"
        "model = onfit.Sequential([layers.Conv2D(4, 3, input_shape=(28, 28, 1)),\n"
        "    layers.Flatten(), layers.Dense(10, activation='softmax')])\n"
        "model.compile('adam', 'sparse_categorical_crossentropy', metrics=['acc'])\n"
        "model.fit(torch.zeros(8, 28, 28, 1), torch.zeros(8), verbose=0)\n"
        "assert 'torch._dynamo' not in sys.modules\n"
    )


def test_numpys_random_numbers_are_loaded_by_nobody_who_does_not_use_them():
    said_by(
        "import sys, numpy, torch, onfit\n"
        "at_once = 'numpy.random' in sys.modules  # numpy 1 loads all of itself\n"
        "model = onfit.Sequential([onfit.layers.Dense(1, input_dim=2)])\n"
        "model.compile('sgd', 'mse')\n"
        "model.fit(torch.zeros(8, 2), torch.zeros(8), verbose=0)\n"
        "model.evaluate(torch.zeros(8, 2), torch.zeros(8), verbose=0)\n"
        "assert at_once or 'numpy.random' not in sys.modules\n"
    )
