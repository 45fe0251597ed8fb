"""Models written as graphs, against Keras' own."""

import copy
import pickle
from typing import Any

import keras
import numpy as np
import pytest
import torch
from tests.twin.keras_twin import (
    FEATURES,
    KERAS,
    ONFIT,
    Script,
    assert_same,
    assert_twins,
    close,
    make_data,
    outcome,
    same_start,
    tolerant_of_keras,
)
from torch import nn

from onfit import regularizers
from onfit.engine.model.model import Model
from onfit.errors import ArgumentError, ArgumentTypeError, ShapeError

pytestmark = tolerant_of_keras

DATA = make_data()
SIDE = np.random.default_rng(7).normal(size=(len(DATA.x), 3)).astype("float32")


def model_of(lib: Any) -> Any:
    return Model if lib is ONFIT else keras.Model


def regularizers_of(lib: Any) -> Any:
    return regularizers if lib is ONFIT else keras.regularizers


def sgd(lib: Any) -> Any:
    return lib.optimizers.SGD(learning_rate=0.05)


def mse(lib: Any) -> dict[str, Any]:
    return {"optimizer": sgd(lib), "loss": "mse", "metrics": ["mae"]}


# --- one output ------------------------------------------------------------------------------


def residual(lib: Any) -> Any:
    x = lib.Input(shape=(FEATURES,))
    hidden = lib.layers.Dense(5, activation="tanh")(x)
    added = lib.layers.add([hidden, lib.layers.Dense(5)(hidden)])
    joined = lib.layers.concatenate([added, x])
    return model_of(lib)(inputs=x, outputs=lib.layers.Dense(1)(joined))


def shared(lib: Any) -> Any:
    """One layer sees both inputs, and one of them twice."""
    left, right = lib.Input(shape=(FEATURES,)), lib.Input(shape=(FEATURES,))
    encode = lib.layers.Dense(4, activation="tanh")
    again = lib.layers.Dense(FEATURES)(encode(left))
    parts = [encode(left), encode(right), encode(again)]
    return model_of(lib)([left, right], lib.layers.Dense(1)(lib.layers.multiply(parts)))


def nested(lib: Any) -> Any:
    """A Sequential and a functional model as layers; the second is called twice."""
    inner = lib.Sequential([lib.Input(shape=(FEATURES,)), lib.layers.Dense(4, activation="tanh")])
    middle = lib.Input(shape=(4,))
    outer = model_of(lib)(middle, lib.layers.average([middle, lib.layers.Dense(4)(middle)]))
    x = lib.Input(shape=(FEATURES,))
    return model_of(lib)(x, lib.layers.Dense(1)(outer(outer(inner(x)))))


def penalized(lib: Any) -> Any:
    of = regularizers_of(lib)
    x = lib.Input(shape=(FEATURES,))
    first = lib.layers.Dense(4, kernel_regularizer=of.L2(0.1), bias_regularizer=of.L1(0.05))
    both = lib.layers.Dense(4, kernel_regularizer=of.L1L2(l1=0.01, l2=0.02))
    return model_of(lib)(x, lib.layers.Dense(1)(both(both(first(x)))))


def with_statistics(lib: Any) -> Any:
    x = lib.Input(shape=(FEATURES,))
    normalize = lib.layers.BatchNormalization(momentum=0.2)
    return model_of(lib)(x, lib.layers.Dense(1)(normalize(lib.layers.Dense(4, use_bias=False)(x))))


ONE_INPUT = {each.__name__: each for each in (residual, nested, penalized, with_statistics)}


@pytest.mark.parametrize("name", ONE_INPUT)
def test_graphs_learn_as_keras_do(name: str) -> None:
    held_out = (DATA.x[:20], DATA.real[:20])
    ours = assert_twins(ONE_INPUT[name], mse, DATA.x, DATA.real, validation_data=held_out)
    assert set(ours.history) == {"loss", "mae", "val_loss", "val_mae"}


def test_shared_layers_of_two_inputs_learn_as_keras_do() -> None:
    assert_twins(shared, mse, [DATA.x, DATA.x[::-1].copy()], DATA.real)


def test_penalties_are_in_the_losses_that_are_logged() -> None:
    x, y = DATA.x, np.zeros_like(DATA.real)
    reference, model = same_start(penalized)
    for each in (reference, model):
        each.compile(optimizer="sgd", loss=lambda y_true, y_pred: (y_pred - y_pred) ** 2)
    expected = reference.evaluate(x, y, verbose=0)
    assert expected > 0.1
    close(model.evaluate(x, y, verbose=0), expected)


@pytest.mark.parametrize("frozen", [[1], [-1], [1, 2]])
def test_frozen_weights_cost_what_they_cost_in_keras(frozen: list[int]) -> None:
    reference, model = same_start(penalized)
    for each in (reference, model):
        for index in frozen:
            each.layers[index].trainable = False
        each.compile(optimizer="sgd", loss="mse")
    expected = reference.fit(DATA.x, DATA.real, shuffle=False, verbose=0).history["loss"]
    close(model.fit(DATA.x, DATA.real, shuffle=False, verbose=0).history["loss"], expected)
    expected = reference.evaluate(DATA.x, DATA.real, verbose=0)
    close(model.evaluate(DATA.x, DATA.real, verbose=0), expected)


def by_name(lib: Any) -> Any:
    x = lib.Input(shape=(FEATURES,))
    hidden = lib.layers.Dense(4, activation="relu")(x)
    outputs = {"age": lib.layers.Dense(1)(hidden), "kind": lib.layers.Dense(2)(hidden)}
    return model_of(lib)(x, outputs)


def test_outputs_given_as_a_dict_come_as_a_dict() -> None:
    reference, model = same_start(by_name)
    y = {"age": DATA.real, "kind": np.concatenate([DATA.real, -DATA.real], axis=1)}
    held_out = (DATA.x[:20], {name: values[:20] for name, values in y.items()})
    fits = []
    for each in (reference, model):
        weights = {"age": 0.5, "kind": 2.0}
        each.compile("sgd", {"age": "mse", "kind": "mae"}, loss_weights=weights)
        fits.append(each.fit(DATA.x, y, shuffle=False, verbose=0, validation_data=held_out))
    expected = fits[0].history
    assert set(fits[1].history) == set(expected)
    for name, values in expected.items():
        close(fits[1].history[name], values)
    found, other = (each.predict(DATA.x, verbose=0) for each in (model, reference))
    assert list(found) == list(other) == list(model(DATA.x)) == ["age", "kind"]
    close(found["age"], other["age"])
    assert list(model.output) == list(reference.output)


def test_a_factor_of_a_penalty_changed_in_mid_training_is_the_next_batches() -> None:
    def strengthen(lib: Any) -> list[Any]:
        class Strengthen(lib.Callback):  # type: ignore[misc]
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                if batch == 1:
                    self.model.get_layer(index=-3).kernel_regularizer.l2 = 5.0

        return [Strengthen()]

    def build(lib: Any) -> Any:
        kernel = regularizers_of(lib).L2(0.5)
        x = lib.Input(shape=(FEATURES,))
        hidden = lib.layers.Dense(4, kernel_regularizer=kernel)(x)
        hidden = lib.layers.Activation("tanh")(hidden)
        return model_of(lib)(x, lib.layers.Dense(1)(hidden))

    def slow(lib: Any) -> dict[str, Any]:
        return {"optimizer": lib.optimizers.SGD(0.01), "loss": "mse"}

    changed = assert_twins(build, slow, DATA.x, DATA.real, callbacks=strengthen)
    unchanged = assert_twins(build, slow, DATA.x, DATA.real)
    assert np.abs(changed.weights[0] - unchanged.weights[0]).max() > 0.01


# --- several inputs and outputs --------------------------------------------------------------


def two_by_two(lib: Any) -> Any:
    main = lib.Input(shape=(FEATURES,), name="main")
    side = lib.Input(shape=(3,), name="side")
    joined = lib.layers.concatenate([lib.layers.Dense(5, activation="tanh")(main), side])
    value = lib.layers.Dense(1, name="value")(joined)
    kind = lib.layers.Dense(3, activation="softmax", name="kind")(joined)
    return model_of(lib)(inputs=[main, side], outputs=[value, kind])


CROSSENTROPY = "sparse_categorical_crossentropy"
COMPILED: dict[str, dict[str, Any]] = {
    "lists": {
        "loss": ["mse", CROSSENTROPY],
        "loss_weights": [0.5, 2.0],
        "metrics": [["mae"], ["accuracy"]],
    },
    "dicts": {
        "loss": {"value": "mse", "kind": CROSSENTROPY},
        "loss_weights": {"value": 1.0, "kind": 0.2},
        "metrics": {"kind": ["accuracy"]},
    },
    "no weights, no metrics": {"loss": ["mae", CROSSENTROPY]},
}


@pytest.mark.parametrize("name", COMPILED)
def test_two_inputs_and_two_outputs_learn_as_keras_do(name: str) -> None:
    x, y = [DATA.x, SIDE], [DATA.real, DATA.classes]
    outcomes = []
    for lib, model in zip((KERAS, ONFIT), same_start(two_by_two), strict=True):
        model.compile(optimizer=sgd(lib), **COMPILED[name])
        validation = ([part[:20] for part in x], [part[:20] for part in y])
        outcomes.append(outcome(model, x, y, validation_data=validation))
    reference, ours = outcomes
    assert list(ours.evaluated)[:3] == ["loss", "value_loss", "kind_loss"]
    for mine, theirs in zip(ours.predicted, reference.predicted, strict=True):
        close(mine, theirs)
    ours.predicted = reference.predicted = np.zeros(1)
    assert_same(reference, ours)


def test_names_find_inputs_and_outputs_as_in_keras() -> None:
    told = []
    for lib, model in zip((KERAS, ONFIT), same_start(two_by_two), strict=True):
        model.compile(optimizer=sgd(lib), **COMPILED["dicts"])
        x, y = {"side": SIDE, "main": DATA.x}, {"kind": DATA.classes, "value": DATA.real}
        model.fit(x, y, epochs=1, shuffle=False, verbose=0)
        told.append(model.evaluate(x, y, verbose=0, return_dict=True))
    assert set(told[0]) == set(told[1])
    for name in told[0]:
        close(told[1][name], told[0][name])


def test_a_weight_for_each_sample_counts_in_both_losses_as_in_keras() -> None:
    told = []
    weights = [DATA.weight, DATA.weight[::-1].copy()]
    for lib, model in zip((KERAS, ONFIT), same_start(two_by_two), strict=True):
        model.compile(optimizer=sgd(lib), **COMPILED["no weights, no metrics"])
        x, y = [DATA.x, SIDE], [DATA.real, DATA.classes]
        model.fit(x, y, sample_weight=weights, shuffle=False, verbose=0, batch_size=16)
        told.append(model.get_weights())
    for theirs, mine in zip(*told, strict=True):
        close(mine, theirs)


# --- looking inside --------------------------------------------------------------------------


def test_a_tap_of_the_layers_outputs_gives_what_keras_gives() -> None:
    told = []
    for lib, model in zip((KERAS, ONFIT), same_start(residual), strict=True):
        layers = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
        # Keras 3 no longer knows a layer's outputs, of which the list has one.
        outputs = [layer.outputs if lib is ONFIT else [layer.output] for layer in layers]
        told.append(model_of(lib)(inputs=model.input, outputs=outputs).predict(DATA.x, verbose=0))
    assert len(told[0]) == len(told[1]) == 5
    for theirs, mine in zip(*told, strict=True):
        # Keras keeps the nest of lists in which it was asked.
        close(mine, theirs[0] if isinstance(theirs, list) else theirs)


@pytest.mark.parametrize("build", [residual, two_by_two])
def test_inputs_and_outputs_can_be_asked_for_as_in_keras(build: Script) -> None:
    for lib in (KERAS, ONFIT):
        model = build(lib)
        several = build is two_by_two
        assert isinstance(model.input, list) is several
        assert isinstance(model.output, list) is several
        assert [x.shape for x in model.inputs] == [(None, FEATURES), (None, 3)][: 1 + several]
        assert [y.shape for y in model.outputs] == [(None, 1), (None, 3)][: 1 + several]


def test_a_tap_shares_the_weights() -> None:
    model = residual(ONFIT)
    tap = Model(model.input, model.get_layer("dense").output)
    model.set_weights([np.zeros_like(weight) for weight in model.get_weights()])
    assert not tap.predict(DATA.x, verbose=0).any()


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
@pytest.mark.parametrize("build", [residual, shared, nested, two_by_two])
def test_a_copy_computes_the_same_and_learns_alone(build: Script, duplicate: Any) -> None:
    model = build(ONFIT)
    model.compile(optimizer="sgd", loss="mse")
    x = [DATA.x, SIDE if build is two_by_two else DATA.x]
    x = x if len(model.inputs) == 2 else x[0]
    other = duplicate(model)
    before = listed(model.predict(x, verbose=0))
    for mine, theirs in zip(before, listed(other.predict(x, verbose=0)), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert [symbol.shape for symbol in other.outputs] == [s.shape for s in model.outputs]
    other.set_weights([weight + 1 for weight in other.get_weights()])
    for mine, theirs in zip(before, listed(model.predict(x, verbose=0)), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    # The symbols of a copy lead to the copy's layers.
    tap = Model(other.input, other.layers[-1].output)
    np.testing.assert_array_equal(
        listed(tap.predict(x, verbose=0))[-1], listed(other.predict(x, verbose=0))[-1]
    )


def listed(predicted: Any) -> list[Any]:
    return predicted if isinstance(predicted, list) else [predicted]


def test_the_state_dict_holds_the_weights_alone() -> None:
    assert list(with_statistics(ONFIT).state_dict()) == [
        "dense.kernel",
        "batch_normalization.gamma",
        "batch_normalization.beta",
        "batch_normalization.moving_mean",
        "batch_normalization.moving_variance",
        "dense_1.kernel",
        "dense_1.bias",
    ]


def test_looking_for_shapes_changes_no_statistics() -> None:
    layer = ONFIT.layers.BatchNormalization()
    layer(ONFIT.Input(shape=(4,)))
    assert layer.moving_mean.tolist() == [0.0] * 4
    assert layer.moving_variance.tolist() == [1.0] * 4
    assert layer.training


# --- errors ----------------------------------------------------------------------------------


def test_an_output_without_its_input_is_an_error() -> None:
    x, forgotten = ONFIT.Input(shape=(2,)), ONFIT.Input(shape=(2,), name="forgotten")
    with pytest.raises(ArgumentError, match=r"needs <Symbol 'forgotten'.*not among the inputs"):
        Model(x, ONFIT.layers.add([x, forgotten]))


def test_a_torch_module_called_bare_is_an_error_that_shows_the_way() -> None:
    x = ONFIT.Input(shape=(2,))
    with pytest.raises(ArgumentTypeError, match=r"layers.TorchModule\(module\)\(x\)"):
        nn.Linear(2, 3)(x)
    assert ONFIT.layers.TorchModule(nn.Linear(2, 3))(x).shape == (None, 3)


def test_a_torch_function_called_bare_is_an_error_that_shows_the_way() -> None:
    with pytest.raises(ArgumentTypeError, match=r"torch's relu .* layers.Lambda\(function\)\(x\)"):
        torch.relu(ONFIT.Input(shape=(2,)))


def test_a_wrong_shape_is_an_error_that_names_the_layer() -> None:
    with pytest.raises(ShapeError, match=r"layer 'seen' \(Conv2D\) expected .*\(None, 6\)"):
        ONFIT.layers.Conv2D(2, 3, name="seen")(ONFIT.Input(shape=(6,)))


def test_two_layers_of_one_name_are_an_error() -> None:
    x = ONFIT.Input(shape=(2,))
    y = ONFIT.layers.Dense(2, name="twice")(ONFIT.layers.Dense(2, name="twice")(x))
    with pytest.raises(ArgumentError, match="second layer called 'twice'"):
        Model(x, y)
