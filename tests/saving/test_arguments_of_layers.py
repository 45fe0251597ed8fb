"""Constraints, penalties and first values in files, in both directions."""

import keras
import numpy as np
import pytest
from tests.saving.keras_models import tolerant_of_keras

from onfit import layers
from onfit.constraints import Constraint, MaxNorm
from onfit.models import Sequential, load_model

pytestmark = tolerant_of_keras


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_limit_is_kept_here_and_in_keras(tmp_path, suffix):
    limit = MaxNorm(3, axis=[0, 1])
    model = Sequential([layers.Dense(2, kernel_constraint=limit, input_shape=(3,))])
    path = tmp_path / f"model{suffix}"
    model.save(path)
    for opened in (load_model(path), keras.models.load_model(path)):
        kept = opened.layers[0].kernel_constraint
        assert type(kept).__name__ == "MaxNorm"
        assert kept.get_config() == {"max_value": 3, "axis": [0, 1]}


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_limit_in_keras_file_is_kept(tmp_path, suffix):
    recurrent = keras.layers.LSTM(2, recurrent_constraint=keras.constraints.UnitNorm(1))
    path = tmp_path / f"model{suffix}"
    keras.Sequential([keras.Input((4, 3)), recurrent]).save(path)
    opened = load_model(path)
    assert opened.layers[0].recurrent_constraint.get_config() == {"axis": 1}
    opened.compile("sgd", "mse")
    assert opened.layers[0].bias_constraint is None


class Below(Constraint):
    """A limit of the user's own."""

    def __init__(self, limit=1.0):
        self.limit = limit

    def __call__(self, w):
        return w.clamp(max=self.limit)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_limit_of_ones_own_is_found_in_custom_objects(tmp_path, suffix):
    model = Sequential([layers.Dense(2, bias_constraint=Below(0.5), input_shape=(3,))])
    path = tmp_path / f"model{suffix}"
    model.save(path)
    opened = load_model(path, custom_objects={"Below": Below})
    assert opened.layers[0].bias_constraint.limit == 0.5


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_all_that_a_layer_was_made_with_is_kept_here_and_in_keras(tmp_path, suffix):
    kernel = np.arange(6.0).reshape(3, 2)
    layer = layers.Dense(
        2,
        kernel_initializer=kernel,
        kernel_regularizer="orthogonal_regularizer",
        activity_regularizer="l2",
        dtype="float64",
        autocast=False,
        trainable=False,
        input_shape=(3,),
    )
    path = tmp_path / f"model{suffix}"
    Sequential([layer]).save(path)
    for opened in (load_model(path).layers[0], keras.models.load_model(path).layers[0]):
        config = opened.get_config()
        kept = opened.kernel_initializer.value
        np.testing.assert_array_equal(np.asarray(kept), kernel)
        assert opened.activity_regularizer.get_config() == {"l2": pytest.approx(0.01)}
        assert opened.kernel_regularizer.get_config()["mode"] == "rows"
        assert config["trainable"] is False
        assert "float64" in str(config["dtype"])


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_an_array_in_keras_file_is_read(tmp_path, suffix):
    kernel = np.arange(6.0, dtype="float32").reshape(3, 2)
    first = keras.initializers.Constant(kernel)
    path = tmp_path / f"model{suffix}"
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, kernel_initializer=first)]).save(
        path
    )
    found = load_model(path).layers[0].kernel_initializer.value
    np.testing.assert_array_equal(found, kernel)
