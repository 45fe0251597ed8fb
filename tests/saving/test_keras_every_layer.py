"""Every layer, in whole models and in files of weights: from onfit to real Keras 3, and back."""

from typing import Any

import keras
import numpy as np
import pytest
from tests.saving.keras_models import (
    assert_same,
    predictions,
    tolerant_of_keras,
)

import onfit
from onfit import layers
from onfit.models import Model, Sequential, load_model

pytestmark = tolerant_of_keras

FLAT, SEQUENCE, IMAGE, VOLUME = (6,), (7, 4), (6, 6, 4), (4, 4, 5, 4)
# One or two of each layer, with options that change what it keeps or where.
ONE_INPUT: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "activation": (FLAT, "Activation", {"activation": "tanh"}),
    "batch normalization": (FLAT, "BatchNormalization", {"momentum": 0.9}),
    "batch normalization, axis": (IMAGE, "BatchNormalization", {"axis": 1, "scale": False}),
    "conv1d": (SEQUENCE, "Conv1D", {"filters": 3, "kernel_size": 2, "padding": "causal"}),
    "conv2d": (IMAGE, "Conv2D", {"filters": 4, "kernel_size": (3, 2), "groups": 2}),
    "conv3d": (VOLUME, "Conv3D", {"filters": 4, "kernel_size": (1, 2, 2), "groups": 2}),
    "conv3d transpose": (VOLUME, "Conv3DTranspose", {"filters": 3, "kernel_size": 2}),
    "max pooling 3d": (VOLUME, "MaxPooling3D", {"pool_size": 2, "padding": "same"}),
    "average pooling 3d": (VOLUME, "AveragePooling3D", {"pool_size": (1, 2, 2)}),
    "global average pooling 3d": (VOLUME, "GlobalAveragePooling3D", {"keepdims": True}),
    "global max pooling 3d": (VOLUME, "GlobalMaxPooling3D", {}),
    "spatial dropout 3d": (VOLUME, "SpatialDropout3D", {"rate": 0.5}),
    "zero padding 3d": (VOLUME, "ZeroPadding3D", {"padding": ((1, 0), (0, 2), (1, 1))}),
    "cropping 3d": (VOLUME, "Cropping3D", {"cropping": ((1, 0), (0, 1), (1, 1))}),
    "upsampling 3d": (VOLUME, "UpSampling3D", {"size": (1, 2, 3)}),
    "activity regularization": (FLAT, "ActivityRegularization", {"l1": 0.1}),
    "alpha dropout": (FLAT, "AlphaDropout", {"rate": 0.5}),
    "conv1d transpose": (SEQUENCE, "Conv1DTranspose", {"filters": 3, "kernel_size": 2}),
    "conv2d transpose": (
        IMAGE,
        "Conv2DTranspose",
        {"filters": 3, "kernel_size": (3, 2), "strides": 2, "padding": "same"},
    ),
    "cropping1d": (SEQUENCE, "Cropping1D", {"cropping": (1, 2)}),
    "cropping2d": (IMAGE, "Cropping2D", {"cropping": ((1, 2), (0, 1))}),
    "depthwise conv1d": (SEQUENCE, "DepthwiseConv1D", {"kernel_size": 2}),
    "depthwise conv2d": (
        IMAGE,
        "DepthwiseConv2D",
        {"kernel_size": 2, "depth_multiplier": 2, "depthwise_constraint": "non_neg"},
    ),
    "elu": (FLAT, "ELU", {"alpha": 0.5}),
    "gaussian dropout": (FLAT, "GaussianDropout", {"rate": 0.5}),
    "gaussian noise": (FLAT, "GaussianNoise", {"stddev": 0.5}),
    "identity": (FLAT, "Identity", {}),
    "leaky relu": (FLAT, "LeakyReLU", {"negative_slope": 0.5}),
    "permute": (SEQUENCE, "Permute", {"dims": (2, 1)}),
    "prelu": (IMAGE, "PReLU", {"shared_axes": [1, 2], "alpha_initializer": "ones"}),
    "relu": (FLAT, "ReLU", {"max_value": 3.0, "negative_slope": 0.5, "threshold": 0.5}),
    "repeat vector": (FLAT, "RepeatVector", {"n": 3}),
    "rescaling": (FLAT, "Rescaling", {"scale": 0.5, "offset": 1.0}),
    "separable conv1d": (SEQUENCE, "SeparableConv1D", {"filters": 3, "kernel_size": 2}),
    "separable conv2d": (
        IMAGE,
        "SeparableConv2D",
        {"filters": 3, "kernel_size": 2, "pointwise_regularizer": "l2"},
    ),
    "simple rnn": (SEQUENCE, "SimpleRNN", {"units": 3}),
    "softmax": (IMAGE, "Softmax", {"axis": 1}),
    "spatial dropout 1d": (SEQUENCE, "SpatialDropout1D", {"rate": 0.5}),
    "spatial dropout 2d": (IMAGE, "SpatialDropout2D", {"rate": 0.5}),
    "up sampling 1d": (SEQUENCE, "UpSampling1D", {"size": 3}),
    "up sampling 2d": (IMAGE, "UpSampling2D", {"size": (2, 3), "interpolation": "bilinear"}),
    "zero padding 1d": (SEQUENCE, "ZeroPadding1D", {"padding": (1, 2)}),
    "zero padding 2d": (IMAGE, "ZeroPadding2D", {"padding": ((1, 2), (0, 1))}),
    "dense": (SEQUENCE, "Dense", {"units": 3, "kernel_regularizer": "l2"}),
    "dense, limited": (
        FLAT,
        "Dense",
        {"units": 3, "kernel_constraint": "unit_norm", "bias_constraint": "non_neg"},
    ),
    "dropout": (FLAT, "Dropout", {"rate": 0.5, "seed": 3}),
    "embedding, limited": (
        (5,),
        "Embedding",
        {"input_dim": 9, "output_dim": 3, "embeddings_constraint": "min_max_norm"},
    ),
    "embedding": ((5,), "Embedding", {"input_dim": 9, "output_dim": 3}),
    "flatten": (IMAGE, "Flatten", {}),
    "gru": (SEQUENCE, "GRU", {"units": 3, "go_backwards": True}),
    "gru, reset before": (SEQUENCE, "GRU", {"units": 3, "reset_after": False}),
    "layer normalization": (SEQUENCE, "LayerNormalization", {"epsilon": 0.1}),
    "lstm, limited": (SEQUENCE, "LSTM", {"units": 3, "recurrent_constraint": "max_norm"}),
    "lstm": (SEQUENCE, "LSTM", {"units": 3, "return_sequences": True}),
    "lstm without bias": (SEQUENCE, "LSTM", {"units": 3, "use_bias": False}),
    "masking": (SEQUENCE, "Masking", {"mask_value": 0.5}),
    "group normalization": (SEQUENCE, "GroupNormalization", {"groups": -1}),
    "rms normalization": (SEQUENCE, "RMSNormalization", {"epsilon": 0.1}),
    "unit normalization": (SEQUENCE, "UnitNormalization", {"axis": 1}),
    "reshape": (FLAT, "Reshape", {"target_shape": (2, 3)}),
    **{
        kind: (shape, kind, options)
        for size, shape in (("1D", SEQUENCE), ("2D", IMAGE))
        for pooled in ("Max", "Average")
        for kind, options in (
            (f"{pooled}Pooling{size}", {"pool_size": 2}),
            (f"Global{pooled}Pooling{size}", {}),
        )
    },
}
TWO_INPUTS: dict[str, dict[str, Any]] = {
    "Add": {},
    "Average": {},
    "Concatenate": {"axis": 1},
    "Dot": {"axes": (2, 1)},
    "Maximum": {},
    "Minimum": {},
    "Multiply": {},
    "Subtract": {},
}
# Aliases, functions, and what is no layer of Keras'; Lambda holds code, which files do not.
NOT_HERE = {
    *("AddLoss", "Input", "InputLayer", "Lambda", "Layer", "ThresholdedReLU", "TorchModule"),
    # In tests/twin/test_layers_around_others.py.
    *("AdditiveAttention", "Attention", "Bidirectional", "EinsumDense", "MultiHeadAttention"),
    *("TimeDistributed", "Wrapper", "GRUCell", "LSTMCell", "RNN", "SimpleRNNCell"),
    "StackedRNNCells",
}

_draw = np.random.default_rng(4)


def moved(model: Any) -> Any:
    """With other weights than those it began with; variances stay positive."""
    model.set_weights([w + _draw.random(w.shape).astype(w.dtype) for w in model.get_weights()])
    return model


def one_input(lib: Any, shape: Any, kind: str, options: dict[str, Any]) -> Any:
    sequential, room = (Sequential, layers) if lib == "onfit" else (keras.Sequential, keras.layers)
    return moved(sequential([room.Input(shape), getattr(room, kind)(**options)]))


def two_inputs(lib: Any, kind: str, options: dict[str, Any]) -> Any:
    model, room = (Model, layers) if lib == "onfit" else (keras.Model, keras.layers)
    begin = room.Input((3, 3))
    return model(begin, getattr(room, kind)(**options)([begin, room.Dense(3)(begin)]))


def assert_goes(model: Any, path: Any, x: Any) -> None:
    """A model saved by the one opens in the other, and gives the same."""
    model.save(path)
    load = load_model if isinstance(model, keras.Model) else keras.models.load_model
    opened = load(path)
    np.testing.assert_allclose(predictions(opened, x), predictions(model, x), rtol=1e-5, atol=1e-5)
    assert_same(opened.get_weights(), model.get_weights())


def test_no_layer_is_forgotten_here():
    kinds = {name for name in layers.__all__ if isinstance(getattr(layers, name), type)}
    tested = {kind for _, kind, _ in ONE_INPUT.values()} | TWO_INPUTS.keys() | NOT_HERE
    assert {getattr(layers, kind).__name__ for kind in kinds} == tested - {"Input"}


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("lib", ["onfit", "keras"])
@pytest.mark.parametrize("case", ONE_INPUT)
def test_every_layer_goes_both_ways(tmp_path, case, lib, suffix):
    shape, kind, options = ONE_INPUT[case]
    x = _draw.random((5, *shape)).astype("float32") * 8
    assert_goes(one_input(lib, shape, kind, options), tmp_path / f"model{suffix}", x)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("lib", ["onfit", "keras"])
@pytest.mark.parametrize("kind", TWO_INPUTS)
def test_every_merging_layer_goes_both_ways(tmp_path, kind, lib, suffix):
    x = _draw.random((5, 3, 3)).astype("float32")
    assert_goes(two_inputs(lib, kind, TWO_INPUTS[kind]), tmp_path / f"model{suffix}", x)


@pytest.mark.parametrize("lib", ["onfit", "keras"])
@pytest.mark.parametrize("case", [case for case in ONE_INPUT if "Pooling" not in case])
def test_numbered_weights_of_every_layer_go_both_ways(tmp_path, case, lib):
    shape, kind, options = ONE_INPUT[case]
    model = one_input(lib, shape, kind, options)
    other = one_input("keras" if lib == "onfit" else "onfit", shape, kind, options)
    model.save_weights(tmp_path / "w.weights.h5")
    other.load_weights(tmp_path / "w.weights.h5")
    assert_same(other.get_weights(), model.get_weights())


CELLS = {
    "one": lambda lib: lib.layers.LSTMCell(3, kernel_regularizer="l2"),
    "stacked": lambda lib: [
        lib.layers.LSTMCell(3),
        lib.layers.LSTMCell(2, use_bias=False),
        lib.layers.GRUCell(4),
        lib.layers.SimpleRNNCell(2),
    ],
}


def with_cells(lib, cells, both_ways):
    room = {"onfit": onfit, "keras": keras}[lib]
    walk = room.layers.RNN(CELLS[cells](room), return_sequences=True, name="walk")
    walk = room.layers.Bidirectional(walk, name="both") if both_ways else walk
    return room.Sequential([room.Input(SEQUENCE), walk, room.layers.Dense(1, name="end")])


@pytest.mark.parametrize("both_ways", [False, True], ids=["", "both ways"])
@pytest.mark.parametrize("cells", CELLS)
@pytest.mark.parametrize("lib", ["onfit", "keras"])
def test_cells_go_both_ways(tmp_path, lib, cells, both_ways):
    x = _draw.random((5, *SEQUENCE)).astype("float32")
    model = with_cells(lib, cells, both_ways)
    for name in ("model.keras", "model.h5"):
        assert_goes(model, tmp_path / name, x)
    other = with_cells("keras" if lib == "onfit" else "onfit", cells, both_ways)
    model.save_weights(tmp_path / "w.weights.h5")
    other.load_weights(tmp_path / "w.weights.h5")
    assert_same(other.get_weights(), model.get_weights())
