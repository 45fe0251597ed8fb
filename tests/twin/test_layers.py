"""Every layer against Keras' own: same weights, same predictions, same training."""

from typing import Any

import numpy as np
import pytest
from tests.twin.keras_twin import (
    KERAS,
    ONFIT,
    Script,
    assert_same,
    close,
    outcome,
    tolerant_of_keras,
)

from onfit.engine.model.model import Model

pytestmark = tolerant_of_keras

SAMPLES = 33  # two batches of 16, and one of a single sample

SEQUENCE, SHORT, IMAGE, FLAT = (7, 4), (4, 4), (6, 5, 4), (6,)


def same_start(build: Script) -> tuple[Any, Any]:
    """Both models with the same weights, variances positive."""
    reference, model = build(KERAS), build(ONFIT)
    draw = np.random.default_rng(0)
    weights = [draw.normal(size=w.shape, scale=0.2) for w in reference.weights]
    for index, weight in enumerate(reference.weights):
        if "variance" in weight.name:
            weights[index] = np.abs(weights[index]) + 0.3
    reference.set_weights(weights)
    model.set_weights(weights)
    return reference, model


def inputs(shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    return np.random.default_rng(1).normal(size=(SAMPLES, *shape)).astype("float32")


def targets() -> np.ndarray[Any, Any]:
    return np.random.default_rng(2).normal(size=(SAMPLES, 1)).astype("float32")


def assert_trained_alike(build: Script, x: Any, optimizer: Script) -> None:
    outcomes = []
    reference, model = same_start(build)
    assert output_shapes(model) == output_shapes(reference)
    close(model.predict(x, verbose=0), reference.predict(x, verbose=0))
    for lib, each in ((KERAS, reference), (ONFIT, model)):
        each.compile(optimizer=optimizer(lib), loss="mse")
        outcomes.append(outcome(each, x, targets()))
    assert all(np.isfinite(weights).all() for weights in outcomes[0].weights)
    assert_same(*outcomes)


def output_shapes(model: Any) -> list[Any]:
    """Of every layer that gives one tensor."""
    outputs = [layer.output for layer in model.layers if type(layer).__name__ != "InputLayer"]
    return [tuple(output.shape) for output in outputs if hasattr(output, "shape")]


def sgd(lib: Any) -> Any:
    return lib.optimizers.SGD(0.01, momentum=0.5)


def adam(lib: Any) -> Any:
    return lib.optimizers.Adam(0.005, epsilon=1e-3)


def amidst(shape: tuple[int, ...], layer: Script) -> Script:
    """A model with the layer in its midst, so that gradients flow through it."""

    def build(lib: Any) -> Any:
        return lib.Sequential(
            [
                lib.Input(shape=shape),
                lib.layers.Dense(4, use_bias=False),
                layer(lib),
                lib.layers.Flatten(),
                lib.layers.Dense(1),
            ]
        )

    return build


LAYERS: dict[str, tuple[tuple[int, ...], Script]] = {
    "conv1d": (SEQUENCE, lambda lib: lib.layers.Conv1D(3, 3)),
    "conv1d relu": (SEQUENCE, lambda lib: lib.layers.Conv1D(3, 2, activation="relu")),
    "conv1d same": (SEQUENCE, lambda lib: lib.layers.Conv1D(3, 3, padding="same")),
    "conv1d same, even": (SEQUENCE, lambda lib: lib.layers.Conv1D(3, 4, padding="same")),
    "conv1d same, strides": (
        SEQUENCE,
        lambda lib: lib.layers.Conv1D(3, 4, strides=2, padding="same", use_bias=False),
    ),
    "conv1d causal": (
        SEQUENCE,
        lambda lib: lib.layers.Conv1D(3, 3, padding="causal", dilation_rate=2),
    ),
    "conv1d causal, strides": (
        SEQUENCE,
        lambda lib: lib.layers.Conv1D(3, 3, padding="causal", strides=2),
    ),
    "conv1d channels first": (
        (4, 7),
        lambda lib: lib.layers.Conv1D(3, 2, data_format="channels_first"),
    ),
    "conv2d": (IMAGE, lambda lib: lib.layers.Conv2D(3, 3)),
    "conv2d tanh": (IMAGE, lambda lib: lib.layers.Conv2D(3, (2, 3), activation="tanh")),
    "conv2d 1x1": (IMAGE, lambda lib: lib.layers.Conv2D(3, 1)),
    "conv2d same": (IMAGE, lambda lib: lib.layers.Conv2D(3, 3, padding="same")),
    "conv2d same, even": (IMAGE, lambda lib: lib.layers.Conv2D(3, (2, 3), padding="same")),
    "conv2d same, strides": (
        IMAGE,
        lambda lib: lib.layers.Conv2D(3, 3, strides=(2, 2), padding="same"),
    ),
    "conv2d limited": (
        IMAGE,
        lambda lib: lib.layers.Conv2D(
            3, 3, kernel_constraint=lib.constraints.MaxNorm(0.5, [0, 1, 2])
        ),
    ),
    "dense with a penalty on its output": (
        FLAT,
        lambda lib: lib.layers.Dense(3, activation="tanh", activity_regularizer="l2"),
    ),
    "dropout with a penalty on its output": (
        FLAT,
        lambda lib: lib.layers.Dropout(0.0, activity_regularizer=lib.regularizers.L1(0.1)),
    ),
    "gru with a penalty on its output": (
        SEQUENCE,
        lambda lib: lib.layers.GRU(3, activity_regularizer="l1"),
    ),
    "dense of another type": (FLAT, lambda lib: lib.layers.Dense(3, dtype="float64")),
    "activation of another type": (
        FLAT,
        lambda lib: lib.layers.Activation("tanh", dtype="float64"),
    ),
    "groups": (IMAGE, lambda lib: lib.layers.GroupNormalization(2)),
    "groups of one": (
        IMAGE,
        lambda lib: lib.layers.GroupNormalization(-1, axis=1, scale=False, epsilon=0.1),
    ),
    "rms": (SEQUENCE, lambda lib: lib.layers.RMSNormalization(epsilon=0.1)),
    "rms of two axes": (SEQUENCE, lambda lib: lib.layers.RMSNormalization([1, 2])),
    "unit": (SEQUENCE, lambda lib: lib.layers.UnitNormalization()),
    "unit of two axes": (SEQUENCE, lambda lib: lib.layers.UnitNormalization([1, 2])),
    "relu": (FLAT, lambda lib: lib.layers.ReLU(0.5, 0.1, 0.05)),
    "leaky relu": (FLAT, lambda lib: lib.layers.LeakyReLU()),
    "elu": (FLAT, lambda lib: lib.layers.ELU(0.5)),
    "prelu": (IMAGE, lambda lib: lib.layers.PReLU("ones", "l2", shared_axes=[1, 2])),
    "softmax of two axes": (IMAGE, lambda lib: lib.layers.Softmax([1, 2])),
    "activity regularization": (FLAT, lambda lib: lib.layers.ActivityRegularization(0.1, 0.2)),
    "permute": (IMAGE, lambda lib: lib.layers.Permute((3, 1, 2))),
    "repeat vector": (FLAT, lambda lib: lib.layers.RepeatVector(3)),
    "rescaling": (FLAT, lambda lib: lib.layers.Rescaling(0.5, 1.0)),
    "up sampling 1d": (SEQUENCE, lambda lib: lib.layers.UpSampling1D(3)),
    "up sampling 2d": (IMAGE, lambda lib: lib.layers.UpSampling2D((2, 3))),
    "up sampling 2d bilinear": (
        IMAGE,
        lambda lib: lib.layers.UpSampling2D(2, interpolation="bilinear"),
    ),
    "zero padding 1d": (SEQUENCE, lambda lib: lib.layers.ZeroPadding1D((1, 2))),
    "zero padding 2d": (IMAGE, lambda lib: lib.layers.ZeroPadding2D(((1, 2), (0, 1)))),
    "zero padding 2d channels first": (
        IMAGE,
        lambda lib: lib.layers.ZeroPadding2D((1, 2), data_format="channels_first"),
    ),
    "cropping 1d": (SEQUENCE, lambda lib: lib.layers.Cropping1D((1, 2))),
    "cropping 2d": (IMAGE, lambda lib: lib.layers.Cropping2D(((1, 2), (0, 1)))),
    "conv1d transpose": (SEQUENCE, lambda lib: lib.layers.Conv1DTranspose(3, 2, strides=3)),
    "conv1d transpose same": (
        SEQUENCE,
        lambda lib: lib.layers.Conv1DTranspose(3, 4, strides=2, padding="same"),
    ),
    "conv2d transpose": (IMAGE, lambda lib: lib.layers.Conv2DTranspose(3, 3, activation="tanh")),
    "conv2d transpose same": (
        IMAGE,
        lambda lib: lib.layers.Conv2DTranspose(3, (3, 4), strides=2, padding="same"),
    ),
    "conv2d transpose same, wide strides": (
        IMAGE,
        lambda lib: lib.layers.Conv2DTranspose(3, 2, strides=(3, 1), padding="same"),
    ),
    "conv2d transpose dilated": (
        IMAGE,
        lambda lib: lib.layers.Conv2DTranspose(3, 3, dilation_rate=2, use_bias=False),
    ),
    "depthwise conv1d": (
        SEQUENCE,
        lambda lib: lib.layers.DepthwiseConv1D(3, strides=2, padding="same"),
    ),
    "depthwise conv2d": (
        IMAGE,
        lambda lib: lib.layers.DepthwiseConv2D(
            2, depth_multiplier=2, depthwise_regularizer="l2", depthwise_constraint="max_norm"
        ),
    ),
    "separable conv1d": (
        SEQUENCE,
        lambda lib: lib.layers.SeparableConv1D(3, 3, padding="same", depth_multiplier=2),
    ),
    "separable conv2d": (
        IMAGE,
        lambda lib: lib.layers.SeparableConv2D(
            3, 2, activation="tanh", depthwise_regularizer="l1", pointwise_regularizer="l2"
        ),
    ),
    "simple rnn": (SHORT, lambda lib: lib.layers.SimpleRNN(5)),
    "simple rnn by loop": (
        SHORT,
        lambda lib: lib.layers.SimpleRNN(5, activation="softsign", return_sequences=True),
    ),
    "simple rnn relu": (
        SHORT,
        lambda lib: lib.layers.SimpleRNN(5, "relu", use_bias=False, go_backwards=True),
    ),
    "dense limited": (
        FLAT,
        lambda lib: lib.layers.Dense(3, kernel_constraint="unit_norm", bias_constraint="non_neg"),
    ),
    "lstm limited": (
        SEQUENCE,
        lambda lib: lib.layers.LSTM(
            3, recurrent_constraint="min_max_norm", bias_constraint="non_neg"
        ),
    ),
    "batch normalization limited": (
        FLAT,
        lambda lib: lib.layers.BatchNormalization(
            gamma_constraint=lib.constraints.MinMaxNorm(0.8, 0.9, rate=0.3)
        ),
    ),
    "flatten channels first": (
        IMAGE,
        lambda lib: lib.layers.Flatten(data_format="channels_first"),
    ),
    "conv2d dilated": (
        IMAGE,
        lambda lib: lib.layers.Conv2D(3, 2, dilation_rate=(2, 1), use_bias=False),
    ),
    "conv2d same, dilated": (
        IMAGE,
        lambda lib: lib.layers.Conv2D(3, 3, dilation_rate=2, padding="same"),
    ),
    "conv2d groups": (IMAGE, lambda lib: lib.layers.Conv2D(4, 3, groups=2)),
    "conv2d channels first": (
        (4, 6, 5),
        lambda lib: lib.layers.Conv2D(3, 3, padding="same", data_format="channels_first"),
    ),
    "conv2d penalties": (
        IMAGE,
        lambda lib: lib.layers.Conv2D(3, 3, kernel_regularizer="l2", bias_regularizer="l1"),
    ),
    "max 1d": (SEQUENCE, lambda lib: lib.layers.MaxPooling1D()),
    "max 1d same": (SEQUENCE, lambda lib: lib.layers.MaxPooling1D(3, strides=2, padding="same")),
    "max 2d": (IMAGE, lambda lib: lib.layers.MaxPooling2D()),
    "max 2d strides": (IMAGE, lambda lib: lib.layers.MaxPooling2D((3, 2), strides=(1, 2))),
    "max 2d same": (IMAGE, lambda lib: lib.layers.MaxPooling2D((2, 2), padding="same")),
    "max 2d channels first": (
        (4, 6, 5),
        lambda lib: lib.layers.MaxPooling2D(2, data_format="channels_first"),
    ),
    "average 1d": (SEQUENCE, lambda lib: lib.layers.AveragePooling1D(3, strides=1)),
    "average 1d same": (
        SEQUENCE,
        lambda lib: lib.layers.AveragePooling1D(3, strides=1, padding="same"),
    ),
    "average 2d": (IMAGE, lambda lib: lib.layers.AveragePooling2D(2)),
    "average 2d same": (
        IMAGE,
        lambda lib: lib.layers.AveragePooling2D(3, strides=1, padding="same"),
    ),
    "global average 1d": (SEQUENCE, lambda lib: lib.layers.GlobalAveragePooling1D()),
    "global average 2d": (IMAGE, lambda lib: lib.layers.GlobalAveragePooling2D(keepdims=True)),
    "global max 1d": (
        SEQUENCE,
        lambda lib: lib.layers.GlobalMaxPooling1D(data_format="channels_first"),
    ),
    "global max 2d": (IMAGE, lambda lib: lib.layers.GlobalMaxPooling2D()),
    "batch normalization, image": (IMAGE, lambda lib: lib.layers.BatchNormalization()),
    "batch normalization, axis 1": (
        IMAGE,
        lambda lib: lib.layers.BatchNormalization(axis=1, momentum=0.6, epsilon=0.01),
    ),
    "batch normalization, flat": (FLAT, lambda lib: lib.layers.BatchNormalization(momentum=0.9)),
    "batch normalization, plain": (
        SEQUENCE,
        lambda lib: lib.layers.BatchNormalization(center=False, scale=False),
    ),
    "batch normalization, penalties": (
        FLAT,
        lambda lib: lib.layers.BatchNormalization(beta_regularizer="l2", gamma_regularizer="l1"),
    ),
    "batch normalization, frozen": (
        FLAT,
        lambda lib: lib.layers.BatchNormalization(trainable=False),
    ),
    "layer normalization": (SEQUENCE, lambda lib: lib.layers.LayerNormalization()),
    "layer normalization, axes": (
        IMAGE,
        lambda lib: lib.layers.LayerNormalization(axis=[1, 3], epsilon=0.1),
    ),
    "layer normalization, plain": (
        SEQUENCE,
        lambda lib: lib.layers.LayerNormalization(axis=[1, 2], center=False, scale=False),
    ),
    "lstm": (SHORT, lambda lib: lib.layers.LSTM(5)),
    "lstm sequences": (
        SHORT,
        lambda lib: lib.layers.LSTM(5, return_sequences=True, go_backwards=True),
    ),
    "lstm without bias": (SHORT, lambda lib: lib.layers.LSTM(5, use_bias=False)),
    "lstm by loop": (
        SHORT,
        lambda lib: lib.layers.LSTM(5, activation="relu", recurrent_activation="hard_sigmoid"),
    ),
    "lstm penalties": (
        SHORT,
        lambda lib: lib.layers.LSTM(
            5, kernel_regularizer="l2", recurrent_regularizer="l1", bias_regularizer="l2"
        ),
    ),
    "gru": (SHORT, lambda lib: lib.layers.GRU(5)),
    "gru sequences": (
        SHORT,
        lambda lib: lib.layers.GRU(5, return_sequences=True, go_backwards=True),
    ),
    "gru without bias": (SHORT, lambda lib: lib.layers.GRU(5, use_bias=False)),
    "gru by loop": (SHORT, lambda lib: lib.layers.GRU(5, activation="softsign")),
    "gru by loop, without bias": (
        SHORT,
        lambda lib: lib.layers.GRU(5, activation="relu", use_bias=False),
    ),
    "gru, reset before": (SHORT, lambda lib: lib.layers.GRU(5, reset_after=False)),
    "gru, reset before, without bias": (
        SHORT,
        lambda lib: lib.layers.GRU(5, reset_after=False, use_bias=False),
    ),
    "reshape": (IMAGE, lambda lib: lib.layers.Reshape((10, -1))),
    "lambda": (IMAGE, lambda lib: lib.layers.Lambda(lambda x: x / 2 - 1)),
}

WITH_ADAM = ("conv1d same", "conv2d same", "conv2d groups", "lstm", "gru", "layer normalization",
             "batch normalization, axis 1")  # fmt: skip


@pytest.mark.parametrize("name", LAYERS)
def test_layers_compute_and_learn_as_keras_do(name: str) -> None:
    shape, layer = LAYERS[name]
    assert_trained_alike(amidst(shape, layer), inputs(shape), sgd)


@pytest.mark.parametrize("name", WITH_ADAM)
def test_layers_learn_with_adam_as_keras_do(name: str) -> None:
    shape, layer = LAYERS[name]
    assert_trained_alike(amidst(shape, layer), inputs(shape), adam)


@pytest.mark.parametrize("optimizer", [sgd, adam])
def test_embeddings_learn_as_keras_do(optimizer: Script) -> None:
    def build(lib: Any) -> Any:
        return lib.Sequential(
            [
                lib.Input(shape=(4,), dtype="int32"),
                lib.layers.Embedding(11, 3, embeddings_regularizer="l2"),
                lib.layers.Flatten(),
                lib.layers.Dense(1),
            ]
        )

    words = np.random.default_rng(3).integers(0, 9, (SAMPLES, 4))
    assert_trained_alike(build, words, optimizer)


MERGES: dict[str, Script] = {
    "add": lambda lib: lib.layers.Add(),
    "subtract": lambda lib: lib.layers.Subtract(),
    "multiply": lambda lib: lib.layers.Multiply(),
    "average": lambda lib: lib.layers.Average(),
    "maximum": lambda lib: lib.layers.Maximum(),
    "minimum": lambda lib: lib.layers.Minimum(),
    "concatenate": lambda lib: lib.layers.Concatenate(),
    "concatenate, axis 1": lambda lib: lib.layers.Concatenate(axis=1),
    "dot": lambda lib: lib.layers.Dot(axes=1),
    "dot, axes": lambda lib: lib.layers.Dot(axes=(2, -1)),
    "dot, normalized": lambda lib: lib.layers.Dot(axes=-1, normalize=True),
}


def model_of(lib: Any) -> Any:
    return Model if lib is ONFIT else KERAS.Sequential.__mro__[1]


@pytest.mark.parametrize("name", MERGES)
def test_merges_compute_and_learn_as_keras_do(name: str) -> None:
    def build(lib: Any) -> Any:
        x = lib.Input(shape=SEQUENCE)
        merged = MERGES[name](lib)([lib.layers.Dense(3)(x), lib.layers.Dense(3)(x)])
        y = lib.layers.Dense(1)(lib.layers.Flatten()(merged))
        return model_of(lib)(x, y)

    assert_trained_alike(build, inputs(SEQUENCE), sgd)


SHAPES = {
    "add": [(2, 4, 3), (2, 3)],
    "multiply": [(2, 1, 3), (2, 4, 1), (2, 3)],
    "dot": [(2, 4, 3), (2, 4)],
    "dot, axes": [(2, 5, 3), (2, 4, 3)],
    "dot, normalized": [(2, 3), (2, 3)],
}


@pytest.mark.parametrize("name", SHAPES)
def test_merges_of_different_shapes_agree_with_keras(name: str) -> None:
    draw = np.random.default_rng(4)
    arrays = [draw.normal(size=shape).astype("float32") for shape in SHAPES[name]]
    reference, ours = (predicted(lib, MERGES[name], arrays) for lib in (KERAS, ONFIT))
    assert ours.shape == reference.shape
    close(ours, reference)


def predicted(lib: Any, layer: Script, arrays: list[Any]) -> Any:
    symbols = [lib.Input(shape=array.shape[1:]) for array in arrays]
    return model_of(lib)(symbols, layer(lib)(symbols)).predict(arrays, verbose=0)


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_states_are_handed_on_as_keras_do(kind: str) -> None:
    def build(lib: Any) -> Any:
        recurrent = getattr(lib.layers, kind)
        x = lib.Input(shape=SHORT)
        output, *states = recurrent(5, return_state=True)(x)
        decoded = recurrent(5)(x, initial_state=states)
        return model_of(lib)(x, lib.layers.Dense(1)(lib.layers.Concatenate()([output, decoded])))

    assert_trained_alike(build, inputs(SHORT), sgd)


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "mse"])
def test_an_activation_of_a_convolution_can_be_the_last(loss: str) -> None:
    def build(lib: Any) -> Any:
        convolution = lib.layers.Conv1D(3, 7, activation="softmax")
        return lib.Sequential([lib.Input(shape=SEQUENCE), convolution])

    outcomes = []
    y = np.eye(3, dtype="float32")[np.random.default_rng(5).integers(0, 3, (SAMPLES, 1))]
    for lib, each in zip((KERAS, ONFIT), same_start(build), strict=True):
        each.compile(optimizer=sgd(lib), loss=loss, metrics=["categorical_accuracy"])
        outcomes.append(outcome(each, inputs(SEQUENCE), y))
    assert_same(*outcomes)


def test_uneven_margins_count_for_nothing_in_a_mean() -> None:
    """Keras on torch repeats the edge where margins are uneven; on others it does as onfit."""
    x = np.arange(1.0, 5.0, dtype="float32").reshape(1, 4, 1)
    pooled = {}
    for name, lib in (("keras", KERAS), ("onfit", ONFIT)):
        layer = lib.layers.AveragePooling1D(3, strides=2, padding="same")
        model = lib.Sequential([lib.Input(shape=(4, 1)), layer])
        pooled[name] = model.predict(x, verbose=0).ravel()
    assert pooled["onfit"] == pytest.approx([2.0, 3.5])
    assert pooled["keras"] == pytest.approx([2.0, 11 / 3])


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "mse"])
def test_a_penalty_on_the_last_output_counts(loss: str) -> None:
    def build(lib: Any) -> Any:
        last = lib.layers.Dense(
            3, activation="softmax", activity_regularizer=lib.regularizers.L2(0.3)
        )
        return lib.Sequential([lib.Input(shape=FLAT), lib.layers.Dense(4, "relu"), last])

    outcomes = []
    y = np.eye(3, dtype="float32")[np.arange(SAMPLES) % 3]
    for each in same_start(build):
        each.compile("sgd", loss)
        outcomes.append(outcome(each, inputs(FLAT), y))
    assert_same(*outcomes)
