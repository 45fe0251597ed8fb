"""Normalization: which statistics are used, when they change, and along which axes."""

import pytest
import torch

from onfit.errors import ShapeError
from onfit.layers import BatchNormalization, Input, LayerNormalization

ROWS = torch.tensor([[1.0, 10.0], [3.0, 30.0], [8.0, 20.0]])


def test_the_moving_variance_takes_in_the_variance_of_the_batch_divided_by_n() -> None:
    layer = BatchNormalization(momentum=0.9)
    layer(ROWS)
    mean, variance = ROWS.mean(0), ROWS.var(0, unbiased=False)
    torch.testing.assert_close(layer.moving_mean, 0.1 * mean)
    torch.testing.assert_close(layer.moving_variance, 0.9 + 0.1 * variance)


def test_a_batch_of_one_has_no_variance() -> None:
    layer = BatchNormalization(momentum=0.5)
    torch.testing.assert_close(layer(ROWS[:1]), torch.zeros(1, 2), atol=1e-4, rtol=0)
    torch.testing.assert_close(layer.moving_variance, torch.tensor([0.5, 0.5]))


def test_evaluation_uses_the_moving_statistics_and_leaves_them_alone() -> None:
    layer = BatchNormalization(epsilon=0.0)
    layer.ensure_built((None, 2))
    layer.set_weights([[2.0, 2.0], [1.0, 1.0], [3.0, 10.0], [4.0, 100.0]])
    before = layer.get_weights()
    torch.testing.assert_close(layer.eval()(ROWS)[0], torch.tensor([-1.0, 1.0]))
    assert all((a == b).all() for a, b in zip(layer.get_weights(), before, strict=True))


def test_a_frozen_layer_evaluates_even_in_training() -> None:
    layer = BatchNormalization().train()
    layer.trainable = False
    layer(ROWS)
    assert layer.moving_mean.tolist() == [0.0, 0.0]
    layer.trainable = True
    layer(ROWS)
    assert layer.moving_mean.tolist() != [0.0, 0.0]


def test_gradients_flow_through_the_statistics_of_the_batch() -> None:
    x = ROWS.double().requires_grad_()
    layer = BatchNormalization().double()
    layer.ensure_built((None, 2))
    layer.double()
    assert torch.autograd.gradcheck(layer, x)


def test_weights_are_in_keras_order() -> None:
    layer = BatchNormalization()
    layer(ROWS)
    names = ["gamma", "beta", "moving_mean", "moving_variance"]
    assert list(layer.state_dict()) == names
    assert [weight.requires_grad for weight in layer.weights] == [True, True, False, False]


def test_the_channels_may_be_on_any_axis() -> None:
    x = torch.rand(4, 3, 5, 2)
    for axis, channels in ((1, 3), (2, 5), (-1, 2), (3, 2)):
        layer = BatchNormalization(axis=axis)
        y = layer(x)
        assert layer.gamma is not None
        assert layer.gamma.shape == (channels,)
        others = [other for other in range(4) if other != axis % 4]
        torch.testing.assert_close(y.mean(others), torch.zeros(channels), atol=1e-6, rtol=0)


def test_what_is_not_wanted_is_not_there() -> None:
    layer = BatchNormalization(center=False, scale=False, beta_regularizer="l2")
    layer(ROWS)
    assert layer.gamma is None
    assert layer.beta is None
    assert list(layer.state_dict()) == ["moving_mean", "moving_variance"]


@pytest.mark.parametrize("axis", [0, 2, -2])
def test_an_axis_that_is_none_of_the_channels_is_an_error(axis: int) -> None:
    with pytest.raises(ShapeError, match=rf"axis={axis}, .*not the batch; got shape \(None, 2\)"):
        BatchNormalization(axis=axis)(ROWS)


def test_another_number_of_channels_is_an_error_that_names_the_layer() -> None:
    layer = BatchNormalization(name="norm")
    layer(ROWS)
    with pytest.raises(ShapeError, match=r"'norm' \(BatchNorm.*for 2 channels .*\(3, 1\)"):
        layer(ROWS[:, :1])
    with pytest.raises(ShapeError, match="known number of channels"):
        BatchNormalization()(Input((3, None)))


@pytest.mark.parametrize("axis", [1, -1, [1, 2], [2, 1], [-1, 1], [1, 3], [1, 2, 3]])
def test_a_sample_is_normalized_on_its_own(axis: int | list[int]) -> None:
    x = torch.rand(4, 3, 5, 2)
    layer = LayerNormalization(axis, epsilon=0.01, gamma_initializer="normal")
    y = layer(x)
    axes = sorted(a % 4 for a in ([axis] if isinstance(axis, int) else axis))
    gamma = layer.gamma
    assert gamma is not None
    assert gamma.shape == tuple(x.shape[a] for a in axes)
    mean, variance = x.mean(axes, True), x.var(axes, unbiased=False, keepdim=True)
    shape = [size if a in axes else 1 for a, size in enumerate(x.shape)]
    expected = (x - mean) / (variance + 0.01).sqrt() * gamma.reshape(shape)
    torch.testing.assert_close(y, expected)


@pytest.mark.parametrize("axis", [0, 2, [1, 1], [1, -1]])
def test_axes_that_are_not_there_or_twice_are_an_error(axis: int | list[int]) -> None:
    with pytest.raises(ShapeError, match=r"must be axes of its inputs .*\(None, 2\)"):
        LayerNormalization(axis)(ROWS)


def test_another_size_is_an_error_that_names_the_layer() -> None:
    layer = LayerNormalization(name="norm")
    layer(ROWS)
    with pytest.raises(ShapeError, match=r"'norm' \(LayerNorm.*for 2 values .*\(3, 1\)"):
        layer(ROWS[:, :1])
