"""A user's program passes a type checker, and its mistakes do not."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
from typing import Any

import numpy as np
import onfit
import onfit as keras_like
import torch
import onfit.keras.layers as keras_layers
from onfit import Input, Model, Sequential, keras, layers
from onfit.callbacks import Callback, EarlyStopping, ModelCheckpoint
from onfit.keras.datasets import mnist
from onfit.keras.optimizers.schedules import ExponentialDecay
from onfit.layers import Dense
from torch import nn

x = np.zeros((8, 3), "float32")
y = np.zeros((8, 1), "float32")

wrapped = Model(nn.Linear(3, 1))
named = Model(nn.Linear(3, 1), name="mine")
inputs = Input((3,))
functional = Model(inputs, Dense(1)(inputs))
by_name = Model(inputs=inputs, outputs=[Dense(1)(inputs)], name="f")
stack = Sequential([Dense(4, activation="relu", input_dim=3), layers.Dense(1)])
dotted = keras_like.Sequential([keras.layers.Dense(1), keras_layers.Dense(1)])
dense: Dense = keras_layers.Dense(1)
rate = keras_like.nn.relu(torch.ones(1)) + keras.math.exp(0.5) + ExponentialDecay(0.1, 1, 1)(1)


class Mine(Model):
    def __init__(self, units: int) -> None:
        super().__init__(name="mine")
        self.dense = Dense(units)

    def call(self, x: torch.Tensor) -> Any:
        return self.dense(x)


class Bare(Model):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


class Noted(Callback):
    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.seen = logs


models: list[Model] = [wrapped, named, functional, by_name, stack, dotted, Mine(3), Bare()]
models.append(Bare(name="b"))
for model in models:
    model.compile("adam", loss="mse", metrics=["mae"])
    model.compile(optimizer=torch.optim.SGD(model.parameters(), lr=0.1), loss=nn.MSELoss())
    callbacks = [EarlyStopping(patience=1), ModelCheckpoint("a.keras"), Noted()]
    history = model.fit(x, y, epochs=2, validation_split=0.2, verbose=0, callbacks=callbacks)
    losses: list[float] = history.history["loss"]
    model.evaluate(x, y)
    model.predict(x)
    model.save("a.keras")
with onfit.Run(nn.Linear(1, 1), [Noted()], epochs=2) as run:
    for epoch in run.epochs():
        run.log(loss=0.5)
"""

# Each line is a mistake.
MISTAKES = """
from onfit.layers import Conv2d
from onfit.callbacks import CsvLogger
from onfit.losses import MSELoss
from onfit import Modle
from onfit.keras.layers import Conv2d
from onfit.keras import layerz
"""


README = Path(__file__).parents[1] / "README.md"
# A reader's script is not strict, gives one name to several models, and uses what has no types or,
# of other trainers, is not there.
AS_A_SCRIPT = (
    "--allow-redefinition",
    "--disable-error-code=import-untyped",
    "--disable-error-code=import-not-found",
    "--disable-error-code=no-redef",
)


def checked(folder: Path, name: str, program: str, *options: str) -> list[str]:
    """What mypy says about a program, a line each."""
    (folder / name).write_text(program.lstrip())
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *(options or ["--strict"]), "--no-error-summary", name],
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert not done.stderr, done.stderr
    return done.stdout.splitlines()


@pytest.mark.slow  # mypy reads torch
def test_a_program_and_the_readme_pass_and_names_that_do_not_exist_fail(tmp_path: Path) -> None:
    assert checked(tmp_path, "program.py", PROGRAM) == []
    said = [line for line in checked(tmp_path, "mistakes.py", MISTAKES) if "error:" in line]
    assert [int(line.split(":")[1]) for line in said] == [1, 2, 3, 4, 5, 6]
    blocks = re.findall(r"^```python\n(.*?)^```$", README.read_text(), flags=re.M | re.S)
    assert len(blocks) > 3
    assert checked(tmp_path, "readme.py", "\n".join(blocks), *AS_A_SCRIPT) == []
