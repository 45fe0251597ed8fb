"""What is the user's own is kept by name and found again by it."""

from typing import Any

import numpy as np
import pytest
import torch
from tests.saving.small import (
    FIT,
    ONE_HOT,
    X,
    assert_identical,
    each_whole,
    saved_and_loaded,
    small,
)

from onfit import initializers, layers, losses, metrics, optimizers
from onfit.errors import FileFormatError, OnfitWarning
from onfit.layers import Dense, Input
from onfit.models import Model, Sequential, load_model, model_from_json


def doubled(x):
    return 2 * x


def cubed(y_true, y_pred):
    return abs(y_true - y_pred) ** 3


def thirds(shape, dtype=None):
    return torch.full(shape, 1 / 3)


class Scale(layers.Layer):
    def __init__(self, factor=1.0, **layer):
        super().__init__(**layer)
        self.factor = factor

    def build(self, input_shape):
        self.add_weight("offset", (input_shape[-1],), "uniform")
        self.add_weight("steps", (), "zeros", trainable=False)

    def forward(self, x):
        return self.factor * x + self.offset

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


class Weighted(losses.Loss):
    name = "weighted"

    def __init__(self, weight):
        self.weight = weight

    def call(self, y_true, y_pred):
        return self.weight * losses.mean_squared_error(y_true, y_pred)

    def get_config(self):
        return {"weight": self.weight}


class Slow(optimizers.SGD):
    pass


class Tenth(initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return torch.full(shape, 0.1)


@each_whole
def test_functions_and_classes_of_the_users_are_found_by_their_names(tmp_path, suffix):
    model = Sequential(
        [
            layers.Dense(
                5, activation=doubled, input_dim=4,
                kernel_initializer=thirds, bias_initializer=Tenth(),
            ),
            Scale(3.0, name="scale"),
            layers.Dense(3),
        ]
    )  # fmt: skip
    model.compile(Slow(0.01, momentum=0.5), Weighted(2.0), metrics=[cubed])
    model.fit(X, ONE_HOT, **FIT)
    mine = [doubled, cubed, thirds, Scale, Weighted, Slow, Tenth]
    custom = {each.__name__: each for each in mine}
    loaded = saved_and_loaded(model, tmp_path, suffix, custom_objects=custom)
    assert loaded.layers[1].factor == 3.0
    assert loaded.layers[0].kernel_initializer is thirds
    assert isinstance(loaded.layers[0].bias_initializer, Tenth)
    assert loaded.metrics_names == ["loss", "cubed"]
    for each in (model, loaded):
        each.fit(X, ONE_HOT, **FIT)
    assert_identical(loaded.get_weights(), model.get_weights())
    assert_identical(loaded.evaluate(X, ONE_HOT, verbose=0), model.evaluate(X, ONE_HOT, verbose=0))


class Largest(metrics.StatefulMetric):
    name, direction = "largest", "max"

    def reset(self):
        self.largest = torch.tensor(-torch.inf)

    def update(self, y_true, y_pred):
        self.largest = torch.maximum(self.largest, y_pred.max())

    def result(self):
        return self.largest


class Above(Largest):
    def __init__(self, least):
        self.least = least

    def get_config(self):
        return {"least": self.least}


@each_whole
def test_metrics_of_the_users_are_found_by_name_and_by_class(tmp_path, suffix):
    model = small()
    model.compile("sgd", "mse", metrics=[Largest()])
    for found in (Largest, Largest()):
        loaded = saved_and_loaded(model, tmp_path, suffix, custom_objects={"largest": found})
        assert isinstance(loaded.compiled.metrics[0], Largest)
    model.compile("sgd", "mse", metrics=[Above(3)])
    loaded = saved_and_loaded(model, tmp_path, suffix, custom_objects={"Above": Above})
    assert loaded.compiled.metrics[0].least == 3


@each_whole
def test_a_function_as_loss_is_found_by_its_name(tmp_path, suffix):
    model = small()
    model.compile("sgd", cubed)
    loaded = saved_and_loaded(model, tmp_path, suffix, custom_objects={"cubed": cubed})
    assert loaded.compiled.loss.function is cubed


@each_whole
def test_a_layer_named_as_a_function_of_the_users_keeps_its_name(tmp_path, suffix):
    model = Sequential([layers.Dense(3, input_dim=4, name="doubled", activation=doubled)])
    loaded = saved_and_loaded(model, tmp_path, suffix, custom_objects={"doubled": doubled})
    assert loaded.layers[0].name == "doubled"
    assert loaded.layers[0].activation is doubled


# --- models of a class of one's own ----------------------------------------------------------


class Doubling(Model):
    """A functional model that says more than its layers do."""

    def twice(self, x: Any) -> Any:
        return 2 * self(x)


class Fixed(Doubling):
    """One that cannot be made of inputs and outputs."""

    def __init__(self) -> None:
        x = Input((2,))
        super().__init__(x, Dense(1)(x))


class Stack(Sequential):
    """A stack that says more than its layers do."""

    def twice(self, x: Any) -> Any:
        return 2 * self(x)


def doubling() -> Any:
    x = Input((2,))
    return Doubling(x, Dense(1)(x))


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("make", [doubling, lambda: Stack([Dense(1, input_dim=2)])])
def test_a_model_of_ones_own_class_is_read_as_one(tmp_path: Any, make: Any, suffix: str) -> None:
    model = make()
    model.save(tmp_path / f"a{suffix}")
    own = {"Doubling": Doubling, "Stack": Stack}
    for twin in (
        load_model(tmp_path / f"a{suffix}", own),
        model_from_json(model.to_json(), own),
        type(model).from_config(model.get_config()),
    ):
        assert type(twin).__name__ == type(model).__name__
        assert twin.twice(np.ones((1, 2), "float32")).shape == (1, 1)


def test_a_class_that_is_not_there_is_missed(tmp_path: Any) -> None:
    doubling().save(tmp_path / "a.keras")
    with pytest.warns(OnfitWarning, match="class Doubling, which is not in custom_objects"):
        assert not isinstance(load_model(tmp_path / "a.keras"), Doubling)


def test_a_class_that_takes_no_inputs_and_outputs_is_an_error_that_says_so(tmp_path: Any) -> None:
    Fixed().save(tmp_path / "a.keras")
    with pytest.raises(FileFormatError, match="Fixed of custom_objects is called with inputs"):
        load_model(tmp_path / "a.keras", {"Fixed": Fixed})
