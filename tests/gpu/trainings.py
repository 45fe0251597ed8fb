"""Whole trainings on a GPU: precision, files, resumes, copies and waits."""

import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tests.gpu.checking import DEVICE, ON_CUDA, LeftOut, check, near
from tests.gpu.parts import exact
from torch import nn

from onfit import Model, Sequential, layers
from onfit.callbacks import EarlyStopping, ModelCheckpoint
from onfit.engine.data.arrays import Samples
from onfit.engine.data.reading import moved
from onfit.models import load_model

RNG = np.random.default_rng(0)
X = RNG.normal(size=(512, 20)).astype("float32")
Y = (X[:, :3].sum(1) > 0).astype("int64")


def stack() -> Sequential:
    torch.manual_seed(0)
    hidden = layers.Dense(32, activation="relu", input_shape=(20,))
    return Sequential([hidden, layers.BatchNormalization(), layers.Dense(2, activation="softmax")])


def trained(device: Any, **given: Any) -> tuple[Sequential, Any]:
    model = stack()
    model.compile("adam", "sparse_categorical_crossentropy", ["acc"], device=device, **given)
    history = model.fit(X, Y, 32, 4, 0, shuffle=False, validation_split=0.25).history
    return model, history


@check()
def fit_computes() -> str:
    """A training gives what it gives on the CPU."""
    exact()
    (here, expected), (there, found) = trained("cpu"), trained("auto")
    assert there.device is not None
    assert there.device.type == DEVICE.type
    for name in expected:
        near(torch.tensor(found[name]), torch.tensor(expected[name]), name, rtol=1e-2)
    near(torch.tensor(there.predict(X, verbose=0)), torch.tensor(here.predict(X, verbose=0)),
         "predict", rtol=1e-2)  # fmt: skip
    assert there(torch.ones(2, 20)).device.type == DEVICE.type
    return f"on {there.device}"


@check()
def files() -> str:
    """Files of a model on the device are read on the CPU, and its best weights come back."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "best.keras"
        model = stack()
        model.compile("adam", "sparse_categorical_crossentropy")
        best = EarlyStopping("loss", patience=1, restore_best_weights=True)
        saved = ModelCheckpoint(path, monitor="loss", save_best_only=True)
        model.fit(X, Y, 64, 5, 0, callbacks=[best, saved])
        opened = load_model(path)
        assert opened.device == torch.device("cpu")
        expected = model.predict(X, verbose=0)
        near(torch.tensor(opened.predict(X, verbose=0)), torch.tensor(expected), "predict")
    return "keras file"


@check()
def mixed_precision() -> str:
    """In half types trainings come near to those in float32."""
    exact()
    expected = trained("auto")[1]["loss"][-1]
    said = []
    for policy in ("mixed_bfloat16", "mixed_float16"):
        model, history = trained("auto", mixed_precision=policy)
        assert {weight.dtype for weight in model.parameters()} == {torch.float32}
        assert abs(history["loss"][-1] - expected) < 0.05, (policy, history["loss"], expected)
        said.append(f"{policy} {history['loss'][-1]:.4f}")
    return f"loss {expected:.4f}, {', '.join(said)}"


@check()
def kill_and_resume() -> str:
    """A training that is killed and started again ends as if it had run through, bit for bit."""
    said = []
    for policy in ("float32", "mixed_bfloat16", "mixed_float16"):
        with tempfile.TemporaryDirectory() as folder:
            whole = _run(Path(folder) / "whole", policy, kill_at=None)
            killed = Path(folder) / "killed"
            _run(killed, policy, kill_at=29)
            assert _run(killed, policy, kill_at=None) == whole, policy
        said.append(policy)
    return ", ".join(said)


def _run(folder: Path, policy: str, kill_at: int | None) -> str:
    environment = {**os.environ, "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
    command = [sys.executable, "-m", "tests.gpu.killed", str(folder), policy, str(kill_at or 0)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    expected = 0 if kill_at is None else -9
    assert done.returncode == expected, f"{done.returncode}: {done.stderr[-2000:]}"
    return done.stdout.splitlines()[-1] if kill_at is None else ""


@check(needs_cuda=True)
def pinned_copies() -> str:
    """Batches are copied from pinned memory, and the program does not wait for that."""
    batch = Samples(torch.ones(4096, 1024), torch.ones(4096), None)
    torch.cuda.set_sync_debug_mode("error")
    try:
        there = moved(batch, DEVICE)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert there.x.device.type == "cuda"
    near(there.x, batch.x, "copy")
    return "no wait"


def _waits(epochs: int, batch: int) -> int:
    model = stack()
    model.compile("adam", "sparse_categorical_crossentropy", ["acc"])
    model.fit(X, Y, batch, 1, 0)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            model.fit(X, Y, batch, epochs, 0)
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return sum("synchronizing" in str(each.message) for each in said)


@check(needs_cuda=True)
def waits() -> str:
    """How often the program waits for the device depends on the epochs, not on the batches."""
    few, many, longer = _waits(3, 256), _waits(3, 8), _waits(6, 256)
    assert many <= few, f"{few} for 6 batches, {many} for 192"
    return f"{(longer - few) / 3:g} an epoch"


@check()
def one_rank() -> str:
    """A process group of one rank: DDP around a net, in fit."""
    import torch.distributed as dist

    if not dist.is_available():
        raise LeftOut("this torch has no torch.distributed")
    backend = "nccl" if ON_CUDA else "gloo"
    with tempfile.TemporaryDirectory() as folder:
        store = dist.FileStore(str(Path(folder) / "store"), 1)
        dist.init_process_group(backend, store=store, rank=0, world_size=1)
        try:
            net = nn.parallel.DistributedDataParallel(nn.Linear(20, 2).to(DEVICE))
            model = Model(net)
            model.compile("sgd", nn.CrossEntropyLoss())
            losses = model.fit(X, Y, 64, 3, 0).history["loss"]
        finally:
            dist.destroy_process_group()
    assert losses[-1] < losses[0]
    return backend + ("" if ON_CUDA else ", since there is no CUDA device for NCCL")
