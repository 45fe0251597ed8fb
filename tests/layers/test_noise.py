"""Layers that disturb their inputs in training."""

import copy
import pickle

import pytest
import torch

from onfit.errors import ArgumentError, ShapeError
from onfit.layers import (
    LSTM,
    AlphaDropout,
    Cropping2D,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    Permute,
    PReLU,
    SpatialDropout1D,
    SpatialDropout2D,
    ZeroPadding2D,
)

X = torch.ones(200, 10, 50)


@pytest.mark.parametrize(
    ("layer", "mean", "stddev"),
    [
        (GaussianNoise(0.5), 1.0, 0.5),
        (GaussianDropout(0.5), 1.0, 1.0),
        (GaussianDropout(0.2), 1.0, 0.5),
        (SpatialDropout1D(0.5), 1.0, 1.0),
    ],
)
def test_noise_has_the_strength_that_is_asked_for(layer, mean, stddev):
    torch.manual_seed(0)
    drawn = layer.train()(X)
    assert float(drawn.mean()) == pytest.approx(mean, abs=0.03)
    assert float(drawn.std()) == pytest.approx(stddev, abs=0.03)
    assert torch.equal(layer.eval()(X), X)


def test_an_alpha_dropout_keeps_mean_and_variance():
    torch.manual_seed(0)
    x = torch.randn(200, 500)
    drawn = AlphaDropout(0.3).train()(x)
    assert float(drawn.mean()) == pytest.approx(0.0, abs=0.03)
    assert float(drawn.std()) == pytest.approx(1.0, abs=0.03)
    same = AlphaDropout(0.3, noise_shape=(None, 1)).train()(torch.zeros(20, 5))
    assert torch.equal(same, same[:, :1].expand(-1, 5))


def test_whole_channels_are_dropped():
    drawn = SpatialDropout2D(0.5).train()(torch.ones(8, 4, 5, 16))
    assert all(len(channel.unique()) == 1 for image in drawn for channel in image.unbind(-1))
    first = SpatialDropout2D(0.5, "channels_first").train()(torch.ones(8, 16, 4, 5))
    assert all(len(channel.unique()) == 1 for image in first for channel in image)
    assert {float(value) for value in drawn.unique()} == {0.0, 2.0}


@pytest.mark.parametrize("kind", [GaussianNoise, GaussianDropout, AlphaDropout, SpatialDropout1D])
def test_a_seed_makes_the_same_noise(kind):
    one, other = kind(0.5, seed=3).train(), kind(0.5, seed=3).train()
    first = one(X)
    assert torch.equal(first, other(X))
    assert not torch.equal(first, one(X))


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
@pytest.mark.parametrize(
    "layer",
    [GaussianNoise(0.5, seed=3), Dropout(0.5, seed=3), LSTM(2, dropout=0.5, seed=3)],
    ids=["noise", "dropout", "lstm"],
)
def test_a_copy_of_a_seeded_layer_goes_on_as_it_does(layer, duplicate):
    layer.train()(X)
    other = duplicate(layer)
    assert torch.equal(layer(X), other(X))


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: GaussianNoise(-1), "stddev"),
        (lambda: GaussianDropout(1.0), "rate"),
        (lambda: Permute((0, 1)), "dims"),
        (lambda: ZeroPadding2D((1, 2, 3)), "padding"),
        (lambda: ZeroPadding2D(((1, 2, 3), 1)), "padding"),
        (lambda: Cropping2D(-1), "cropping"),
        (lambda: PReLU(shared_axes=[3])(torch.ones(2, 3)), "shared_axes"),
    ],
)
def test_what_cannot_be_meant_is_named(make, named):
    with pytest.raises(ArgumentError, match=named):
        make()


def test_a_cropping_that_leaves_nothing_is_an_error():
    with pytest.raises(ShapeError, match="nothing would be left"):
        Cropping2D(2)(torch.ones(1, 4, 4, 1))
