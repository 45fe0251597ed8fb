"""TimeDistributed, Bidirectional, the layers of attention and EinsumDense, against Keras' own."""

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
from tests.twin.test_masks import IDS, ONE, STEPS, WORDS, embedded

from onfit import layers
from onfit.engine.model.cloning import clone_model
from onfit.errors import ArgumentError, ArgumentTypeError, ShapeError
from onfit.models import load_model

pytestmark = tolerant_of_keras

SHAPE, FILM = (6, 4), (5, 6, 4)
DRAW = np.random.default_rng(0)
LAST = DRAW.normal(size=(33, 1)).astype("float32")


def amidst(layer: Script, shape: Any = SHAPE) -> Script:
    def build(lib: Any) -> Any:
        end = [lib.layers.Flatten(), lib.layers.Dense(1)]
        return lib.Sequential([lib.Input(shape=shape), layer(lib), *end])

    return build


def of_two(layer: Any) -> Script:
    """A model in which a layer is called on x, and on a Dense of x."""

    def build(lib: Any) -> Any:
        x = lib.Input(shape=SHAPE)
        found = layer(lib, x, lib.layers.Dense(4)(x))
        return model_of(lib)(x, lib.layers.Dense(1)(lib.layers.Flatten()(found)))

    return build


def directions(kind: str, merge_mode: Any, **options: Any) -> Script:
    return amidst(
        lambda lib: lib.layers.Bidirectional(
            getattr(lib.layers, kind)(3, **options), merge_mode=merge_mode
        )
    )


def frames(lib: Any) -> Any:
    inner = lib.Sequential([lib.Input(shape=SHAPE), lib.layers.Conv1D(3, 2), lib.layers.Flatten()])
    return lib.layers.TimeDistributed(inner)


def both_outputs(lib: Any) -> Any:
    x = lib.Input(shape=SHAPE)
    there, back = lib.layers.Bidirectional(lib.layers.GRU(3), merge_mode=None)(x)
    return model_of(lib)(x, lib.layers.Dense(1)(lib.layers.Concatenate()([there, back])))


def states(lib: Any) -> Any:
    x = lib.Input(shape=SHAPE)
    first = lib.layers.Bidirectional(lib.layers.LSTM(3, return_state=True))(x)
    second = lib.layers.Bidirectional(lib.layers.LSTM(3))(x, initial_state=list(first[1:]))
    return model_of(lib)(x, lib.layers.Dense(1)(lib.layers.Concatenate()([first[0], second])))


MODELS: dict[str, tuple[Script, Any]] = {
    "lstm both ways": (directions("LSTM", "concat"), SHAPE),
    "gru, summed": (directions("GRU", "sum", return_sequences=True), SHAPE),
    "simple, mean": (directions("SimpleRNN", "ave", return_sequences=True), SHAPE),
    "lstm, product": (directions("LSTM", "mul"), SHAPE),
    "both outputs": (both_outputs, SHAPE),
    "states": (states, SHAPE),
    "a way back of its own": (
        amidst(
            lambda lib: lib.layers.Bidirectional(
                lib.layers.LSTM(3),
                backward_layer=lib.layers.LSTM(3, activation="relu", go_backwards=True),
            )
        ),
        SHAPE,
    ),
    "dense at each step": (
        amidst(lambda lib: lib.layers.TimeDistributed(lib.layers.Dense(3, activation="tanh"))),
        SHAPE,
    ),
    "a model at each step": (amidst(frames, FILM), FILM),
    "heads": (of_two(lambda lib, x, y: lib.layers.MultiHeadAttention(2, 3)(x, y)), SHAPE),
    "heads, no later step": (
        of_two(
            lambda lib, x, y: lib.layers.MultiHeadAttention(
                2, 3, value_dim=5, output_shape=7, use_bias=False
            )(x, y, use_causal_mask=True)
        ),
        SHAPE,
    ),
    "heads with keys": (
        of_two(lambda lib, x, y: lib.layers.MultiHeadAttention(2, 3)(x, y, key=x)),
        SHAPE,
    ),
    "heads that show their scores": (
        of_two(
            lambda lib, x, y: lib.layers.MultiHeadAttention(2, 3)(
                x, y, return_attention_scores=True
            )[0]
        ),
        SHAPE,
    ),
    "attention": (of_two(lambda lib, x, y: lib.layers.Attention(use_scale=True)([x, y])), SHAPE),
    "attention without weights": (of_two(lambda lib, x, y: lib.layers.Attention()([x, y])), SHAPE),
    "attention of sums": (
        of_two(
            lambda lib, x, y: lib.layers.Attention(use_scale=True, score_mode="concat")(
                [x, y, x], use_causal_mask=True
            )
        ),
        SHAPE,
    ),
    "additive attention": (
        of_two(lambda lib, x, y: lib.layers.AdditiveAttention()([x, y])),
        SHAPE,
    ),
    "equation": (
        amidst(
            lambda lib: lib.layers.EinsumDense(
                "abc,cd->abd", output_shape=(6, 3), bias_axes="d", activation="tanh"
            )
        ),
        SHAPE,
    ),
    "equation with dots": (
        amidst(lambda lib: lib.layers.EinsumDense("...x,xy->...y", 3, bias_axes="y")),
        SHAPE,
    ),
    "equation of two axes": (
        amidst(lambda lib: lib.layers.EinsumDense("abc,bde->ade", (2, 3), bias_axes="de")),
        SHAPE,
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_layer_learns_as_in_keras(name: str) -> None:
    build, shape = MODELS[name]
    x = DRAW.normal(size=(33, *shape), scale=0.3).astype("float32")
    reference, model = same_start(build)
    close(model.predict(x, verbose=0), reference.predict(x, verbose=0))
    outcomes = []
    for lib, each in ((KERAS, reference), (ONFIT, model)):
        each.compile(optimizer=sgd(lib), loss="mse")
        outcomes.append(outcome(each, x, LAST))
    assert_same(*outcomes)


@pytest.mark.parametrize("name", MODELS)
def test_files_go_both_ways(name: str, tmp_path: Path) -> None:
    build, shape = MODELS[name]
    x = DRAW.normal(size=(5, *shape)).astype("float32")
    reference, model = same_start(build)
    expected = model.predict(x, verbose=0)
    model.save(tmp_path / "ours.keras")
    model.save(tmp_path / "ours.h5")
    reference.save(tmp_path / "theirs.keras")
    reference.save(tmp_path / "theirs.h5")
    close(keras.models.load_model(tmp_path / "ours.keras").predict(x, verbose=0), expected)
    for file in ("theirs.keras", "theirs.h5", "ours.keras", "ours.h5"):
        close(load_model(tmp_path / file).predict(x, verbose=0), expected)
    clone = clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone.predict(x, verbose=0), expected)


# --- masks -------------------------------------------------------------------------------------

MASKED: dict[str, Script] = {
    "both ways": lambda lib: lib.layers.Bidirectional(lib.layers.LSTM(3)),
    "both ways, each step": lambda lib: lib.layers.Bidirectional(
        lib.layers.GRU(3, return_sequences=True)
    ),
    "each step": lambda lib: lib.layers.TimeDistributed(lib.layers.Dense(3)),
}


@pytest.mark.parametrize("name", MASKED)
def test_masks_are_heeded_and_handed_on(name: str) -> None:
    is_last = name == "both ways"
    more = [] if is_last else [lambda lib: lib.layers.GRU(2)]
    build = embedded(MASKED[name], *more, lambda lib: lib.layers.Dense(1))
    reference, model = same_start(build)
    close(model.predict(IDS, verbose=0), reference.predict(IDS, verbose=0))
    for lib, each in ((KERAS, reference), (ONFIT, model)):
        each.compile(optimizer=sgd(lib), loss="mse")
        each.fit(IDS, ONE, batch_size=16, epochs=2, shuffle=False, verbose=0)
    for ours, theirs in zip(model.get_weights(), reference.get_weights(), strict=True):
        close(ours, theirs)


ATTENDING = {
    "heads": lambda lib, x: lib.layers.MultiHeadAttention(2, 3)(x, x),
    "attention": lambda lib, x: lib.layers.Attention()([x, x]),
    "additive attention": lambda lib, x: lib.layers.AdditiveAttention()([x, x]),
}


@pytest.mark.parametrize("name", ATTENDING)
def test_attention_leaves_out_what_is_masked(name: str) -> None:
    full = IDS.copy()
    full[full.sum(1) == 0, 0] = 1

    def build(lib: Any) -> Any:
        x = lib.Input(shape=(STEPS,), dtype="int32")
        embedding = lib.layers.Embedding(WORDS, 4, mask_zero=True)(x)
        found = lib.layers.GlobalAveragePooling1D()(ATTENDING[name](lib, embedding))
        return model_of(lib)(x, lib.layers.Dense(1)(found))

    reference, model = same_start(build)
    close(model.predict(full, verbose=0), reference.predict(full, verbose=0))


def test_a_mask_of_pairs_says_what_may_be_seen() -> None:
    theirs, ours = keras.layers.MultiHeadAttention(2, 3), layers.MultiHeadAttention(2, 3)
    x = torch.rand(2, 5, 4)
    pairs = torch.rand(2, 5, 5) > 0.3
    pairs[:, :, 0] = True
    theirs(x, x)
    ours(x, x)
    ours.set_weights(theirs.get_weights())
    expected = theirs(x, x, attention_mask=pairs)
    close(ours(x, x, attention_mask=pairs).detach(), expected.detach())


# --- what is said ------------------------------------------------------------------------------


def test_what_cannot_be_meant_is_said() -> None:
    with pytest.raises(ArgumentTypeError, match=r"TimeDistributed\(layer='dense'\): .* a layer or"):
        layers.TimeDistributed("dense")
    with pytest.raises(ShapeError, match=r"\(batch, steps, \.\.\.\)"):
        layers.TimeDistributed(layers.Dense(2))(torch.zeros(2, 3))
    with pytest.raises(ArgumentTypeError, match="walks along sequences"):
        layers.Bidirectional(layers.Dense(2))
    with pytest.raises(ArgumentError, match="merge_mode='max'"):
        layers.Bidirectional(layers.GRU(2), merge_mode="max")
    with pytest.raises(ArgumentError, match="walk in the same direction"):
        layers.Bidirectional(layers.GRU(2), backward_layer=layers.GRU(2))
    with pytest.raises(ArgumentTypeError, match=r"\[query, value\]"):
        layers.Attention()(torch.zeros(2, 3, 4))
    with pytest.raises(ArgumentError, match="'abc,cd->abd'"):
        layers.EinsumDense("abc->abd", 3)(torch.zeros(2, 3, 4))


def test_layers_are_plain_data_and_come_back() -> None:
    layer = layers.Bidirectional(layers.LSTM(3, activation="relu", kernel_regularizer="l2"))
    described = layers.serialize(layer)
    again = layers.deserialize(described)
    assert layers.serialize(again) == described
    assert again.forward_layer.kernel_regularizer.get_config() == {"l2": pytest.approx(0.01)}
    assert layers.get("Flatten").__class__ is layers.Flatten
    assert layers.get(layer) is layer
    with pytest.raises(ArgumentError, match=r"no layer 'Dens'.*'Dense'"):
        layers.deserialize({"class_name": "Dens", "config": {}})


def test_a_layer_of_ones_own_comes_back_by_its_name() -> None:
    class Half(layers.Layer):
        def call(self, x: Any) -> Any:
            return x / 2

    described = layers.serialize(layers.TimeDistributed(Half(name="half")))
    with pytest.raises(ArgumentError, match="custom_objects"):
        layers.deserialize(described)
    from onfit.registered import custom_object_scope

    with custom_object_scope({"Half": Half}):
        assert isinstance(layers.deserialize(described).layer, Half)
