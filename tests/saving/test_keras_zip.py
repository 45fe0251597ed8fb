"""`.keras` files: from onfit to real Keras 3, and back, with all that a training needs."""

from typing import Any

import keras
import numpy as np
import pytest
from tests.saving.keras_models import (
    FIT,
    X,
    Y,
    assert_same,
    each_optimizer,
    ours,
    predictions,
    theirs,
    tolerant_of_keras,
)

from onfit import layers, losses, metrics, optimizers
from onfit.errors import FileFormatError
from onfit.models import Model, Sequential, load_model

pytestmark = tolerant_of_keras

SIDE = np.random.default_rng(5).random((40, 3)).astype("float32")
TARGETS = [np.eye(3, dtype="float32")[Y], SIDE[:, :1]]


def assert_goes_on_alike(model: Any, other: Any, x: Any = X, y: Any = Y) -> None:
    histories = [each.fit(x, y, epochs=2, **FIT).history for each in (model, other)]
    assert_same(histories[0]["loss"], histories[1]["loss"])
    for layer in model.layers:  # the order of the layers may be another
        if layer.get_weights():
            assert_same(layer.get_weights(), other.get_layer(layer.name).get_weights())


@each_optimizer
def test_keras_goes_on_from_our_file_as_onfit_does(tmp_path, kind, options):
    model = ours(getattr(optimizers, kind)(**options))
    model.fit(X, Y, epochs=2, **FIT)
    model.save(tmp_path / "ours.keras")
    opened = keras.models.load_model(tmp_path / "ours.keras")
    assert int(opened.optimizer.iterations) == 6
    assert_same([predictions(opened)], [predictions(model)])
    assert_goes_on_alike(model, opened)


@each_optimizer
def test_onfit_goes_on_from_a_file_of_keras_as_keras_does(tmp_path, kind, options):
    other = theirs(getattr(keras.optimizers, kind)(**options))
    other.fit(X, Y, epochs=2, **FIT)
    other.save(tmp_path / "theirs.keras")
    model = load_model(tmp_path / "theirs.keras")
    assert model.optimizer.iterations == 6
    assert model.metrics_names == ["loss", "acc"]
    assert_same([predictions(model)], [predictions(other)])
    assert_goes_on_alike(model, other)


def rooms(lib: str) -> Any:
    if lib == "onfit":
        return Sequential, Model, layers
    return keras.Sequential, keras.Model, keras.layers


def several(lib: str) -> Any:
    """Two inputs, two outputs, a layer that is shared, and a state handed on."""
    _, model, room = rooms(lib)
    left, right = room.Input((4,), name="left"), room.Input((3,), name="right")
    encode = room.Dense(5, activation="tanh", name="encode")
    both = room.Concatenate()([encode(left), encode(room.Dense(4)(right))])
    steps = room.Reshape((5, 2))(both)
    output, *states = room.LSTM(4, return_state=True)(steps)
    walked = room.LSTM(4)(steps, initial_state=states)
    ends = [
        room.Dense(3, activation="softmax", name="kind")(output),
        room.Dense(1, name="size")(room.BatchNormalization()(walked)),
    ]
    return model([left, right], ends)


def nested(lib: str) -> Any:
    """Stacks in a stack in a functional model, one of them called twice."""
    sequential, model, room = rooms(lib)
    ends = [room.Dense(4, activation="tanh"), room.BatchNormalization(), room.Dense(4)]
    inner = sequential([room.Input((4,)), *ends])
    deep = sequential([room.Input((4,)), room.Dense(4), inner], name="deep")
    begin = room.Input((4,))
    middle = room.Input((4,))
    apart = model(middle, room.Add()([middle, room.Dense(4)(middle)]), name="apart")
    # Named: Keras' Adam takes two weights of one path, "dense/kernel", for one.
    last = room.Dense(3, activation="softmax", name="last")
    return model(begin, last(apart(deep(apart(begin)))))


MODELS = {
    "several": (several, [X, SIDE], TARGETS, ["categorical_crossentropy", "mse"]),
    "nested": (nested, X, Y, "sparse_categorical_crossentropy"),
}


@pytest.mark.parametrize("suffix", [".keras", ".h5", ".weights.h5"])
@pytest.mark.parametrize("lib", ["onfit", "keras"])
@pytest.mark.parametrize("name", MODELS)
def test_graphs_go_both_ways(tmp_path, name, lib, suffix):
    build, x, y, loss = MODELS[name]
    path = tmp_path / f"model{suffix}"
    model = build(lib)
    if suffix != ".weights.h5":
        model.compile("adam", loss)
        model.fit(x, y, **FIT)
        model.save(path)
        opened = (keras.models.load_model if lib == "onfit" else load_model)(path)
    else:
        model.save_weights(path)
        opened = build("keras" if lib == "onfit" else "onfit")
        opened.load_weights(path)
    these, those = (each.predict(x, verbose=0) for each in (model, opened))
    assert_same([*these], [*those])
    # Of a .h5 file Keras reads no more of the optimizer than its steps and its rate.
    if suffix == ".keras" or (lib, suffix) == ("keras", ".h5"):
        assert_goes_on_alike(model, opened, x, y)


MEASURES = [
    (losses.CategoricalCrossentropy(label_smoothing=0.1), metrics.AUC(num_thresholds=20)),
    ("mse", metrics.TopKCategoricalAccuracy(k=2)),
    (losses.MeanSquaredError(reduction="sum"), metrics.Precision(thresholds=0.4)),
    ("kl_divergence", "cosine_similarity"),
]


@pytest.mark.parametrize(("loss", "metric"), MEASURES)
def test_losses_and_metrics_go_to_keras_and_come_back(tmp_path, loss, metric):
    model = ours()
    model.compile("sgd", loss, metrics=[metric, "acc"])
    model.save(tmp_path / "ours.keras")
    opened = keras.models.load_model(tmp_path / "ours.keras")
    opened.save(tmp_path / "theirs.keras")
    expected = model.evaluate(X, TARGETS[0], verbose=0, return_dict=True)
    for each in (opened, load_model(tmp_path / "theirs.keras")):
        found = each.evaluate(X, TARGETS[0], verbose=0, return_dict=True)
        assert found.keys() == expected.keys()
        assert_same([found[name] for name in expected], list(expected.values()))


def test_a_schedule_goes_both_ways(tmp_path):
    def scheduled(lib: Any) -> Any:
        return lib.SGD(lib.schedules.ExponentialDecay(0.1, 3, 0.9), momentum=0.9)

    model, other = ours(scheduled(optimizers)), theirs(scheduled(keras.optimizers))
    for each, load in ((model, keras.models.load_model), (other, load_model)):
        each.fit(X, Y, **FIT)
        each.save(tmp_path / "model.keras")
        assert_goes_on_alike(each, load(tmp_path / "model.keras"))


def doubled(x):
    return 2 * x


class Twice(layers.Layer):
    def forward(self, x):
        return 2 * x


class KerasTwice(keras.layers.Layer):
    def call(self, x):
        return 2 * x


def test_what_is_the_users_goes_to_keras_by_name_and_comes_back(tmp_path):
    model = Sequential([layers.Dense(3, activation=doubled, input_dim=4), Twice(name="twice")])
    model.save(tmp_path / "ours.keras")
    mine = {"doubled": doubled, "Twice": KerasTwice}
    opened = keras.models.load_model(tmp_path / "ours.keras", custom_objects=mine)
    assert_same([predictions(opened)], [predictions(model)])
    opened.save(tmp_path / "theirs.keras")
    mine = {"doubled": doubled, "KerasTwice": Twice}
    loaded = load_model(tmp_path / "theirs.keras", custom_objects=mine)
    assert_same([predictions(loaded)], [predictions(model)])


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("lib", ["onfit", "keras"])
def test_a_users_function_in_a_lambda_layer_goes_both_ways(tmp_path, lib, suffix):
    sequential, _, room = rooms(lib)
    model = sequential([room.Input((4,)), room.Lambda(doubled), room.Dense(3)])
    model.save(tmp_path / f"model{suffix}")
    load = keras.models.load_model if lib == "onfit" else load_model
    opened = load(tmp_path / f"model{suffix}", custom_objects={"doubled": doubled})
    assert_same([predictions(opened)], [predictions(model)])


@pytest.mark.filterwarnings("ignore:.*lambda.*:UserWarning")
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_code_that_keras_kept_in_a_file_is_refused(tmp_path, suffix):
    other = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: 2 * x)])
    other.save(tmp_path / f"theirs{suffix}")
    with pytest.raises(FileFormatError, match=r"'lambda.*\(Lambda\): .*code from a file is never"):
        load_model(tmp_path / f"theirs{suffix}")


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_types_of_weights_are_kept_by_both(tmp_path, dtype):
    other = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3, dtype=dtype)])
    other.save(tmp_path / "theirs.keras")
    model = load_model(tmp_path / "theirs.keras")
    assert str(model.layers[0].kernel.dtype) == f"torch.{dtype}"
    model.save(tmp_path / "ours.keras")
    opened = keras.models.load_model(tmp_path / "ours.keras")
    assert opened.layers[0].kernel.dtype == dtype
    for mine, first, last in zip(model.parameters(), other.weights, opened.weights, strict=True):
        assert (mine == first.value).all()
        assert (mine == last.value).all()


def test_a_frozen_layer_of_keras_stays_frozen(tmp_path):
    other = theirs("adam")
    other.layers[0].trainable = False
    other.compile("adam", "sparse_categorical_crossentropy", metrics=["acc"])
    other.fit(X, Y, **FIT)
    other.save(tmp_path / "theirs.keras")
    model = load_model(tmp_path / "theirs.keras")
    assert not model.layers[0].kernel.requires_grad
    assert_goes_on_alike(model, other)


def test_keras_opens_a_file_with_notes(tmp_path):
    model = ours("adam")
    notes = {"epoch": 3, "best": 0.25}
    for name in ("model.keras", "model.h5"):
        model.save(tmp_path / name, notes=notes)
        opened = keras.models.load_model(tmp_path / name)
        assert_same([predictions(opened)], [predictions(model)])
        assert model.notes_in(tmp_path / name) == notes
    other = keras.Sequential([keras.Input((4,)), *theirs().layers])
    model.save_weights(tmp_path / "w.weights.h5", notes=notes)
    other.load_weights(tmp_path / "w.weights.h5")
    assert_same(other.get_weights(), model.get_weights())


def test_weights_are_read_out_of_whole_models_of_keras(tmp_path):
    other, model = theirs("adam"), ours()
    other.save(tmp_path / "theirs.keras")
    model.load_weights(tmp_path / "theirs.keras")
    assert_same(model.get_weights(), other.get_weights())
