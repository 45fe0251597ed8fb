"""`keras.Model.fit` takes onfit's callbacks as they are, on each backend that is installed."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.twin import keras_fit

BACKENDS = [name for name in ("torch", "jax") if importlib.util.find_spec(name)]


@pytest.fixture(scope="module", params=BACKENDS)
def found(request, tmp_path_factory: pytest.TempPathFactory) -> Any:
    done = subprocess.run(
        [sys.executable, str(Path(keras_fit.__file__))],
        cwd=tmp_path_factory.mktemp(request.param),
        env={**os.environ, "KERAS_BACKEND": request.param},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout.splitlines()[-1])
    assert printed["backend"] == request.param
    return printed


@pytest.mark.parametrize("case", [case.__name__ for case in keras_fit.CASES])
def test_a_callback_does_in_keras_fit_what_keras_own_does(found: Any, case: str) -> None:
    of_keras, ours = found["cases"][case]
    assert ours == of_keras


def test_the_tensorboard_of_onfit_writes_in_keras_fit_without_tensorflow(found: Any) -> None:
    assert found["tb"] == ["train", "validation"]
