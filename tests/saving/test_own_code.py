"""Torch's optimizers, and models that only their own code can make."""

import h5py
import pytest
import torch
from tests.saving.small import (
    FIT,
    ONE_HOT,
    X,
    assert_identical,
    predictions,
    small,
)
from torch import nn

from onfit import layers
from onfit.callbacks import ModelCheckpoint
from onfit.errors import FileFormatError
from onfit.models import Model, Sequential, load_model


def test_a_wrapped_module_saves_its_weights_and_its_optimizer(tmp_path):
    def net():
        return nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3))

    model = Model(net())
    # A loss without a name is no obstacle: nothing could be made of its name anyway.
    model.compile("adam", lambda y_true, y_pred: (y_true - y_pred) ** 2)
    model.fit(X, ONE_HOT, **FIT)
    model.save(tmp_path / "best.h5")
    other = Model(net())
    other.load_weights(tmp_path / "best.h5")
    assert_identical(other.get_weights(), model.get_weights())
    with h5py.File(tmp_path / "best.h5") as file:
        assert "model_config" not in file.attrs
        assert "Adam" in file.attrs["training_config"]
        assert len(file["optimizer_weights"].attrs["weight_names"]) == 2 + 2 * 6


def test_a_wrapped_module_with_a_torch_optimizer_saves_its_weights_without_a_word(tmp_path):
    net = nn.Linear(4, 3)
    model = Model(net)
    model.compile(torch.optim.SGD(net.parameters(), lr=0.1), "mse")
    model.save(tmp_path / "best.h5")
    other = Model(nn.Linear(4, 3))
    other.load_weights(tmp_path / "best.h5")
    assert_identical(other.get_weights(), model.get_weights())


def test_a_functional_model_saves_its_weights(tmp_path):
    def functional():
        x = layers.Input((4,))
        hidden = layers.Dense(5)(x)
        return Model(x, [layers.Dense(3)(hidden), layers.Dense(1)(hidden)])

    model, other = functional(), functional()
    model.compile("adam", "mse")
    model.save(tmp_path / "model.h5")
    other.load_weights(tmp_path / "model.h5")
    assert_identical(other.get_weights(), model.get_weights())


@pytest.mark.parametrize("make", [small, lambda: Model(nn.Linear(4, 3))])
def test_the_best_of_a_training_is_checkpointed_and_read_back(tmp_path, make):
    model, path = make(), tmp_path / "best.h5"
    model.compile("adam", "mse")
    before = model.get_weights()
    best = ModelCheckpoint(path, monitor="loss", save_best_only=True)
    model.fit(X, ONE_HOT, epochs=3, callbacks=[best], **FIT)
    after = model.get_weights()
    model.set_weights(before)
    model.load_weights(path)
    assert_identical(model.get_weights(), after)


class Scaled(Sequential):
    def forward(self, x):
        return 3 * super().forward(x)


def test_a_sequential_with_a_forward_of_its_own_saves_its_weights(tmp_path):
    model = Scaled([layers.Dense(3, input_dim=4)])
    model.save(tmp_path / "model.h5")
    other = Scaled([layers.Dense(3, input_dim=4)])
    other.load_weights(tmp_path / "model.h5")
    assert_identical(predictions(other), predictions(model))
    with pytest.raises(FileFormatError, match="only its own code can make"):
        load_model(tmp_path / "model.h5")


class TopLevel(Model):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.rand(3))
        self.inner = nn.Linear(4, 3)

    def forward(self, x):
        return self.scale * self.inner(x)


def test_weights_that_belong_to_no_layer_are_kept_too(tmp_path):
    model, other = TopLevel(), TopLevel()
    model.save_weights(tmp_path / "w.h5")
    other.load_weights(tmp_path / "w.h5")
    assert_identical(other.get_weights(), model.get_weights())
