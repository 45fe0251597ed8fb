"""Masks, against Keras' own: which steps layers, losses and metrics heed."""

import copy
import pickle
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch
from tests.twin.keras_twin import (
    KERAS,
    ONFIT,
    Script,
    assert_same,
    close,
    outcome,
    same_start,
    tolerant_of_keras,
)
from tests.twin.test_functional import model_of, sgd

from onfit import layers
from onfit.engine.model.model import Model
from onfit.errors import OnfitWarning
from onfit.models import load_model

pytestmark = tolerant_of_keras

SAMPLES, STEPS, WORDS, CLASSES = 33, 7, 9, 3
DRAW = np.random.default_rng(0)


def words() -> Any:
    """Sequences that are padded in front, behind, in their midst, or throughout."""
    ids = DRAW.integers(1, WORDS, size=(SAMPLES, STEPS))
    for index, row in enumerate(ids):
        begin, end = sorted(DRAW.integers(0, STEPS + 1, 2))
        if index % 3 == 0:
            row[:begin] = 0
        elif index % 3 == 1:
            row[end:] = 0
        else:
            row[begin:end] = 0
    ids[5] = 0
    return ids.astype("int32")


IDS = words()
ONE = DRAW.normal(size=(SAMPLES, 1)).astype("float32")
EACH = DRAW.normal(size=(SAMPLES, STEPS, 1)).astype("float32")
KINDS = DRAW.integers(0, CLASSES, size=(SAMPLES, STEPS))
WEIGHTS = DRAW.uniform(0, 2, size=(SAMPLES, STEPS)).astype("float32")


def embedded(*others: Script) -> Script:
    """A stack that begins with an embedding that masks 0."""

    def build(lib: Any) -> Any:
        first = lib.layers.Embedding(WORDS, 4, mask_zero=True)
        return lib.Sequential(
            [lib.Input(shape=(STEPS,), dtype="int32"), first, *(layer(lib) for layer in others)]
        )

    return build


def assert_alike(build: Script, y: Any, x: Any = IDS, **compiled: Any) -> None:
    fit = {"sample_weight": compiled.pop("sample_weight", None)}
    reference, model = same_start(build)
    close(model.predict(x, verbose=0), reference.predict(x, verbose=0))
    outcomes = []
    for lib, each in ((KERAS, reference), (ONFIT, model)):
        each.compile(optimizer=sgd(lib), **{"loss": "mse", "metrics": ["mae"], **compiled})
        outcomes.append(outcome(each, x, y, **fit))
    assert_same(*outcomes)


WALKS: dict[str, dict[str, Any]] = {
    "as it is": {},
    "step by step": {"activation": "relu"},
    "backwards": {"go_backwards": True},
}


@pytest.mark.parametrize("options", WALKS.values(), ids=WALKS)
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
def test_layers_of_sequences_skip_what_is_masked(kind: str, options: dict[str, Any]) -> None:
    walk = embedded(
        lambda lib: getattr(lib.layers, kind)(5, **options), lambda lib: lib.layers.Dense(1)
    )
    assert_alike(walk, ONE)


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("kind", ["LSTM", "GRU", "SimpleRNN"])
@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_outputs_of_each_step_have_the_mask(kind: str, activation: str, zero: bool) -> None:
    def walk(lib: Any) -> Any:
        return getattr(lib.layers, kind)(
            5, activation=activation, return_sequences=True, zero_output_for_mask=zero
        )

    assert_alike(embedded(walk, walk, lambda lib: lib.layers.Dense(1)), EACH)


TAGGERS = {
    "probabilities": (lambda lib: lib.layers.Dense(CLASSES, activation="softmax"),),
    "an activation apart": (
        lambda lib: lib.layers.Dense(CLASSES),
        lambda lib: lib.layers.Activation("softmax"),
    ),
}


@pytest.mark.parametrize("tagger", TAGGERS.values(), ids=TAGGERS)
@pytest.mark.parametrize("weight", [None, WEIGHTS], ids=["alike", "weighted"])
def test_loss_and_metrics_are_of_the_steps_that_count(tagger: Any, weight: Any) -> None:
    build = embedded(lambda lib: lib.layers.LSTM(5, return_sequences=True), *tagger)
    loss = "sparse_categorical_crossentropy"
    assert_alike(build, KINDS, loss=loss, metrics=["accuracy"], sample_weight=weight)


def test_weighted_metrics_are_of_the_steps_that_count() -> None:
    # Keras' own, on torch, would find the weights changed by what its loss did to them.
    model = embedded(lambda lib: lib.layers.Dense(1))(ONFIT)
    model.compile(loss="mse", weighted_metrics=["mae"])
    found = model.evaluate(IDS, EACH, sample_weight=WEIGHTS, batch_size=9, return_dict=True)
    counts = WEIGHTS * (IDS != 0)
    errors = np.abs(model.predict(IDS, verbose=0) - EACH)[..., 0]
    assert found["mae"] == pytest.approx((errors * counts).sum() / counts.sum(), rel=1e-5)


@pytest.mark.parametrize("reduction", ["sum", "mean_with_sample_weight"])
def test_each_reduction_of_a_masked_loss_is_that_of_keras(reduction: str) -> None:
    build = embedded(lambda lib: lib.layers.Dense(1))
    reference, model = same_start(build)
    for lib, each in ((KERAS, reference), (ONFIT, model)):
        each.compile(loss=lib.losses.MeanSquaredError(reduction=reduction))
    found, expected = (
        each.evaluate(IDS, EACH, batch_size=16, verbose=0) for each in (model, reference)
    )
    close(found, expected)


PASSED_ON: dict[str, Script] = {
    "dropout": lambda lib: lib.layers.Dropout(0.0),
    "dense": lambda lib: lib.layers.Dense(4, activation="tanh"),
    "activation": lambda lib: lib.layers.Activation("tanh"),
    "leaky relu": lambda lib: lib.layers.LeakyReLU(),
    "batch normalization": lambda lib: lib.layers.BatchNormalization(momentum=0.3),
    "layer normalization": lambda lib: lib.layers.LayerNormalization(),
    "noise": lambda lib: lib.layers.GaussianNoise(0.0),
    "masking": lambda lib: lib.layers.Masking(),
}


@pytest.mark.parametrize("name", PASSED_ON)
def test_a_layer_hands_the_mask_on(name: str) -> None:
    build = embedded(
        PASSED_ON[name],
        lambda lib: lib.layers.GlobalAveragePooling1D(),
        lambda lib: lib.layers.Dense(1),
    )
    full = IDS.copy()
    full[full.sum(1) == 0, 0] = 1  # Keras' mean over no steps is no number
    assert_alike(build, ONE, full)


def test_masking_masks_steps_of_one_value() -> None:
    x = DRAW.normal(size=(SAMPLES, STEPS, 4)).astype("float32")
    x[IDS == 0] = -1.0

    def build(lib: Any) -> Any:
        return lib.Sequential(
            [
                lib.Input(shape=(STEPS, 4)),
                lib.layers.Masking(-1.0),
                lib.layers.GRU(4),
                lib.layers.Dense(1),
            ]
        )

    assert_alike(build, ONE, x)


MERGES: dict[str, Script] = {
    "add": lambda lib: lib.layers.Add(),
    "concatenate": lambda lib: lib.layers.Concatenate(),
    "concatenate along steps": lambda lib: lib.layers.Concatenate(axis=1),
    "multiply": lambda lib: lib.layers.Multiply(),
}


@pytest.mark.parametrize("name", MERGES)
@pytest.mark.parametrize("both", [True, False])
def test_merged_masks_are_those_of_keras(name: str, both: bool) -> None:
    def build(lib: Any) -> Any:
        left, right = (lib.Input(shape=(STEPS,), dtype="int32") for _ in range(2))
        a = lib.layers.Embedding(WORDS, 4, mask_zero=True)(left)
        b = lib.layers.Embedding(WORDS, 4, mask_zero=both)(right)
        walked = lib.layers.LSTM(3)(MERGES[name](lib)([a, b]))
        return model_of(lib)([left, right], lib.layers.Dense(1)(walked))

    assert_alike(build, ONE, [IDS, np.roll(IDS, 3, axis=0)])


@pytest.mark.filterwarnings("ignore:Layer 'sequential.*masking:UserWarning")
def test_a_mask_reaches_the_layers_of_models_within_a_model() -> None:
    def build(lib: Any) -> Any:
        inner = lib.Sequential(
            [lib.Input(shape=(STEPS, 4)), lib.layers.Dense(4), lib.layers.LSTM(3)]
        )
        x = lib.Input(shape=(STEPS,), dtype="int32")
        embedding = lib.layers.Embedding(WORDS, 4, mask_zero=True)
        return model_of(lib)(x, lib.layers.Dense(1)(inner(embedding(x))))

    assert_alike(build, ONE)


def test_two_outputs_have_a_mask_each() -> None:
    def build(lib: Any) -> Any:
        x = lib.Input(shape=(STEPS,), dtype="int32")
        walked = lib.layers.GRU(4, return_sequences=True)(
            lib.layers.Embedding(WORDS, 4, mask_zero=True)(x)
        )
        outputs = [lib.layers.Dense(1, name=name)(walked) for name in ("first", "second")]
        return model_of(lib)(x, outputs)

    reference, model = same_start(build)
    for lib, each in ((KERAS, reference), (ONFIT, model)):
        each.compile(optimizer=sgd(lib), loss="mse", metrics=[["mae"], ["mae"]])
        each.fit(IDS, [EACH, -EACH], batch_size=16, epochs=2, shuffle=False, verbose=0)
    found, expected = (
        each.evaluate(IDS, [EACH, -EACH], batch_size=16, verbose=0, return_dict=True)
        for each in (model, reference)
    )
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-4)


# --- layers of the user's ----------------------------------------------------------------------


def test_a_layer_of_ones_own_gets_the_mask_and_hands_one_on() -> None:
    seen: list[Any] = []

    class Sees(layers.Layer):
        def call(self, x: Any, mask: Any = None) -> Any:
            seen.append(mask)
            return 1 * x

        def compute_mask(self, x: Any, mask: Any = None) -> Any:
            return None if mask is None else ~mask

    model = embedded(lambda lib: Sees(), lambda lib: Sees())(ONFIT)
    seen.clear()
    model(torch.as_tensor(IDS))
    np.testing.assert_array_equal(seen[0], IDS != 0)
    np.testing.assert_array_equal(seen[1], IDS == 0)


def test_supports_masking_may_be_set() -> None:
    class Doubled(layers.Layer):
        def __init__(self, **layer: Any) -> None:
            super().__init__(**layer)
            self.supports_masking = True

        def call(self, x: Any) -> Any:
            return 2 * x

    layer, x = Doubled(), layers.Embedding(WORDS, 2, mask_zero=True)(torch.as_tensor(IDS))
    np.testing.assert_array_equal(layer(x)._keras_mask, IDS != 0)


def test_a_mask_that_is_lost_is_said_once() -> None:
    embedding, flat = layers.Embedding(WORDS, 2, mask_zero=True), layers.Flatten()
    with pytest.warns(OnfitWarning, match=r"Flatten got an input with a mask, and does not"):
        flat(embedding(torch.as_tensor(IDS)))
    assert not hasattr(flat(embedding(torch.as_tensor(IDS))), "_keras_mask")


def test_a_mask_given_by_hand_is_heeded() -> None:
    layer, x = layers.GRU(3), torch.rand(2, STEPS, 4)
    mask = torch.ones(2, STEPS, dtype=torch.bool)
    mask[:, 4:] = False
    expected = layer(x[:, :4])
    torch.testing.assert_close(layer(x, mask=mask), expected)
    stack = ONFIT.Sequential([layers.Dense(4, kernel_initializer="identity"), layer])
    torch.testing.assert_close(stack(x, mask=mask), expected)


def test_a_state_to_begin_with_stays_where_no_step_counts() -> None:
    layer, x, state = layers.GRU(3), torch.rand(2, STEPS, 4), torch.rand(2, 3)
    layer(x)
    nothing = torch.zeros(2, STEPS, dtype=torch.bool)
    for activation in (layer.activation, torch.nn.functional.relu):
        layer.activation = activation
        layer.return_state = True
        _, after = layer(x, initial_state=state, mask=nothing)
        torch.testing.assert_close(after, state)


def test_a_model_written_as_a_class_hands_masks_on() -> None:
    class Tags(Model):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = layers.Embedding(WORDS, 4, mask_zero=True)
            self.walk = layers.LSTM(5, return_sequences=True)
            self.tag = layers.Dense(1)

        def call(self, x: Any) -> Any:
            return self.tag(self.walk(self.embedding(x)))

    stack = embedded(
        lambda lib: lib.layers.LSTM(5, return_sequences=True), lambda lib: lib.layers.Dense(1)
    )(ONFIT)
    model = Tags()
    model(IDS)
    model.set_weights(stack.get_weights())
    for each in (stack, model):
        each.compile(optimizer="sgd", loss="mse", metrics=["mae"])
    assert model.evaluate(IDS, EACH, verbose=0) == pytest.approx(
        stack.evaluate(IDS, EACH, verbose=0), rel=1e-6
    )


def test_lambda_takes_and_makes_masks() -> None:
    def halved(x: Any, mask: Any = None) -> Any:
        return x if mask is None else x * mask[..., None]

    layer = layers.Lambda(halved, mask=lambda x, mask: ~mask)
    x = layers.Embedding(WORDS, 2, mask_zero=True)(torch.as_tensor(IDS))
    found = layer(x)
    np.testing.assert_array_equal(found._keras_mask, IDS == 0)
    assert float(found[torch.as_tensor(IDS == 0)].detach().abs().sum()) == 0.0


def test_softmax_leaves_out_what_is_masked() -> None:
    x = torch.rand(2, STEPS)
    mask = torch.as_tensor(IDS[:2] != 0)
    expected = keras.layers.Softmax()(x, mask=mask)
    torch.testing.assert_close(layers.Softmax()(x, mask=mask), torch.as_tensor(expected))


# --- files and copies --------------------------------------------------------------------------


def masked(lib: Any) -> Any:
    x = lib.Input(shape=(STEPS,), dtype="int32")
    embedded = lib.layers.Embedding(WORDS, 4, mask_zero=True)(x)
    walked = lib.layers.LSTM(3, return_sequences=True, zero_output_for_mask=True)(embedded)
    return model_of(lib)(x, lib.layers.GRU(2)(lib.layers.Masking(0.5)(walked)))


def test_files_keep_masks_both_ways(tmp_path: Path) -> None:
    reference, model = same_start(masked)
    expected = reference.predict(IDS, verbose=0)
    model.save(tmp_path / "ours.keras")
    reference.save(tmp_path / "theirs.keras")
    close(keras.models.load_model(tmp_path / "ours.keras").predict(IDS, verbose=0), expected)
    close(load_model(tmp_path / "theirs.keras").predict(IDS, verbose=0), expected)


def test_copies_mask_too() -> None:
    _, model = same_start(masked)
    expected = model.predict(IDS, verbose=0)
    for each in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(each.predict(IDS, verbose=0), expected)
