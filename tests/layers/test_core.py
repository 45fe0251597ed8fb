import copy
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from onfit import activations
from onfit.errors import ArgumentError, ArgumentTypeError, ShapeError
from onfit.layers import Activation, Dense, Dropout, Flatten, Layer, TorchModule

ONES = torch.ones(2, 3)


# --- Dense -----------------------------------------------------------------------------------


def test_dense_is_activation_of_x_times_kernel_plus_bias() -> None:
    layer = Dense(2, "relu")
    assert layer(ONES).shape == (2, 2)
    layer.set_weights([np.array([[1, -1], [2, 0], [0, 0.5]]), np.array([0.5, 0.25])])
    assert layer(ONES).tolist() == [[3.5, 0.0]] * 2
    without = Dense(2, use_bias=False)
    without(ONES)
    assert len(without.weights) == 1


def test_dense_works_along_the_last_axis() -> None:
    layer, x = Dense(4), torch.randn(2, 5, 3)
    out = layer(x)
    assert out.shape == (2, 5, 4)
    torch.testing.assert_close(out[:, 2], layer(x[:, 2]))


def test_dense_takes_numbers_of_any_type() -> None:
    layer = Dense(2)
    layer(ONES)
    for dtype in (torch.int64, torch.uint8, torch.float64, torch.bool):
        assert layer(ONES.to(dtype)).dtype is torch.float32


def test_dense_leaves_types_to_autocast() -> None:
    layer = Dense(2)
    layer(ONES)
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(ONES).dtype is torch.bfloat16


@pytest.mark.parametrize("wrong", [0, -3, 2.5])
def test_units_are_a_whole_number(wrong: Any) -> None:
    with pytest.raises(ArgumentError, match=rf"Dense\(units={wrong}\): units is a whole number"):
        Dense(wrong)


@pytest.mark.parametrize("x", [torch.ones(2, 4), torch.ones(3)])
def test_a_wrong_shape_names_the_layer_what_came_and_what_was_expected(x: torch.Tensor) -> None:
    layer = Dense(2, input_dim=3, name="first")
    layer(ONES)
    came = rf"\({', '.join(map(str, x.shape))}"
    with pytest.raises(
        ShapeError, match=rf"layer 'first' \(Dense\) expected .* is 3.*got .*{came}"
    ):
        layer(x)


def test_dense_needs_a_known_number_of_features() -> None:
    with pytest.raises(ShapeError, match=r"needs inputs of shape \(batch, ..., features\)"):
        Dense(2).ensure_built((None, None))


# --- other layers ----------------------------------------------------------------------------


def test_activation_is_the_function() -> None:
    x = torch.tensor([[-1.0, 2.0]])
    assert Activation("relu")(x).tolist() == [[0.0, 2.0]]
    assert Activation(torch.abs)(x).tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize("seed", [None, 3])
def test_dropout_zeroes_some_and_scales_the_rest_in_training_only(seed: int | None) -> None:
    torch.manual_seed(0)
    layer, x = Dropout(0.25, seed=seed), torch.ones(100, 100)
    out = layer.train()(x)
    assert out.unique().tolist() == [0.0, pytest.approx(4 / 3)]
    assert float((out == 0).float().mean()) == pytest.approx(0.25, abs=0.02)
    assert torch.equal(layer.eval()(x), x)


@pytest.mark.parametrize("noise", [(None, 1, 3), (1, 4, None)])
def test_dropout_may_drop_along_some_axes_together(noise: Any) -> None:
    out = Dropout(0.5, noise_shape=noise, seed=1).train()(torch.ones(6, 4, 3))
    together = 1 if noise[1] == 1 else 0
    assert torch.equal(out, out.select(together, 0).unsqueeze(together).expand_as(out))
    assert set(out.unique().tolist()) == {0.0, 2.0}


@pytest.mark.parametrize("wrong", [-0.1, 1.0, 7])
def test_a_dropout_rate_is_a_fraction(wrong: float) -> None:
    with pytest.raises(ArgumentError, match=rf"Dropout\(rate={wrong}\): rate is the fraction"):
        Dropout(wrong)


def test_flatten_makes_a_row_of_every_sample() -> None:
    x = torch.arange(12.0).reshape(2, 3, 2)
    assert Flatten()(x).tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]
    assert Flatten()(torch.ones(4)).shape == (4, 1)


def test_a_torch_module_is_a_layer() -> None:
    layer = TorchModule(nn.Conv1d(3, 2, 1), name="conv")
    assert layer(torch.ones(4, 3, 7)).shape == (4, 2, 7)
    assert len(layer.get_weights()) == 2


# --- arguments of every layer ----------------------------------------------------------------


def test_an_unknown_argument_is_an_error_that_guesses() -> None:
    with pytest.raises(ArgumentError, match=r"Dense\(activatoin=...\).*Did you mean 'activation'"):
        Dense(2, activatoin="relu")


def test_a_misspelt_activation_is_an_error_that_guesses() -> None:
    with pytest.raises(ArgumentError, match=r"activation='rellu' is not known.*mean 'relu'\?"):
        Dense(2, activation="rellu")
    with pytest.raises(ArgumentTypeError, match="activation is a name or a callable; got 3"):
        Dense(2, activation=3)


def test_torchs_own_activations_are_recognised() -> None:
    assert activations.get(torch.sigmoid) is activations.sigmoid
    assert activations.get(nn.functional.relu) is activations.relu
    assert activations.get(None) is activations.linear
    assert activations.serialize(activations.silu) == "silu"
    assert activations.serialize(torch.abs) is None


def test_trainable_is_a_switch_that_can_be_set_before_and_after_building() -> None:
    layer = Dense(2, trainable=False)
    layer(ONES)
    assert [weight.requires_grad for weight in layer.weights] == [False, False]
    layer.trainable = True
    assert all(weight.requires_grad for weight in layer.weights)
    assert layer.trainable


# --- layers of one's own ---------------------------------------------------------------------


class Scale(Layer):
    """Keras' way of writing a layer."""

    def build(self, input_shape: Any) -> None:
        self.seen = input_shape
        self.factor = self.add_weight("factor", (input_shape[-1],), "ones")
        self.count = self.add_weight("count", (), "zeros", trainable=False)

    def call(self, x: Any) -> Any:
        return x * self.factor


def test_a_layer_is_built_once_by_its_first_input() -> None:
    layer = Scale()
    assert not layer.built
    layer(ONES)
    factor = layer.factor
    layer(torch.ones(7, 3))
    assert layer.factor is factor
    assert layer.seen == (None, 3)
    assert [name for name, _ in layer.named_parameters()] == ["factor"]
    assert [name for name, _ in layer.named_buffers()] == ["count"]


def test_a_layer_without_a_forward_says_so() -> None:
    class Nothing(Layer):
        pass

    with pytest.raises(NotImplementedError, match="Nothing has neither forward nor call"):
        Nothing()(ONES)


# --- weights ---------------------------------------------------------------------------------


def test_weights_are_copies() -> None:
    layer = Scale()
    layer(ONES)
    weights = layer.get_weights()
    weights[0][:] = 7
    assert layer.factor.tolist() == [1.0, 1.0, 1.0]
    layer.set_weights(weights)
    weights[0][:] = 8
    assert layer.factor.tolist() == [7.0, 7.0, 7.0]


@pytest.mark.parametrize("wrong", [[], [np.ones(4), np.ones(())], [np.ones(3)]])
def test_weights_of_other_shapes_change_nothing(wrong: Any) -> None:
    layer = Scale()
    layer(ONES)
    with pytest.raises(
        ShapeError, match=r"Scale.set_weights: expected arrays of shapes \[\(3,\), "
    ):
        layer.set_weights(wrong)
    assert layer.factor.tolist() == [1.0, 1.0, 1.0]


# --- copies ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "layer",
    [Dense(2, "relu"), Activation("tanh"), Dropout(0.5), Dropout(0.5, seed=3), Flatten(), Scale()],
    ids=lambda layer: type(layer).__name__,
)
@pytest.mark.parametrize("how", ["deepcopy", "pickle"])
def test_layers_can_be_copied(layer: Layer, how: str) -> None:
    layer(ONES)
    again = copy.deepcopy(layer) if how == "deepcopy" else pickle.loads(pickle.dumps(layer))
    assert torch.equal(again.eval()(ONES), layer.eval()(ONES))
    assert all(a is not b for a, b in zip(again.weights, layer.weights, strict=True))


@pytest.mark.parametrize(
    "layer",
    [
        Dense(2, "relu", use_bias=False, name="d", trainable=False),
        Activation("tanh"),
        Dropout(0.25, noise_shape=(None, 1), seed=3),
        Flatten(name="f"),
    ],
    ids=lambda layer: type(layer).__name__,
)
def test_a_config_makes_the_same_layer_again(layer: Layer) -> None:
    config = layer.get_config()
    assert type(layer).from_config(config).get_config() == config
