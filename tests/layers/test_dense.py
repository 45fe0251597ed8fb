"""Dense, but for what tests of models say of it: where its kernel lies, which no result shows."""

import copy
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn.utils import parametrize, prune

from onfit import Sequential, load_model
from onfit.layers import Dense


def made(inputs: int, units: int) -> Dense:
    layer = Dense(units)
    layer(torch.zeros(1, inputs))
    return layer


@pytest.mark.parametrize(("inputs", "units"), [(16, 16), (784, 128), (8, 10), (10, 1), (64, 1)])
def test_a_kernel_lies_in_memory_as_its_shape_says(inputs: int, units: int) -> None:
    assert made(inputs, units).kernel.is_contiguous()


@pytest.mark.parametrize(("inputs", "units"), [(17, 15), (784, 10), (64, 2)])
def test_a_narrow_one_lies_unit_after_unit(inputs: int, units: int) -> None:
    layer = made(inputs, units)
    assert layer.kernel.shape == (inputs, units)
    assert layer.kernel.T.is_contiguous()


def test_it_stays_so_in_copies() -> None:
    layer = made(64, 10)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert twin.kernel.T.is_contiguous()
        assert torch.equal(twin.kernel, layer.kernel)


def test_the_initializer_sees_keras_shape_and_its_numbers_stay_in_their_places() -> None:
    numbers = torch.arange(640.0).reshape(64, 10)
    layer = Dense(10, kernel_initializer=lambda shape: numbers.reshape(shape))
    layer(torch.zeros(1, 64))
    assert torch.equal(layer.kernel, numbers)
    assert np.array_equal(layer.get_weights()[0], numbers.numpy())


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop", "adamw", "nadam", "adamax"])
def test_a_training_is_the_same_wherever_the_kernel_lies(optimizer: str) -> None:
    x, y = torch.rand(64, 20), torch.randint(0, 3, (64,))
    models = [Sequential([Dense(3, activation="softmax", input_dim=20)]) for _ in range(2)]
    models[1].set_weights(models[0].get_weights())
    (layer,) = models[1].layers
    layer.kernel = torch.nn.Parameter(layer.kernel.detach().contiguous())
    assert [model.layers[0].kernel.is_contiguous() for model in models] == [False, True]
    for model in models:
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["acc"])
        model.fit(x, y, batch_size=16, epochs=5, shuffle=False, verbose=0)
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_file_holds_it_by_its_shape(tmp_path: Path, suffix: str) -> None:
    model = Sequential([Dense(3, input_dim=20)])
    model.save(tmp_path / f"model{suffix}")
    read = load_model(tmp_path / f"model{suffix}")
    assert np.array_equal(read.get_weights()[0], model.get_weights()[0])
    assert read.layers[0].kernel.T.is_contiguous()


# --- weights that torch has moved elsewhere ----------------------------------------------------


class _Doubled(torch.nn.Module):
    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return 2 * weight


X = torch.rand(5, 4)


@pytest.mark.parametrize("use_bias", [True, False])
def test_a_kernel_may_be_computed_from_another(use_bias: bool) -> None:
    layer = Dense(3, use_bias=use_bias)
    plain = layer(X)
    parametrize.register_parametrization(layer, "kernel", _Doubled())
    assert torch.allclose(layer(X), 2 * plain)


def test_so_may_a_bias() -> None:
    layer = Dense(3, bias_initializer="ones")
    plain = layer(X)
    parametrize.register_parametrization(layer, "bias", _Doubled())
    assert torch.allclose(layer(X), plain + 1)


def test_a_pruned_kernel_counts_as_it_is_pruned() -> None:
    layer = Dense(3)
    layer(X)
    prune.l1_unstructured(layer, "kernel", amount=6)
    assert torch.allclose(layer(X), X @ layer.kernel)
    assert int((layer.kernel == 0).sum()) == 6


def test_it_can_be_called_with_other_weights_than_its_own() -> None:
    layer = Dense(3)
    layer(X)
    given = {"kernel": torch.ones(4, 3), "bias": torch.ones(3)}
    expected = X.sum(1, keepdim=True).expand(5, 3) + 1
    assert torch.allclose(torch.func.functional_call(layer, given, (X,)), expected)
