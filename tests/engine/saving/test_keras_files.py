"""Files go both ways between onfit and real Keras 3."""

import h5py
import keras
import numpy as np
import pytest
import torch
from keras.src.legacy.saving import legacy_h5_format

from onfit import initializers, layers, losses, metrics, optimizers, regularizers
from onfit.errors import FileFormatError, OnfitWarning
from onfit.models import Model, Sequential, load_model

# numpy 2 deprecates how Keras' variables turn into arrays: Keras' affair.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)

OPTIMIZERS = {
    "sgd": ("SGD", {}),
    "sgd with momentum": ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    "sgd with nesterov": ("SGD", {"momentum": 0.9, "nesterov": True}),
    "rmsprop": ("RMSprop", {}),
    "rmsprop with momentum": ("RMSprop", {"momentum": 0.5}),
    "rmsprop, centered": ("RMSprop", {"momentum": 0.5, "centered": True}),
    "adam": ("Adam", {"learning_rate": 0.01}),
    "adam with amsgrad": ("Adam", {"amsgrad": True}),
    "adamw": ("AdamW", {"clipnorm": 0.5}),
    "adamax": ("Adamax", {}),
    "nadam": ("Nadam", {"weight_decay": 0.01}),
    "adagrad": ("Adagrad", {}),
    "adadelta": ("Adadelta", {"learning_rate": 0.5}),
}
each_optimizer = pytest.mark.parametrize(
    ("kind", "options"), OPTIMIZERS.values(), ids=OPTIMIZERS.keys()
)

_draw = np.random.default_rng(0)
X = _draw.normal(size=(40, 4)).astype("float32")
Y = _draw.integers(0, 3, 40)
FIT = {"batch_size": 16, "shuffle": False, "verbose": 0}


def ours(optimizer="sgd", **compiled):
    model = Sequential(
        [
            layers.Dense(8, activation="relu", input_dim=4, kernel_initializer="he_normal"),
            layers.Activation("tanh"),
            layers.Dropout(0.0),
            layers.Flatten(),
            layers.Dense(6, use_bias=False, name="hidden", kernel_regularizer="l2"),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", **({"metrics": ["acc"]} | compiled))
    return model


def theirs(optimizer="sgd", **compiled):
    model = keras.Sequential(
        [
            keras.layers.Input((4,)),
            keras.layers.Dense(8, activation="relu", kernel_initializer="he_normal"),
            keras.layers.Activation("tanh"),
            keras.layers.Dropout(0.0),
            keras.layers.Flatten(),
            keras.layers.Dense(6, use_bias=False, name="hidden", kernel_regularizer="l2"),
            keras.layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", **({"metrics": ["acc"]} | compiled))
    return model


def predictions(model, x=X):
    return model.predict(x, verbose=0)


def assert_same(these, those):
    assert len(these) == len(those)
    for this, that in zip(these, those, strict=True):
        np.testing.assert_allclose(this, that, rtol=2e-5, atol=1e-6)


def opened_by_keras(path):
    """A Keras model that can go on training.

    load_model alone builds the optimizer of a Sequential for no weights at all (as of Keras
    3.15), so that a fit fails even on Keras' own files; here it is built for all of them and
    given what Keras' own reader finds in the file.
    """
    model = keras.models.load_model(path)
    optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
    optimizer.build(model.trainable_variables)
    with h5py.File(path) as file:
        values = legacy_h5_format.load_optimizer_weights_from_hdf5_group(file)
        names = list(file["optimizer_weights"].attrs["weight_names"])
        assert len(values) == len(optimizer.variables)
        for name, variable in zip(names, optimizer.variables, strict=True):
            # One that Keras gave no name is numbered, by how many there were before.
            assert name.decode() == variable.path or variable.path.startswith("variable")
        optimizer.set_weights([np.asarray(value) for value in values])
    model.compile(optimizer, model.loss, metrics=["acc"])
    return model


# --- ours, opened by Keras -------------------------------------------------------------------


def test_keras_opens_our_file_and_predicts_the_same(tmp_path):
    model = ours("adam")
    model.fit(X, Y, **FIT)
    model.save(tmp_path / "ours.h5")
    opened = keras.models.load_model(tmp_path / "ours.h5")
    assert_same([predictions(opened)], [predictions(model)])
    assert [layer.name for layer in opened.layers] == [layer.name for layer in model.layers]
    assert opened.name == model.name
    assert opened.layers[0].kernel_initializer.get_config() == {
        "seed": None, "input_axes": None, "output_axes": None,
    }  # fmt: skip
    assert isinstance(opened.layers[0].kernel_initializer, keras.initializers.HeNormal)
    assert opened.get_layer("hidden").kernel_regularizer.get_config()["l2"] == pytest.approx(0.01)
    assert int(opened.optimizer.iterations) == 3
    assert float(opened.optimizer.learning_rate) == pytest.approx(0.001)


@each_optimizer
def test_keras_goes_on_from_our_file_as_onfit_does(tmp_path, kind, options):
    model = ours(getattr(optimizers, kind)(**options))
    model.fit(X, Y, epochs=2, **FIT)
    model.save(tmp_path / "ours.h5")
    opened = opened_by_keras(tmp_path / "ours.h5")
    mine = model.fit(X, Y, epochs=2, **FIT).history
    other = opened.fit(X, Y, epochs=2, **FIT).history
    assert_same(opened.get_weights(), model.get_weights())
    assert_same(other["loss"], mine["loss"])
    assert_same(other["acc"], mine["acc"])


@pytest.mark.parametrize("name", ["w.h5", "w.hdf5", "w.weights.h5"])
def test_keras_reads_our_files_of_weights(tmp_path, name):
    # Uncompiled: into a compiled model, Keras loads no numbered weights without an optimizer's.
    model, other = ours(), keras.Sequential([keras.Input((4,)), *theirs().layers])
    model.save_weights(tmp_path / name)
    other.load_weights(tmp_path / name)
    assert_same(other.get_weights(), model.get_weights())


def test_weights_are_kept_once_even_where_two_layouts_are(tmp_path):
    model = Sequential([layers.Dense(200, input_dim=500)])
    model.save_weights(tmp_path / "one.h5")
    model.save_weights(tmp_path / "two.weights.h5")
    assert (tmp_path / "two.weights.h5").stat().st_size < 1.1 * (tmp_path / "one.h5").stat().st_size


def test_keras_finds_a_users_functions_by_the_names_in_our_file(tmp_path):
    model = Sequential([layers.Dense(3, activation=doubled, input_dim=4)])
    model.compile("sgd", squared, metrics=[furthest])
    model.save(tmp_path / "ours.h5")
    mine = {"doubled": doubled, "squared": squared, "furthest": furthest}
    opened = keras.models.load_model(tmp_path / "ours.h5", custom_objects=mine)
    assert_same([predictions(opened)], [predictions(model)])
    assert opened.loss is squared


def doubled(x):
    return 2 * x


def squared(y_true, y_pred):
    return (y_true - y_pred) ** 2


def furthest(y_true, y_pred):
    return abs(y_true - y_pred)


@pytest.mark.parametrize(
    ("loss", "y"),
    [
        ("mse", np.eye(3)[Y]),
        ("mae", np.eye(3)[Y]),
        (losses.BinaryCrossentropy(label_smoothing=0.2), np.eye(3)[Y]),
        (losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1), np.eye(3)[Y]),
        (losses.SparseCategoricalCrossentropy(from_logits=True), Y),
    ],
    ids=["mse", "mae", "binary", "categorical", "sparse"],
)
def test_keras_measures_the_same_loss_and_metrics(tmp_path, loss, y):
    model = ours()
    measured = ["acc", metrics.Metric(metrics.mean_absolute_error, "far")]
    # Behind from_logits=True, onfit's metrics see probabilities and Keras' do not.
    model.compile("sgd", loss, metrics=measured[: 1 if getattr(loss, "from_logits", 0) else 2])
    model.save(tmp_path / "ours.h5")
    opened = keras.models.load_model(tmp_path / "ours.h5")
    mine = model.evaluate(X, y, verbose=0, return_dict=True)
    other = opened.evaluate(X, y, verbose=0, return_dict=True)
    assert other.keys() == mine.keys()
    assert_same([other[name] for name in mine], list(mine.values()))


def test_keras_opens_a_file_whose_loss_is_torchs_uncompiled(tmp_path):
    model = ours()
    model.compile("adam", torch.nn.CrossEntropyLoss())
    model.save(tmp_path / "ours.h5")
    opened = keras.models.load_model(tmp_path / "ours.h5", compile=False)
    assert_same([predictions(opened)], [predictions(model)])


def test_keras_opens_a_model_inside_a_model(tmp_path):
    inner = Sequential([layers.Dense(5, input_dim=8), layers.Dense(3)], name="inner")
    model = Sequential([layers.Dense(8, input_dim=4), inner])
    model.save(tmp_path / "ours.h5")
    opened = keras.models.load_model(tmp_path / "ours.h5")
    assert_same([predictions(opened)], [predictions(model)])


def test_keras_opens_a_model_of_float16(tmp_path):
    model = Sequential([layers.Dense(5, input_dim=4), layers.Activation("relu")]).half()
    model.save(tmp_path / "ours.h5")
    opened = keras.models.load_model(tmp_path / "ours.h5")
    assert opened.layers[0].kernel.dtype == "float16"
    np.testing.assert_array_equal(opened.get_weights()[0], model.get_weights()[0])


# --- Keras', opened by us --------------------------------------------------------------------


@each_optimizer
def test_onfit_goes_on_from_a_file_of_keras_as_keras_does(tmp_path, kind, options):
    other = theirs(getattr(keras.optimizers, kind)(**options))
    other.fit(X, Y, epochs=2, **FIT)
    other.save(tmp_path / "theirs.h5")
    model = load_model(tmp_path / "theirs.h5")
    assert_same([predictions(model)], [predictions(other)])
    assert_same(model.get_weights(), other.get_weights())
    assert model.optimizer.iterations == int(other.optimizer.iterations) == 6
    assert model.optimizer.learning_rate == float(other.optimizer.learning_rate)
    assert model.metrics_names == ["loss", "acc"]
    history = model.fit(X, Y, epochs=2, **FIT).history
    expected = other.fit(X, Y, epochs=2, **FIT).history
    assert_same(history["loss"], expected["loss"])
    assert_same(model.get_weights(), other.get_weights())


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("ExponentialDecay", {"decay_steps": 3, "decay_rate": 0.9, "staircase": True}),
        ("CosineDecay", {"decay_steps": 20}),
    ],
)
def test_a_schedule_of_the_learning_rate_goes_both_ways(tmp_path, kind, options):
    def scheduled(rooms):
        schedule = getattr(rooms.schedules, kind)(initial_learning_rate=0.1, **options)
        return rooms.SGD(schedule, momentum=0.9)

    model, other = ours(scheduled(optimizers)), theirs(scheduled(keras.optimizers))
    for each in (model, other):
        each.fit(X, Y, **FIT)
    model.save(tmp_path / "ours.h5")
    other.save(tmp_path / "theirs.h5")
    pairs = [
        (load_model(tmp_path / "ours.h5"), opened_by_keras(tmp_path / "ours.h5")),
        (load_model(tmp_path / "theirs.h5"), other),
    ]
    for mine, theirs_ in pairs:
        rate = mine.optimizer.learning_rate
        assert rate == pytest.approx(float(theirs_.optimizer.learning_rate))
        histories = [each.fit(X, Y, **FIT).history for each in (mine, theirs_)]
        assert_same(histories[0]["loss"], histories[1]["loss"])
        assert_same(mine.get_weights(), theirs_.get_weights())
        assert mine.optimizer.learning_rate < rate


def test_layers_of_keras_come_with_their_options(tmp_path):
    theirs().save(tmp_path / "theirs.h5")
    model = load_model(tmp_path / "theirs.h5")
    first, _, dropout, _, hidden, last = model.layers
    assert isinstance(first.kernel_initializer, initializers.HeNormal)
    assert (first.units, first.activation.__name__) == (8, "relu")
    assert dropout.rate == 0
    assert (hidden.name, hidden.bias) == ("hidden", None)
    assert isinstance(hidden.kernel_regularizer, regularizers.L2)
    assert last.activation.__name__ == "softmax"
    assert model.input_shape == (None, 4)


def test_a_model_that_keras_built_from_data_takes_batches_of_any_size(tmp_path):
    other = keras.Sequential([keras.layers.Dense(3)])
    other.compile("sgd", "mse")
    other.fit(X, X[:, :3], batch_size=8, verbose=0)
    other.save(tmp_path / "theirs.h5")
    model = load_model(tmp_path / "theirs.h5")
    assert model.input_shape == (None, 4)
    assert_same([predictions(model, X[:5])], [predictions(other)[:5]])


@pytest.mark.parametrize("name", ["w.h5", "w.weights.h5"])
def test_onfit_reads_weights_out_of_keras_files(tmp_path, name):
    model, other = ours(), theirs("adam")
    other.fit(X, Y, **FIT)
    getattr(other, "save_weights" if "weights" in name else "save")(tmp_path / name)
    model.load_weights(tmp_path / name)
    assert_same(model.get_weights(), other.get_weights())


def test_numbered_weights_go_to_their_layers_beyond_ten(tmp_path):
    other = keras.Sequential([keras.layers.Input((2,))])
    model = Sequential([layers.Input((2,))])
    for _ in range(12):
        other.add(keras.layers.Dense(2))
        model.add(layers.Dense(2))
    other.save_weights(tmp_path / "w.weights.h5")
    model.load_weights(tmp_path / "w.weights.h5")
    assert_same(model.get_weights(), other.get_weights())


def test_numbered_weights_of_other_layers_are_refused(tmp_path):
    theirs().save_weights(tmp_path / "w.weights.h5")
    model = Sequential([layers.Dense(8, input_dim=4)])
    before = model.get_weights()
    with pytest.raises(FileFormatError, match=r"weights of dense, dense_1, dense_2; .* dense\."):
        model.load_weights(tmp_path / "w.weights.h5")
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


def test_numbered_weights_are_not_for_a_torch_module(tmp_path):
    theirs().save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(FileFormatError, match="weights of dense"):
        Model(torch.nn.Linear(4, 3)).load_weights(tmp_path / "w.weights.h5")


def test_losses_and_metrics_of_keras_are_read_as_objects_and_as_names(tmp_path):
    other = theirs(
        metrics=["accuracy", keras.metrics.SparseCategoricalAccuracy(name="right")],
    )
    other.compile(
        "sgd",
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy", keras.metrics.SparseCategoricalAccuracy(name="right")],
    )
    other.save(tmp_path / "theirs.h5")
    model = load_model(tmp_path / "theirs.h5")
    assert model.metrics_names == ["loss", "accuracy", "right"]
    expected = other.evaluate(X, Y, verbose=0)
    assert_same(model.evaluate(X, Y, verbose=0), expected)


MEASURES = [
    ("CategoricalCrossentropy", {"label_smoothing": 0.1}, "AUC", {"num_thresholds": 20}),
    ("LogCosh", {}, "Accuracy", {}),
    ("CosineSimilarity", {}, "BinaryAccuracy", {"threshold": 0.3}),
    ("MeanSquaredError", {"reduction": "sum"}, "F1Score", {"average": "macro"}),
    ("KLDivergence", {}, "Precision", {"thresholds": 0.4}),
    ("Poisson", {}, "TopKCategoricalAccuracy", {"k": 2}),
]


@pytest.mark.parametrize(("loss", "options", "metric", "further"), MEASURES)
def test_losses_and_metrics_go_both_ways_with_their_options(
    tmp_path, loss, options, metric, further
):
    y = np.eye(3, dtype="float32")[Y]
    for make, rooms, load in (
        (ours, (losses, metrics), keras.models.load_model),
        (theirs, (keras.losses, keras.metrics), load_model),
    ):
        model = make()
        measured = getattr(rooms[1], metric)(name="measured", **further)
        model.compile("sgd", getattr(rooms[0], loss)(**options), metrics=[measured])
        model.save(tmp_path / "model.h5")
        loaded = load(tmp_path / "model.h5")
        expected = model.evaluate(X, y, verbose=0, return_dict=True)
        found = loaded.evaluate(X, y, verbose=0, return_dict=True)
        assert found.keys() == expected.keys() == {"loss", "measured"}
        assert_same(list(found.values()), list(expected.values()))


LAYERS = [
    ("Conv1D", {"filters": 3, "kernel_size": 2, "strides": 2, "activation": "relu"}, (8, 2)),
    ("Conv2D", {"filters": 4, "kernel_size": (3, 2), "padding": "same", "groups": 2}, (8, 8, 2)),
    ("MaxPooling1D", {"pool_size": 2}, (8, 2)),
    ("AveragePooling2D", {"pool_size": 2, "padding": "same"}, (7, 7, 2)),
    ("GlobalMaxPooling2D", {}, (8, 8, 2)),
    ("BatchNormalization", {"scale": False}, (6,)),
    ("LayerNormalization", {}, (6,)),
    ("LSTM", {"units": 4, "return_sequences": True, "go_backwards": True}, (7, 3)),
    ("GRU", {"units": 4, "reset_after": False}, (7, 3)),
    ("Embedding", {"input_dim": 10, "output_dim": 3}, (5,)),
    ("Reshape", {"target_shape": (2, 3)}, (6,)),
]


@pytest.mark.parametrize(("kind", "options", "shape"), LAYERS, ids=[case[0] for case in LAYERS])
def test_layers_go_both_ways(tmp_path, kind, options, shape):
    x = abs(_draw.normal(size=(5, *shape)).astype("float32"))
    for sequential, room, load in (
        (Sequential, layers, keras.models.load_model),
        (keras.Sequential, keras.layers, load_model),
    ):
        model = sequential([room.Input(shape), getattr(room, kind)(**options)])
        model.set_weights([w + _draw.random(w.shape).astype(w.dtype) for w in model.get_weights()])
        model.save(tmp_path / "model.h5")
        loaded = load(tmp_path / "model.h5")
        assert_same([predictions(loaded, x)], [predictions(model, x)])


def test_a_float16_model_of_keras_stays_one(tmp_path):
    other = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3, dtype="float16")])
    other.save(tmp_path / "theirs.h5")
    model = load_model(tmp_path / "theirs.h5")
    assert model.layers[0].kernel.dtype == torch.float16
    np.testing.assert_array_equal(model.get_weights()[0], other.get_weights()[0])


def test_a_frozen_layer_of_keras_stays_frozen(tmp_path):
    other = theirs()
    other.layers[0].trainable = False
    other.compile("adam", "sparse_categorical_crossentropy", metrics=["acc"])
    other.fit(X, Y, **FIT)
    other.save(tmp_path / "theirs.h5")
    model = load_model(tmp_path / "theirs.h5")
    assert not model.layers[0].kernel.requires_grad
    model.fit(X, Y, **FIT)
    other.fit(X, Y, **FIT)
    assert_same(model.get_weights(), other.get_weights())


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"optimizer": keras.optimizers.SGD(use_ema=True)}, "use_ema"),
        ({"optimizer": keras.optimizers.Lion()}, "'Lion'"),
        ({"loss": "tversky"}, "'tversky'"),
        ({"loss": keras.losses.SparseCategoricalCrossentropy(ignore_class=1)}, "ignore_class=1"),
        ({"metrics": [keras.metrics.MeanIoU(num_classes=3)]}, "'MeanIoU'"),
        ({"weighted_metrics": ["mae"]}, "weighted_metrics"),
    ],
    ids=["option", "optimizer", "loss", "option of a loss", "metric", "weighted"],
)
def test_training_that_onfit_cannot_do_is_refused_by_name_and_can_be_left_out(
    tmp_path, change, named
):
    other = theirs()
    other.compile(**({"optimizer": "sgd", "loss": "mse"} | change))
    other.save(tmp_path / "theirs.h5")
    with pytest.raises(FileFormatError, match=named) as caught:
        load_model(tmp_path / "theirs.h5")
    assert "theirs.h5" in str(caught.value)
    assert "compile=False" in str(caught.value)
    model = load_model(tmp_path / "theirs.h5", compile=False)
    assert_same([predictions(model)], [predictions(other)])
    assert model.optimizer is None


@pytest.mark.parametrize(
    ("layer", "named"),
    [
        (keras.layers.Dense(3, kernel_constraint="non_neg"), "kernel_constraint"),
        (keras.layers.UnitNormalization(), "UnitNormalization"),
        (keras.layers.Flatten(data_format="channels_first"), "data_format='channels_first'"),
    ],
    ids=["constraint", "kind", "option"],
)
def test_layers_that_onfit_does_not_have_are_refused_by_name(tmp_path, layer, named):
    keras.Sequential([keras.layers.Input((4, 1)), layer]).save(tmp_path / "theirs.h5")
    with pytest.raises(FileFormatError, match=named) as caught:
        load_model(tmp_path / "theirs.h5")
    assert repr(layer.name) in str(caught.value)


def test_a_functional_model_of_keras_is_told_as_such(tmp_path):
    x = keras.Input((4,))
    keras.Model(x, keras.layers.Dense(3)(x)).save(tmp_path / "theirs.h5")
    with pytest.raises(FileFormatError, match=r"Functional model.*load_weights"):
        load_model(tmp_path / "theirs.h5")
    model = Sequential([layers.Dense(3, input_dim=4)])
    model.load_weights(tmp_path / "theirs.h5")


def test_an_optimizer_state_of_another_form_is_left_out_and_said(tmp_path):
    other = theirs("adam")
    other.fit(X, Y, **FIT)
    other.save(tmp_path / "theirs.h5")
    with h5py.File(tmp_path / "theirs.h5", "a") as file:
        group = file["optimizer_weights"]
        group.attrs["weight_names"] = list(group.attrs["weight_names"])[:-1]
    with pytest.warns(OnfitWarning, match=r"theirs\.h5.*starts afresh"):
        model = load_model(tmp_path / "theirs.h5")
    assert model.optimizer.iterations == 0
    model.fit(X, Y, **FIT)
