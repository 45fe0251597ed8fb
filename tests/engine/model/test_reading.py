"""What a model says of its weights, its metrics and how it is made."""

import json
from typing import Any

import numpy as np
import pytest
import torch

from onfit import Input, Model, Sequential, metrics
from onfit.errors import ArgumentError, ArgumentTypeError, FileFormatError
from onfit.layers import BatchNormalization, Dense
from onfit.models import clone_model, model_from_json

X = np.random.default_rng(0).normal(size=(24, 4)).astype("float32")
Y = X.sum(1, keepdims=True)


def small() -> Sequential:
    return Sequential([Dense(3, input_shape=(4,)), BatchNormalization(), Dense(1)])


# --- weights ---------------------------------------------------------------------------------


def test_the_lists_of_weights_are_those_of_keras() -> None:
    model = small()
    assert model.weights == model.variables
    assert [tuple(each.shape) for each in model.weights] == [w.shape for w in model.get_weights()]
    assert len(model.trainable_weights) == len(model.trainable_variables) == 6
    normalization = model.layers[1]
    assert list(map(id, model.non_trainable_weights)) == list(map(id, normalization.buffers()))
    model.layers[0].trainable = False
    assert len(model.trainable_weights) == 4
    assert len(model.non_trainable_variables) == 4


def test_a_model_without_weights_yet_has_empty_lists() -> None:
    model = Sequential([Dense(2)])
    assert model.weights == model.non_trainable_weights == model.trainable_weights == []
    assert model.count_params() == 0


# --- metrics ---------------------------------------------------------------------------------


class Guided(Model):
    """A training step as Keras' guides write it for torch."""

    def train_step(self, data: Any) -> Any:
        x, y = data
        self.zero_grad()
        y_pred = self(x, training=True)
        loss = self.compute_loss(y=y, y_pred=y_pred)
        loss.backward()
        weights = list(self.trainable_weights)
        gradients = [weight.grad for weight in weights]
        with torch.no_grad():
            self.optimizer.apply(gradients, weights)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}

    def test_step(self, data: Any) -> Any:
        x, y = data
        y_pred = self(x, training=False)
        for metric in self.metrics:
            if metric.name != "loss":
                metric.update_state(y, y_pred)
        return {metric.name: metric.result() for metric in self.metrics}


def linear() -> Model:
    return Sequential([Dense(1, input_dim=4)])


def guided() -> Model:
    x = Input((4,))
    model = Guided(x, Dense(1, kernel_initializer="ones")(x))
    model.compile("sgd", "mse", metrics=["mae", metrics.RootMeanSquaredError()])
    return model


def test_a_step_of_a_guide_logs_what_the_built_in_step_logs() -> None:
    model, plain = guided(), Sequential([Dense(1, kernel_initializer="ones", input_dim=4)])
    plain.compile("sgd", "mse", metrics=["mae", metrics.RootMeanSquaredError()])
    given = {"epochs": 3, "batch_size": 8, "shuffle": False, "verbose": 0}
    own, expected = (each.fit(X, 2 * Y, **given).history for each in (model, plain))
    assert own == {name: pytest.approx(values) for name, values in expected.items()}


def test_validation_and_training_measure_apart() -> None:
    model = guided()
    history = model.fit(X, Y, validation_data=(X, Y + 5), epochs=2, verbose=0).history
    value = model.evaluate(X, Y + 5, verbose=0, return_dict=True)["mae"]
    assert history["val_mae"][-1] == pytest.approx(value)
    assert history["mae"][-1] < history["val_mae"][-1]


def test_metrics_lists_the_loss_the_metrics_and_those_among_the_attributes() -> None:
    class Own(Model):
        def __init__(self) -> None:
            super().__init__()
            self.tracker = metrics.Mean("tracked")

    model = Own()
    assert [metric.name for metric in model.metrics] == ["tracked"]
    model.compile("sgd", "mse", metrics=["mae"])
    assert [metric.name for metric in model.metrics] == ["loss", "mae", "tracked"]
    model.tracker.update_state(3.0)
    model.reset_metrics()
    assert float(model.tracker.result()) == 0.0


def test_a_model_may_list_its_metrics_itself() -> None:
    class Own(Guided):
        def __init__(self, *symbols: Any) -> None:
            super().__init__(*symbols)
            self.mean, self.mae = metrics.Mean("loss"), metrics.MeanAbsoluteError("mae")

        @property
        def metrics(self) -> Any:
            return [self.mean, self.mae]

    x = Input((4,))
    model = Own(x, Dense(1)(x))
    model.compile("sgd", "mse")
    history = model.fit(X, Y, batch_size=7, epochs=2, verbose=0).history
    assert sorted(history) == ["loss", "mae"]
    assert history["loss"][1] < history["loss"][0]


@pytest.mark.parametrize("measure", [Model.train_on_batch, Model.test_on_batch])
@pytest.mark.parametrize("make", [linear, guided])
def test_metrics_of_batches_by_hand_add_up_if_asked_for(make: Any, measure: Any) -> None:
    def values(*resets: bool) -> list[float]:
        parts = zip(np.split(X, len(resets)), np.split(Y, len(resets)), strict=True)
        asked = zip(parts, resets, strict=True)
        given = {"return_dict": True}
        return [measure(model, *xy, reset_metrics=reset, **given)["mae"] for xy, reset in asked]

    model = make()
    model.compile("sgd", "mse", metrics=["mae", metrics.RootMeanSquaredError()])
    model.optimizer.learning_rate = 0.0
    single = values(True, True, True)
    added = values(False, False, False)
    assert added == pytest.approx(np.cumsum(single) / [1, 2, 3], rel=1e-5)
    assert values(True, True, True)[1:] == pytest.approx(single[1:], rel=1e-5)
    model.reset_metrics()
    assert values(False, False, False) == pytest.approx(added, rel=1e-5)


def test_a_model_without_stateful_layers_has_no_states_to_forget() -> None:
    small().reset_states()


# --- how it is made --------------------------------------------------------------------------


def graph() -> Model:
    x = Input((4,), name="given")
    return Model(x, [Dense(1)(x), Dense(2)(x)])


@pytest.mark.parametrize("make", [small, graph])
def test_a_model_is_made_again_of_its_text(make: Any) -> None:
    model = make()
    twin = model_from_json(model.to_json(indent=2))
    twin.set_weights(model.get_weights())
    assert type(twin) is type(model)
    for mine, its in zip(model.predict(X, verbose=0), twin.predict(X, verbose=0), strict=True):
        assert np.array_equal(mine, its)


def test_a_stack_without_a_shape_is_described_and_copied_without_one() -> None:
    model = Sequential([Dense(2, name="first"), Dense(1)])
    for twin in (
        Sequential.from_config(model.get_config()),
        model_from_json(model.to_json()),
        clone_model(model),
    ):
        assert not twin.built
        assert [layer.name for layer in twin.layers] == ["first", "dense"]
        assert twin(X).shape == (24, 1)


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"class_name": "Mine", "config": {}})])
def test_a_text_of_no_model_is_an_error(text: str) -> None:
    with pytest.raises(FileFormatError):
        model_from_json(text)


def test_a_clone_may_begin_from_inputs_of_ones_own() -> None:
    for make in (small, graph):
        begin = Input((4,), name="mine")
        assert clone_model(make(), begin).inputs == [begin]
    kept = clone_model(small(), None, lambda layer: layer)
    assert kept.name == "sequential"
    with pytest.raises(ArgumentError, match="has 2 symbols"):
        clone_model(graph(), [Input((4,)), Input((4,))])
    with pytest.raises(ArgumentError, match="by its own code"):
        clone_model(Guided(), Input((4,)))
    with pytest.raises(ArgumentTypeError, match="clone_function="):
        clone_model(small(), lambda layer: layer)
