"""`from onfit import backend as K`: what callbacks and scripts ask of Keras' backend."""

import numpy as np
import pytest
import torch

from onfit import Sequential, layers
from onfit import backend as K
from onfit.callbacks import Callback
from onfit.errors import ArgumentError, ArgumentTypeError, ShapeError
from onfit.optimizers import SGD


def model():
    made = Sequential([layers.Dense(1, input_dim=2)])
    made.compile(optimizer="sgd", loss="mse")
    return made


# --- values ----------------------------------------------------------------------------------


def test_a_callback_reads_and_sets_the_learning_rate():
    seen = []

    class Halve(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append(K.get_value(self.model.optimizer.lr))
            K.set_value(self.model.optimizer.lr, seen[-1] / 2)

    trained = model()
    trained.fit(np.zeros((4, 2)), np.zeros(4), epochs=3, verbose=0, callbacks=[Halve()])
    assert seen == [0.01, 0.005, 0.0025]
    assert type(seen[0]) is float
    assert trained.optimizer.learning_rate == 0.00125


def test_a_set_rate_is_the_rate_of_the_next_batch():
    trained = model()
    K.set_value(trained.optimizer.learning_rate, 0.0)
    before = trained.get_weights()
    trained.fit(np.ones((4, 2)), np.zeros(4), verbose=0)
    np.testing.assert_array_equal(trained.get_weights()[0], before[0])


def test_the_rate_of_a_torch_optimizer_is_set_too():
    trained = model()
    optimizer = torch.optim.SGD(trained.parameters(), lr=0.1)
    trained.compile(optimizer, "mse")
    K.set_value(trained.optimizer.lr, 0.25)
    assert optimizer.param_groups[0]["lr"] == 0.25
    assert K.get_value(trained.optimizer.lr) == 0.25


@pytest.mark.parametrize("wrong", [-1, "fast", None, float("nan")])
def test_what_is_no_rate_is_refused(wrong):
    optimizer = SGD(0.1)
    with pytest.raises(ArgumentError, match="a learning rate is a number from 0 upwards"):
        K.set_value(optimizer.lr, wrong)
    assert optimizer.lr == 0.1


@pytest.mark.parametrize("new", [[[3.0], [4.0]], np.array([[3.0], [4.0]])])
def test_a_weight_is_read_as_a_copy_and_filled_in_place(new):
    kernel = model().layers[0].kernel
    before = K.get_value(kernel)
    assert isinstance(before, np.ndarray)
    K.set_value(kernel, new)
    assert kernel.tolist() == [[3.0], [4.0]]
    assert kernel.requires_grad
    assert before.tolist() != [[3.0], [4.0]]
    assert K.get_value(kernel).tolist() == [[3.0], [4.0]]


def test_a_value_of_another_shape_is_refused():
    kernel = model().layers[0].kernel
    before = kernel.tolist()
    with pytest.raises(ShapeError, match=r"has shape \(2, 1\), the new value \(2,\)"):
        K.set_value(kernel, [1.0, 2.0])
    with pytest.raises(ShapeError, match=r"the new value \(\)"):
        K.set_value(kernel, 1.0)
    assert kernel.tolist() == before


def test_a_number_is_its_own_value_and_cannot_be_set():
    optimizer = SGD(momentum=0.9)
    assert K.get_value(optimizer.momentum) == 0.9
    assert K.get_value(optimizer.iterations) == 0
    with pytest.raises(ArgumentTypeError, match=r"a float is a value of its own.*layer\.rate = 0"):
        K.set_value(optimizer.momentum, 0.5)


# --- settings --------------------------------------------------------------------------------


@pytest.fixture
def _float32_again():
    yield
    K.set_floatx("float32")


@pytest.mark.usefixtures("_float32_again")
@pytest.mark.parametrize("name", ["float64", "bfloat16", "float32"])
def test_floats_are_of_the_type_that_was_set(name):
    K.set_floatx(name)
    assert K.floatx() == name
    trained = model()
    for x in (np.ones((4, 2), "float32"), np.ones((4, 2), "float64")):
        trained.fit(x, np.ones(4), verbose=0)
    assert trained.layers[0].kernel.dtype is getattr(torch, name)


def test_an_unknown_type_is_refused_with_the_nearest_one():
    with pytest.raises(ArgumentError, match=r"one of float16, .*Did you mean 'float32'\?"):
        K.set_floatx("flaot32")
    assert K.floatx() == "float32"


def test_epsilon_is_what_keeps_losses_finite():
    assert K.epsilon() == 1e-7


def test_images_have_their_channels_last():
    assert K.image_data_format() == "channels_last"
    assert K.image_dim_ordering() == "tf"
    assert K.count_params(K.ones((2, 3))) == 6
    assert layers.Conv2D(3, 2, input_shape=(8, 8, 1)).layout.data_format == K.image_data_format()


def test_clearing_the_session_leaves_models_alone():
    trained = model()
    before = trained.get_weights()
    assert K.clear_session() is None
    np.testing.assert_array_equal(trained.get_weights()[0], before[0])


# --- what is not there -----------------------------------------------------------------------


def test_what_torch_alone_has_is_torchs():
    with pytest.raises(AttributeError, match=r"no attribute 'einsum'\. Write torch.einsum"):
        K.einsum  # noqa: B018


def test_a_misspelt_name_is_an_error_with_the_nearest_one():
    with pytest.raises(AttributeError, match=r"Did you mean 'get_value'\?"):
        K.get_valeu  # noqa: B018
    assert not hasattr(K, "_private")
