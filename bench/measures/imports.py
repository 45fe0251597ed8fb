"""How long imports take in a started interpreter, with the files in the system's cache."""

from collections.abc import Iterator
from time import perf_counter
from typing import Any

from bench.cases import Case

GROUP = "imports"

FIRST_FIT = """
import numpy
from onfit import Sequential
from onfit.layers import Dense

model = Sequential([Dense(10, activation="softmax", input_dim=64)])
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["acc"])
model.fit(numpy.zeros((32, 64), "float32"), numpy.zeros(32, "int64"), verbose=0)
"""

SOME_CALLBACKS = "from onfit.callbacks import EarlyStopping, ModelCheckpoint, TensorBoard"

# Name: (contender whose libraries it needs, code that runs before, code that is timed).
STATEMENTS = {
    "import onfit.callbacks": ("onfit", "", "import onfit.callbacks"),
    "from onfit.callbacks import ModelCheckpoint, ...": ("onfit", "", SOME_CALLBACKS),
    "import torch": ("torch_tuned", "", "import torch"),
    "import onfit and a first fit, after import torch": ("onfit", "import torch", FIRST_FIT),
    "import keras (jax)": ("keras_jax", "", "import keras"),
    "import keras (torch)": ("keras_torch", "", "import keras"),
    "import keras (tensorflow)": ("keras_tensorflow", "", "import keras"),
    "import lightning": ("lightning", "", "import lightning"),
    "import skorch": ("skorch", "", "import skorch"),
    "import poutyne": ("poutyne", "", "import poutyne"),
    "import ignite": ("ignite", "", "import ignite.engine, ignite.handlers, ignite.metrics"),
    "import transformers.Trainer": ("hf_trainer", "", "from transformers import Trainer"),
}


def cases(quick: bool) -> Iterator[Case]:
    for name, (contender, before, timed) in STATEMENTS.items():
        arguments = {"before": before, "timed": timed}
        rival = contender not in ("onfit", "torch_tuned")
        yield Case(GROUP, name, __name__, arguments, contender, once=rival)


def run(before: str, timed: str) -> dict[str, Any]:
    exec(before, {})
    began = perf_counter()
    exec(timed, {})
    return {"seconds": perf_counter() - began}
