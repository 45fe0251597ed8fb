"""Trainings on a GPU that is not there give what they give on the CPU, and mix no devices."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.posed.gpu import posing
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from onfit import Input, Model, Run, Sequential
from onfit import layers as L
from onfit.callbacks import (
    BackupAndRestore,
    Callback,
    EarlyStopping,
    History,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TensorBoard,
)
from onfit.models import load_model
from onfit.optimizers import Adam
from onfit.utils import Sequence

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 6)).astype("float32")
Y = (X[:, :3].sum(1) > 0).astype("int64")
W = RNG.random(64).astype("float32")


def net(**given: Any) -> Sequential:
    torch.manual_seed(0)
    hidden = L.Dense(8, activation="relu", input_dim=6, kernel_regularizer="l2",
                     kernel_constraint="max_norm", activity_regularizer="l1")  # fmt: skip
    model = Sequential([hidden, L.BatchNormalization(), L.Dense(2, activation="softmax")])
    model.compile(
        **{
            "optimizer": "adam",
            "loss": "sparse_categorical_crossentropy",
            "metrics": ["acc"],
            **given,
        }
    )
    return model


def fitted(x: Any, y: Any = None, **given: Any) -> Any:
    sizes = {} if isinstance(x, (DataLoader, Sequence)) else {"batch_size": 16}
    return net().fit(x, y, epochs=2, verbose=0, **sizes, **given).history


def at(device: Any, array: Any) -> torch.Tensor:
    return torch.tensor(array).to(device)


class _Batches(Sequence):
    def __init__(self, device: Any) -> None:
        self.device = device

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        rows = slice(index * 16, index * 16 + 16)
        return X[rows], at(self.device, Y[rows]), W[rows]


def _two_inputs_and_outputs(device: Any) -> Any:
    torch.manual_seed(0)
    a, b = Input((6,), name="a"), Input((6,), name="b")
    hidden = L.concatenate([L.Dense(3)(a), L.Dense(3)(b)])
    ends = [L.Dense(1, name="one")(hidden), L.Dense(2, activation="softmax", name="two")(hidden)]
    model = Model([a, b], ends)
    losses = {"one": "mse", "two": "sparse_categorical_crossentropy"}
    factors = {"one": torch.tensor(0.5), "two": 2.0}
    model.compile("sgd", losses, loss_weights=factors, weighted_metrics={"one": "mae"})
    x, y = {"a": X, "b": at(device, X)}, {"one": at(device, W), "two": Y}
    more: Any = {"sample_weight": {"one": at(device, W)}, "class_weight": {"two": {1: 2.0}}}
    history = model.fit(x, y, 16, 2, 0, **more).history
    return history, model.predict(x, verbose=0)


def _constant_in_a_graph(device: Any) -> Any:
    class Product(L.Layer):
        def call(self, a: Any, b: Any) -> Any:
            return a * b

    begin = Input((6,))
    torch.manual_seed(0)
    model = Model(begin, L.Dense(1)(Product()(torch.full((1, 6), 2.0), begin)))
    model.compile("sgd", "mse")
    return model.fit(X, W, verbose=0).history


def _sequences(device: Any) -> Any:
    torch.manual_seed(0)
    words = np.arange(64 * 7).reshape(64, 7) * 7 % 11 % 5
    begin = Input((7,))
    found = L.Embedding(5, 4, mask_zero=True)(begin)
    found = L.Add()(
        [L.LSTM(4, return_sequences=True)(found), L.MultiHeadAttention(2, 2)(found, found)]
    )
    end = L.Dense(2, activation="softmax")(L.GRU(3)(found))
    model = Model(begin, end)
    model.compile("adam", "sparse_categorical_crossentropy", ["acc"])
    return model.fit(words, Y, 16, 2, 0).history


def _loss_of_torch_with_weights(device: Any) -> Any:
    return (
        net(loss=nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0]))).fit(X, Y, verbose=0).history
    )


DATA: dict[str, Any] = {
    "arrays": lambda device: fitted(X, Y, validation_split=0.25),
    "all there": lambda device: fitted(at(device, X), at(device, Y), validation_data=(X, Y)),
    "inputs there": lambda device: fitted(at(device, X), Y, sample_weight=W),
    "targets there": lambda device: fitted(X, at(device, Y)),
    "weights there": lambda device: fitted(X, Y, sample_weight=at(device, W)),
    "both weights": lambda device: fitted(
        X, Y, sample_weight=at(device, W), class_weight={0: 1.0, 1: 3.0}
    ),
    "both weights, data there": lambda device: fitted(
        at(device, X), at(device, Y), sample_weight=W, class_weight=at(device, [1.0, 3.0])
    ),
    "a loader": lambda device: fitted(DataLoader(TensorDataset(at(device, X), at(device, Y)), 16)),
    "a sequence": lambda device: fitted(_Batches(device)),
    "several inputs": _two_inputs_and_outputs,
    "a constant": _constant_in_a_graph,
    "sequences": _sequences,
    "a loss with weights": _loss_of_torch_with_weights,
}


def _all_callbacks(device: Any, folder: Path) -> Any:
    model = net()
    callbacks = [
        EarlyStopping("loss", patience=1, restore_best_weights=True),
        ModelCheckpoint(folder / "best.keras", save_best_only=True, background=True),
        TensorBoard(folder / "curves", histogram_freq=1, write_grads=True),
        ReduceLROnPlateau("loss", patience=0, min_delta=10),
        BackupAndRestore(folder / "backup", save_freq="2 batches"),
    ]
    history = model.fit(X, Y, 16, 3, 0, callbacks, 0.25).history
    best = load_model(folder / "best.keras")
    best.fit(X, Y, verbose=0)
    return history, model.get_weights(), best.get_weights()


def _resumed(device: Any, folder: Path) -> Any:
    begun: list[Sequential] = []

    class FailsOnce(Callback):
        def on_batch_end(self, batch: int, logs: Any = None) -> None:
            assert len(begun) > 1 or self.model.optimizer.batches < 6

    for _ in range(2):
        model = net(optimizer=Adam(0.01, clipnorm=1.0, gradient_accumulation_steps=2, use_ema=True))
        begun.append(model)
        callbacks = [FailsOnce(), BackupAndRestore(folder, save_freq="1 batches")]
        try:
            history = model.fit(X, Y, 16, 3, 0, callbacks).history
        except AssertionError:
            continue
    return history, model.get_weights()


def _own_loop(device: Any, folder: Path) -> Any:
    torch.manual_seed(0)
    module = nn.Linear(6, 2).to(device)
    optimizer = torch.optim.Adam(module.parameters())
    history = History()
    callbacks = [
        history,
        EarlyStopping("loss", restore_best_weights=True),
        ModelCheckpoint(folder / "weights.pt", save_weights_only=True),
        BackupAndRestore(folder / "backup", save_freq="1 batches"),
    ]
    loader = DataLoader(TensorDataset(torch.tensor(X), torch.tensor(Y)), 16)
    with Run(module, callbacks, optimizer=optimizer, epochs=2) as run:
        for _ in run.epochs():
            for x, y in run.batches(loader):
                loss = nn.functional.cross_entropy(module(x.to(device)), y.to(device))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                run.log(loss=loss)
    return history.history


def _optimizer_of_torch_from_a_file(device: Any, folder: Path) -> Any:
    model = net(optimizer=torch.optim.Adam)
    model.fit(X, Y, verbose=0)
    model.save(folder / "m.keras")
    return load_model(folder / "m.keras").fit(X, Y, verbose=0).history


FILES = {
    "callbacks": _all_callbacks,
    "a resumed run": _resumed,
    "a loop of one's own": _own_loop,
    "torch's optimizer": _optimizer_of_torch_from_a_file,
}


def assert_alike(found: Any, expected: Any) -> None:
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        found, expected = list(found.values()), list(expected.values())
    if isinstance(expected, (list, tuple)):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_alike(one, other)
    else:
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("make", DATA.values(), ids=DATA)
def test_data_wherever_they_are_are_trained_on_as_on_the_cpu(make: Any) -> None:
    expected = make("cpu")
    with posing() as gpu:
        found = make(gpu.device)
    assert_alike(found, expected)


@pytest.mark.parametrize("make", FILES.values(), ids=FILES)
def test_files_and_callbacks_do_there_what_they_do_on_the_cpu(make: Any, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    expected = make("cpu", tmp_path / "here")
    with posing() as gpu:
        found = make(gpu.device, tmp_path / "there")
    assert_alike(found, expected)


@pytest.mark.parametrize("policy", [None, "mixed_bfloat16", "mixed_float16"])
def test_apples_gpu_has_no_float64_and_needs_none(policy: str | None) -> None:
    expected = net(device="cpu", mixed_precision=policy).fit(X, Y, 16, 2, 0, validation_split=0.25)
    with posing("mps"):
        found = net(mixed_precision=policy).fit(X, Y, 16, 2, 0, validation_split=0.25)
    assert_alike(found.history, expected.history)


@pytest.mark.parametrize("batch_size", [8, 32])
def test_an_epoch_waits_for_the_device_once_and_a_validation_once(batch_size: int) -> None:
    with posing() as gpu:
        model = net()
        waits = []
        for epochs in (1, 2, 5):
            gpu.waits.clear()
            model.fit(X, Y, batch_size, epochs, 0, validation_split=0.25)
            waits.append(gpu.waits.total())
    assert waits[2] - waits[1] == 3 * 2


def test_a_mixture_of_devices_would_be_found() -> None:
    with posing() as gpu:
        there = torch.ones(3, device=gpu.device)
        assert (there.device, (there * 2).is_cpu) == (gpu.device, False)
        with pytest.raises(RuntimeError, match="on the CPU"):
            there + torch.ones(3)
        with pytest.raises(TypeError, match="array"):
            there.numpy()
        assert gpu.waits.total() == 0
        assert there.sum().item() == 3
        assert gpu.waits.total() == 1
