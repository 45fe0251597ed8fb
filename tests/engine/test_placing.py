"""Where models go: decisions, with devices that stand in for a GPU."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from onfit import Input, Model, Sequential
from onfit import layers as L
from onfit.engine import placing
from onfit.engine.data import reading
from onfit.engine.data.arrays import Samples
from onfit.engine.model import building
from onfit.errors import ArgumentError
from onfit.models import load_model

X, Y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")
NOWHERE = torch.device("meta")  # has shapes and no numbers
# Weights there are on the CPU; and it is another name, so that a move to it can be seen.
AS_CPU = torch.device("cpu", 0)


@pytest.fixture
def gpu(monkeypatch):
    """Let a device be the accelerator of this machine."""
    return lambda device: monkeypatch.setattr(building, "accelerator", lambda: device)


def stack():
    return Sequential([L.Dense(4, input_shape=(3,)), L.Dropout(0.5), L.Dense(1)])


def functional():
    begin = Input((3,))
    return Model(begin, L.Dense(1)(begin))


class Own(Model):
    def __init__(self):
        super().__init__()
        self.dense = L.Dense(1)

    def call(self, x):
        return self.dense(x)


KINDS = pytest.mark.parametrize("make", [stack, functional, Own])


@KINDS
def test_a_model_of_layers_goes_to_the_accelerator(make, gpu):
    gpu(NOWHERE)
    model = make()
    assert model.home == NOWHERE
    model.build((None, 3))
    assert model.device == torch.device("cpu")
    model.place()
    assert model.device == model.home == NOWHERE


def test_without_an_accelerator_it_stays(gpu):
    gpu(None)
    model = stack()
    model.place()
    assert model.device == model.home == torch.device("cpu")
    assert not model._forward_pre_hooks


def test_a_wrapped_net_stays_where_its_owner_put_it_unless_compile_says_so(gpu):
    gpu(NOWHERE)
    model = Model(nn.Linear(3, 1))
    model.place()
    assert model.device == model.home == torch.device("cpu")
    model.compile("sgd", "mse", device="meta")
    assert model.device == NOWHERE


def test_what_is_elsewhere_already_stays_there(gpu):
    gpu(AS_CPU)
    model = stack().to("meta")
    assert model.home == NOWHERE
    model.place()
    assert model.device == NOWHERE


def test_what_is_shared_with_a_model_that_went_there_draws_the_rest_along(gpu):
    gpu(NOWHERE)
    shared = L.Dense(3, input_shape=(3,))
    begin = Input((3,))
    whole = Model(begin, L.Dense(1)(shared(L.Dense(3)(begin))))
    Sequential([shared]).place()
    assert {weight.device.type for weight in whole.parameters()} == {"cpu", "meta"}
    whole.place()
    assert {weight.device for weight in whole.parameters()} == {NOWHERE}


def test_who_moves_it_later_has_their_way(gpu):
    gpu(NOWHERE)
    model = stack()
    model.place()
    model.to_empty(device="cpu")
    model.place()
    assert model.device == model.home == torch.device("cpu")


@KINDS
def test_compile_says_where(make, gpu):
    gpu(NOWHERE)
    model = make()
    model.compile("sgd", "mse", device="cpu")
    history = model.fit(X, Y, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert model.device == torch.device("cpu")
    model.compile("sgd", "mse", device=torch.device("meta"))
    assert model.device == NOWHERE


@pytest.mark.parametrize("asked", ["cude", "cuda:99", 3.5, None, "xla:0"])
def test_a_device_that_is_not_here_is_refused(asked):
    with pytest.raises(ArgumentError, match="compile"):
        stack().compile("sgd", "mse", device=asked)


@KINDS
@pytest.mark.parametrize("path", ["fit", "evaluate", "predict", "train_on_batch"])
def test_each_way_to_use_it_moves_it_once_with_batches_and_inputs(make, path, gpu, monkeypatch):
    gpu(AS_CPU)
    went = []
    monkeypatch.setattr(placing, "_pinned", lambda tensor: went.append(tensor) or tensor)
    model = make()
    model.compile("adam", "mse")
    given = (X,) if path == "predict" else (X, Y)
    silent = {} if path == "train_on_batch" else {"verbose": 0}
    for _ in range(2):
        getattr(model, path)(*given, **silent)
    assert model.is_placed
    assert len(model._forward_pre_hooks) == 1
    assert model(torch.ones(2, 3)).shape == (2, 1)


def test_the_state_of_an_optimizer_follows_the_weights(gpu, tmp_path):
    model = stack()
    model.compile("adam", "mse")
    model.fit(X, Y, verbose=0)
    model.save(tmp_path / "m.keras")
    opened = load_model(tmp_path / "m.keras")
    gpu(NOWHERE)
    # Weights stay themselves, as they do on their way to CUDA.
    torch.__future__.set_swap_module_params_on_conversion(True)
    try:
        opened.place()
    finally:
        torch.__future__.set_swap_module_params_on_conversion(False)
    optimizer = opened.optimizer
    assert {slot.device for each in optimizer.slots.values() for slot in each} == {NOWHERE}
    assert int(optimizer.iterations) == 1


def test_a_copy_to_a_gpu_starts_from_pinned_memory(monkeypatch):
    pinned = []

    class Copied(torch.Tensor):
        def to(self, device, **how):
            pinned.append((str(device), how))
            return self

    monkeypatch.setattr(placing, "_pinned", lambda tensor: tensor.as_subclass(Copied))
    batch = Samples(torch.ones(2, 3), torch.ones(2, 1), None)
    reading.moved(batch, torch.device("cuda"))
    assert pinned == [("cuda", {"non_blocking": True})] * 2
    reading.moved(batch, torch.device("cpu"))
    assert len(pinned) == 2


@pytest.mark.parametrize(
    ("chosen", "rank", "expected"), [(0, None, 0), (0, "1", 1), (0, "7", 0), (2, "1", 2)]
)
def test_each_process_of_a_launcher_has_a_gpu_of_its_own(chosen, rank, expected, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: chosen)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.delenv("KERAS_TORCH_DEVICE")
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    if rank is not None:
        monkeypatch.setenv("LOCAL_RANK", rank)
    assert placing.accelerator() == torch.device("cuda", expected)


def test_apples_gpu_counts_where_there_is_no_other(monkeypatch):
    monkeypatch.delenv("KERAS_TORCH_DEVICE")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for there, expected in ((True, torch.device("mps")), (False, None)):
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda there=there: there)
        assert placing.accelerator() == expected


@pytest.fixture
def gpus(monkeypatch):
    """Four GPUs, of which a launcher gives this process the second; the list of those it made its
    current one.
    """
    current = [0]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: current[-1])
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: current.append(device.index))
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.delenv("KERAS_TORCH_DEVICE")
    return current


def test_a_model_of_layers_makes_its_gpu_the_current_one_before_it_goes_there(gpus, monkeypatch):
    went = []
    monkeypatch.setattr(building, "moved_to", lambda net, device: went.append((device, gpus[-1])))
    stack().place()
    assert went == [(torch.device("cuda", 1), 1)]
    assert gpus == [0, 1]


def test_a_wrapped_net_makes_the_gpu_on_which_it_is_the_current_one(gpus, monkeypatch):
    model = Model(nn.Linear(3, 1))
    monkeypatch.setattr(Model, "device", torch.device("cuda", 2))
    model.get_ready_for(Samples(torch.ones(2, 3), torch.ones(2, 1), None))
    assert gpus == [0, 2]


@pytest.mark.parametrize("device", [None, torch.device("cpu"), torch.device("cuda", 0)])
def test_the_current_gpu_stays_where_there_is_no_other_to_use(gpus, device):
    placing.make_current(device)
    assert gpus == [0]


def test_the_current_gpu_is_the_scripts_without_a_launcher_or_once_it_chose(gpus, monkeypatch):
    gpus.append(3)
    placing.make_current(torch.device("cuda", 1))
    monkeypatch.delenv("LOCAL_RANK")
    gpus.append(0)
    placing.make_current(torch.device("cuda", 1))
    assert gpus == [0, 3, 0]


def test_cuda_is_the_gpu_of_this_process(gpus, monkeypatch):
    monkeypatch.setattr(torch, "empty", lambda *size, device: None)  # there is no GPU here
    assert placing.device_asked_for("cuda") == torch.device("cuda", 1)
    assert placing.device_asked_for("cuda:3") == torch.device("cuda", 3)


def test_the_variable_that_keras_reads_says_where_models_go(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("KERAS_TORCH_DEVICE", "cpu")
    assert placing.accelerator() is None
    monkeypatch.setenv("KERAS_TORCH_DEVICE", "meta")
    assert placing.accelerator() == NOWHERE
    monkeypatch.setenv("KERAS_TORCH_DEVICE", "cude")
    with pytest.raises(ArgumentError, match="KERAS_TORCH_DEVICE='cude'"):
        placing.accelerator()


def test_this_suite_finds_no_gpu_and_neither_does_what_it_starts():
    there = "import torch; print(torch.cuda.is_available(), torch.cuda.device_count())"
    found = subprocess.run(
        [sys.executable, "-c", there], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["False", "0"]
    assert placing.accelerator() is None
