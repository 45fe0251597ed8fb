"""How long training stands still while 400 MB of weights are saved.

It is compared with a plain write and fsync of as many bytes, in turns in the same process.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Any

from bench.cases import Case
from bench.measures.pairs import paired

GROUP = "checkpoints"
TURNS = 8

# Name: the contender whose libraries it needs.
WAYS = {
    "torch.save": "torch_tuned",
    "safetensors": "hf_trainer",
    "Keras, .weights.h5": "keras_jax",
    "onfit": "onfit",
    "onfit, background=True": "onfit",
}


def cases(quick: bool) -> Iterator[Case]:
    for way, contender in WAYS.items():
        arguments = {"way": way, "side": 3_000 if quick else 10_000}
        yield Case(GROUP, way, __name__, arguments, contender, once=contender != "onfit")


@dataclass(frozen=True)
class Saver:
    """One way to save: training waits for `save`; `settle` waits until everything is written."""

    save: Callable[[], Any]
    settle: Callable[[], Any] = lambda: None


def run(way: str, side: int) -> dict[str, Any]:
    """The stall of a save and the time of a plain write, taken turn by turn.

    The first save, which makes buffers, does not count.
    """
    Path("runs").mkdir(exist_ok=True)  # a folder on disk, where /tmp may be memory
    with TemporaryDirectory(dir="runs") as folder:
        saver = SAVERS[way](side, f"{folder}/saved")
        plain = partial(plain_write, side, f"{folder}/plain")
        return paired(plain, partial(stall, saver), TURNS)


def stall(saver: Saver) -> float:
    quiet()
    began = perf_counter()
    saver.save()
    seconds = perf_counter() - began
    saver.settle()
    return seconds


def quiet() -> None:
    """Wait until threads and the system have finished their work, as between two epochs."""
    sleep(0.5)
    os.sync()


def plain_write(side: int, path: str) -> float:
    payload = bytes(range(200)) * (4 * side * side // 200)
    quiet()
    began = perf_counter()
    with open(path, "wb") as file:
        file.write(payload)
        file.flush()
        os.fsync(file.fileno())
    seconds = perf_counter() - began
    Path(path).unlink()  # otherwise the next write would first truncate it, which takes time
    return seconds


def by_torch(side: int, path: str) -> Saver:
    import torch

    weights = {"kernel": torch.rand(side, side)}
    return Saver(lambda: torch.save(weights, path))


def by_safetensors(side: int, path: str) -> Saver:
    import torch
    from safetensors.torch import save_file

    weights = {"kernel": torch.rand(side, side)}
    return Saver(lambda: save_file(weights, path))


def by_keras(side: int, path: str) -> Saver:
    import keras

    model = keras.Sequential([keras.layers.Dense(side, use_bias=False)])
    model.build((None, side))
    return Saver(lambda: model.save_weights(f"{path}.weights.h5"))


def by_onfit(side: int, path: str, background: bool = False) -> Saver:
    from onfit import Sequential
    from onfit.callbacks import ModelCheckpoint
    from onfit.layers import Dense

    model = Sequential([Dense(side, use_bias=False, input_dim=side)])
    model.build((None, side))
    keep = ModelCheckpoint(f"{path}.weights.h5", save_weights_only=True, background=background)
    keep.set_model(model)
    keep.on_train_begin()
    return Saver(lambda: keep.on_epoch_end(0, {"loss": 1.0}), keep.on_train_end)


SAVERS: dict[str, Callable[[int, str], Saver]] = {
    "torch.save": by_torch,
    "safetensors": by_safetensors,
    "Keras, .weights.h5": by_keras,
    "onfit": by_onfit,
    "onfit, background=True": partial(by_onfit, background=True),
}
