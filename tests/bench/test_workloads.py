"""Workloads: the same maths for torch and for Keras' layers, from the same weights."""

import numpy as np
import pytest
import torch
from bench.models import keras_net, torch_net
from bench.workloads import TITLES, WORKLOADS
from bench.workloads.layers import LSTM, Conv, Dense, Embedding, Flatten, MaxPool
from bench.workloads.moons import moons
from bench.workloads.workload import Workload

import onfit
import onfit.layers
import onfit.optimizers

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((6, 8, 8, 2), "float32")
WORDS = RANDOM.integers(0, 20, (6, 5))
CLASSES = np.array([0, 1, 2, 0, 1, 2])
YES_OR_NO = np.array([[0], [1], [1], [0], [1], [0]], "float32")

NETS = {
    "conv": ((Conv(3, 3), MaxPool(2), Flatten(), Dense(3, "softmax")), IMAGES, CLASSES),
    "lstm": ((Embedding(20, 4), LSTM(5), Dense(1, "sigmoid")), WORDS, YES_OR_NO),
    "mlp": ((Dense(7, "relu"), Dense(3, "softmax")), IMAGES.reshape(6, -1), CLASSES),
}


@pytest.mark.parametrize("net", NETS)
def test_torch_and_keras_layers_compute_the_same(net):
    layers, x, y = NETS[net]
    workload = Workload(net=layers, x=x, y=y, batch=6, epochs=1)
    logits = torch_net.build(workload)(torch_net.tensors(x, y)[0])
    expected = logits.sigmoid() if workload.binary else logits.softmax(dim=1)
    found = keras_net.build(workload, onfit).predict(x, verbose=0)
    np.testing.assert_allclose(found, expected.detach().numpy(), atol=1e-6)


def test_the_lstm_trains_one_bias():
    layers, x, y = NETS["lstm"]
    net = torch_net.build(Workload(net=layers, x=x, y=y, batch=6, epochs=1))
    names = [name for name, weight in net.named_parameters() if weight.requires_grad]
    assert "1.lstm.bias_ih_l0" in names
    assert "1.lstm.bias_hh_l0" not in names


def test_first_weights_are_the_same_each_time():
    for one, other in zip(moons().first_weights, moons().first_weights, strict=True):
        for array, again in zip(one, other, strict=True):
            np.testing.assert_array_equal(array, again)


def test_hits_are_counted_for_classes_and_for_yes_or_no():
    logits = torch.tensor([[2.0, 1.0], [0.0, 1.0]])
    assert torch_net.hits(logits, torch.tensor([0, 0])) == 1
    assert torch_net.hits(torch.tensor([[2.0], [-1.0]]), torch.tensor([[1.0], [0.0]])) == 2


def test_a_ragged_last_batch_is_a_step_too():
    assert moons().steps == 1
    assert moons().first(1).x.shape == (30, 2)


def test_every_workload_has_a_title():
    assert TITLES.keys() == WORKLOADS.keys()
