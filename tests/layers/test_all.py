"""What every layer can do: be described and made again, copied, pickled, and say what is wrong."""

import copy
import pickle
from typing import Any

import pytest
import torch

from onfit import layers
from onfit.errors import ArgumentError, NotReadyError
from onfit.regularizers import L2

# How to make each, with arguments that are not the defaults, and the shape of an input.
MADE: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "ActivityRegularization": ({"l1": 0.1, "l2": 0.2}, (5, 3)),
    "AddLoss": ({"weight": 0.5}, (5, 3)),
    "AlphaDropout": ({"rate": 0.0, "noise_shape": (None, 1)}, (5, 3)),
    "Conv1DTranspose": (
        {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"},
        (5, 8, 2),
    ),
    "Conv2DTranspose": (
        {"filters": 4, "kernel_size": (2, 3), "dilation_rate": 2, "data_format": "channels_first"},
        (5, 2, 6, 7),
    ),
    "Cropping1D": ({"cropping": (1, 2)}, (5, 8, 2)),
    "Cropping2D": (
        {"cropping": ((1, 2), (0, 1)), "data_format": "channels_first"},
        (5, 2, 6, 7),
    ),
    "DepthwiseConv1D": ({"kernel_size": 3, "padding": "same", "strides": 2}, (5, 8, 2)),
    "DepthwiseConv2D": (
        {"kernel_size": (2, 3), "depth_multiplier": 2, "data_format": "channels_first"},
        (5, 2, 6, 7),
    ),
    "AdditiveAttention": ({"use_scale": False}, ()),
    "Attention": ({"use_scale": True, "score_mode": "concat"}, ()),
    "EinsumDense": (
        {"equation": "abc,cd->abd", "output_shape": (None, 3), "bias_axes": "d"},
        (5, 8, 2),
    ),
    "ELU": ({"alpha": 0.5}, (5, 3)),
    "GaussianDropout": ({"rate": 0.0}, (5, 3)),
    "GaussianNoise": ({"stddev": 0.0}, (5, 3)),
    "GroupNormalization": ({"groups": 2, "scale": False, "axis": 1}, (5, 8, 2)),
    "Identity": ({}, (5, 3)),
    "LeakyReLU": ({"negative_slope": 0.5}, (5, 3)),
    "Masking": ({"mask_value": 0.5}, (5, 8, 2)),
    "Permute": ({"dims": (2, 1)}, (5, 8, 2)),
    "PReLU": ({"shared_axes": [1], "alpha_initializer": "ones"}, (5, 8, 2)),
    "RMSNormalization": ({"axis": [1, 2]}, (5, 8, 2)),
    "ReLU": ({"max_value": 3.0, "negative_slope": 0.5, "threshold": 0.1}, (5, 3)),
    "RepeatVector": ({"n": 3}, (5, 3)),
    "Rescaling": ({"scale": 0.5, "offset": 1.0}, (5, 3)),
    "SeparableConv1D": ({"filters": 4, "kernel_size": 3, "dilation_rate": 2}, (5, 8, 2)),
    "SeparableConv2D": (
        {"filters": 4, "kernel_size": (2, 3), "depth_multiplier": 2},
        (5, 6, 7, 2),
    ),
    "SimpleRNN": ({"units": 3, "return_sequences": True}, (5, 8, 2)),
    "Softmax": ({"axis": [1, 2]}, (5, 8, 2)),
    "SpatialDropout1D": ({"rate": 0.0}, (5, 8, 2)),
    "SpatialDropout2D": ({"rate": 0.0, "data_format": "channels_first"}, (5, 2, 6, 7)),
    "ThresholdedReLU": ({"theta": 0.5}, (5, 3)),
    "UnitNormalization": ({"axis": 1}, (5, 8, 2)),
    "UpSampling1D": ({"size": 3}, (5, 8, 2)),
    "UpSampling2D": ({"size": (2, 3), "interpolation": "bicubic"}, (5, 6, 7, 2)),
    "ZeroPadding1D": ({"padding": (1, 2), "data_format": "channels_first"}, (5, 2, 8)),
    "ZeroPadding2D": ({"padding": ((1, 2), (0, 1))}, (5, 6, 7, 2)),
    "AveragePooling3D": ({"pool_size": 2, "padding": "same"}, (5, 3, 4, 5, 2)),
    "Conv3D": ({"filters": 4, "kernel_size": (1, 2, 3), "groups": 2}, (5, 3, 4, 5, 2)),
    "Conv3DTranspose": ({"filters": 4, "kernel_size": 2, "strides": 2}, (5, 3, 4, 5, 2)),
    "Cropping3D": ({"cropping": ((1, 0), (0, 1), (1, 1))}, (5, 3, 4, 5, 2)),
    "GlobalAveragePooling3D": ({"data_format": "channels_first"}, (5, 2, 3, 4, 5)),
    "GlobalMaxPooling3D": ({"keepdims": True}, (5, 3, 4, 5, 2)),
    "MaxPooling3D": ({"pool_size": (1, 2, 2), "strides": 1}, (5, 3, 4, 5, 2)),
    "SpatialDropout3D": ({"rate": 0.0}, (5, 3, 4, 5, 2)),
    "UpSampling3D": ({"size": (1, 2, 3), "data_format": "channels_first"}, (5, 2, 3, 4, 5)),
    "ZeroPadding3D": ({"padding": ((1, 0), (0, 1), (1, 1))}, (5, 3, 4, 5, 2)),
    "Conv1D": (
        {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "causal", "dilation_rate": 2},
        (5, 8, 2),
    ),
    "Conv2D": (
        {
            "filters": 4,
            "kernel_size": (2, 3),
            "strides": (2, 1),
            "padding": "same",
            "data_format": "channels_first",
            "groups": 2,
            "activation": "relu",
            "use_bias": False,
            "kernel_initializer": "he_normal",
            "kernel_regularizer": L2(0.1),
        },
        (5, 2, 7, 7),
    ),
    "MaxPooling1D": ({"pool_size": 3, "strides": 1, "padding": "same"}, (5, 8, 2)),
    "MaxPooling2D": ({"pool_size": (3, 2), "data_format": "channels_first"}, (5, 2, 7, 7)),
    "AveragePooling1D": ({"pool_size": 3, "strides": 2, "padding": "same"}, (5, 8, 2)),
    "AveragePooling2D": ({"pool_size": 3, "strides": (1, 2)}, (5, 7, 7, 2)),
    "GlobalAveragePooling1D": ({"keepdims": True}, (5, 8, 2)),
    "GlobalAveragePooling2D": ({"data_format": "channels_first"}, (5, 2, 7, 7)),
    "GlobalMaxPooling1D": ({"keepdims": True}, (5, 8, 2)),
    "GlobalMaxPooling2D": ({"keepdims": True}, (5, 7, 7, 2)),
    "BatchNormalization": (
        {
            "axis": 1,
            "momentum": 0.5,
            "epsilon": 0.1,
            "center": False,
            "gamma_initializer": "normal",
        },
        (5, 3, 2),
    ),
    "LayerNormalization": (
        {"axis": [1, 2], "epsilon": 0.1, "scale": False, "beta_initializer": "normal"},
        (5, 3, 2),
    ),
    "Embedding": ({"input_dim": 7, "output_dim": 2, "embeddings_initializer": "normal"}, (5, 3)),
    "LSTM": (
        {"units": 3, "unit_forget_bias": False, "return_sequences": True, "go_backwards": True},
        (5, 8, 2),
    ),
    "GRU": (
        {"units": 3, "reset_after": False, "activation": "relu", "return_state": True},
        (5, 8, 2),
    ),
    "Reshape": ({"target_shape": (-1, 3)}, (5, 6)),
    "Lambda": ({"function": torch.mul, "arguments": {"other": 3}}, (5, 6)),
    "Concatenate": ({"axis": 1}, ()),
    "Dot": ({"axes": (1, 2), "normalize": True}, ()),
    "Add": ({}, ()),
    "Subtract": ({}, ()),
    "Multiply": ({}, ()),
    "Average": ({}, ()),
    "Maximum": ({}, ()),
    "Minimum": ({}, ()),
}


def made(kind: str) -> tuple[layers.Layer, Any]:
    arguments, shape = MADE[kind]
    layer = getattr(layers, kind)(name="it", trainable=False, **arguments)
    if shape:
        return layer, torch.rand(shape)
    return layer, [torch.rand(5, 3, 3), torch.rand(5, 3, 3)]


def assert_same(first: Any, second: Any) -> None:
    for one, other in zip(first, second, strict=True):
        assert torch.equal(one, other)


def test_every_layer_is_here() -> None:
    kinds = {
        kind.__name__
        for kind in map(layers.__dict__.get, layers.__all__)
        if isinstance(kind, type) and kind is not layers.Layer
    }
    apart = {"Bidirectional", "MultiHeadAttention", "TimeDistributed", "Wrapper"}  # see tests/twin
    apart |= {"GRUCell", "LSTMCell", "RNN", "SimpleRNNCell", "StackedRNNCells"}
    core = {*apart, "Dense", "Activation", "Dropout", "Flatten", "TorchModule", "InputLayer"}
    assert kinds == {*MADE, *core}


@pytest.mark.parametrize("kind", MADE)
def test_a_layer_is_made_again_from_its_configuration(kind: str) -> None:
    layer, x = made(kind)
    result = layer(x)
    config = layer.get_config()
    assert config["name"] == "it"
    assert config["trainable"] is False
    for argument, value in MADE[kind][0].items():
        if isinstance(value, (int, float, tuple, list)):
            assert config[argument] in (value, (value,), (value,) * 2, (value,) * 3)
    again = type(layer).from_config(config)
    assert again.get_config() == config
    again(x)
    again.set_weights(layer.get_weights())
    assert_same(again(x), result)


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
@pytest.mark.parametrize("kind", MADE)
def test_a_copy_computes_the_same(kind: str, duplicate: Any) -> None:
    layer, x = made(kind)
    result = layer(x)
    other = duplicate(layer)
    assert_same(other(x), result)
    assert [w.stride() for w in other.weights] == [w.stride() for w in layer.weights]


@pytest.mark.parametrize("kind", MADE)
def test_the_state_of_a_layer_is_its_weights(kind: str) -> None:
    layer, x = made(kind)
    layer(x)
    assert len(layer.state_dict()) == len(layer.weights)
    assert not any(weight.requires_grad for weight in layer.weights)


@pytest.mark.parametrize("kind", MADE)
def test_an_unknown_argument_is_an_error_that_names_those_there_are(kind: str) -> None:
    arguments = MADE[kind][0]
    with pytest.raises(ArgumentError, match=rf"{kind}\(kernel_constrain=.*not an argument"):
        getattr(layers, kind)(kernel_constrain="max_norm", **arguments)


ALIASES = {
    "Convolution1DTranspose": "Conv1DTranspose",
    "Convolution2DTranspose": "Conv2DTranspose",
    "Deconvolution1D": "Conv1DTranspose",
    "Deconvolution2D": "Conv2DTranspose",
    "SeparableConvolution1D": "SeparableConv1D",
    "SeparableConvolution2D": "SeparableConv2D",
    "Convolution3D": "Conv3D",
    "Convolution3DTranspose": "Conv3DTranspose",
    "Deconvolution3D": "Conv3DTranspose",
    "MaxPool3D": "MaxPooling3D",
    "AvgPool3D": "AveragePooling3D",
    "GlobalAvgPool3D": "GlobalAveragePooling3D",
    "GlobalMaxPool3D": "GlobalMaxPooling3D",
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "MaxPool1D": "MaxPooling1D",
    "MaxPool2D": "MaxPooling2D",
    "AvgPool1D": "AveragePooling1D",
    "AvgPool2D": "AveragePooling2D",
    "GlobalAvgPool1D": "GlobalAveragePooling1D",
    "GlobalAvgPool2D": "GlobalAveragePooling2D",
    "GlobalMaxPool1D": "GlobalMaxPooling1D",
    "GlobalMaxPool2D": "GlobalMaxPooling2D",
}


@pytest.mark.parametrize("alias", ALIASES)
def test_an_alias_is_the_layer_itself(alias: str) -> None:
    assert getattr(layers, alias) is getattr(layers, ALIASES[alias])


FUNCTIONS = ("add", "subtract", "multiply", "average", "maximum", "minimum")


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_merge_is_also_a_function(name: str) -> None:
    pair = [torch.rand(2, 3), torch.rand(2, 3)]
    assert torch.equal(getattr(layers, name)(pair), getattr(layers, name.title())()(pair))
    symbols = [layers.Input((3,)), layers.Input((3,))]
    merged = getattr(layers, name)(symbols, name="merged")
    assert merged.node.layer.name == "merged"


def test_merges_with_arguments_are_functions_too() -> None:
    pair = [torch.rand(2, 3, 4), torch.rand(2, 3, 4)]
    assert layers.concatenate(pair, axis=1).shape == (2, 6, 4)
    assert layers.concatenate(pair).shape == (2, 3, 8)
    assert layers.dot(pair, axes=2).shape == (2, 3, 3)
    largest = layers.dot(pair, axes=2, normalize=True).abs().max()
    assert largest <= 1.00001


@pytest.mark.parametrize(
    ("kind", "arguments", "text"),
    [
        ("Conv2D", {"filters": 0, "kernel_size": 3}, r"Conv2D\(filters=0\): .* from 1 upwards"),
        ("Conv2D", {"filters": 2.5, "kernel_size": 3}, r"filters=2.5\): .* a whole number"),
        ("Conv2D", {"filters": 2, "kernel_size": (1, 2, 3)}, r"kernel_size=.*or 2 of them"),
        ("Conv2D", {"filters": 2, "kernel_size": 3, "padding": "smae"}, r"mean 'same'\?"),
        ("Conv2D", {"filters": 2, "kernel_size": 3, "padding": "causal"}, "'valid' or 'same'"),
        ("Conv2D", {"filters": 3, "kernel_size": 3, "groups": 2}, "groups must divide"),
        ("Conv1D", {"filters": 3, "kernel_size": 3, "data_format": "NCW"}, "channels_first"),
        ("Conv1D", {"filters": 3, "kernel_size": 3, "strides": (1, 1)}, "or 1 of them"),
        ("MaxPooling2D", {"pool_size": 0}, r"MaxPooling2D\(pool_size=0\)"),
        ("MaxPooling2D", {"padding": "causal"}, "'valid' or 'same'"),
        ("LSTM", {"units": -1}, r"LSTM\(units=-1\)"),
        ("LSTM", {"units": 2, "dropout": 1.0}, r"LSTM\(dropout=1.0\): .*below 1"),
        ("LSTM", {"units": 2, "stateful": True}, r"LSTM\(stateful=True\) is not there"),
        ("GRU", {"units": 2, "recurrent_dropout": -0.1}, r"GRU\(recurrent_dropout=-0.1\)"),
        ("Embedding", {"input_dim": True, "output_dim": 2}, r"Embedding\(input_dim=True\)"),
        ("LayerNormalization", {"axis": []}, "there must be an axis"),
        ("Reshape", {"target_shape": (-1, -1)}, "only one axis"),
    ],
)
def test_arguments_that_cannot_be_meant_are_errors(
    kind: str, arguments: dict[str, Any], text: str
) -> None:
    with pytest.raises(ArgumentError, match=text):
        getattr(layers, kind)(**arguments)


def test_weights_are_listed_by_whether_they_train() -> None:
    layer = layers.BatchNormalization()
    layer(torch.ones(2, 3))
    assert len(layer.trainable_weights) == len(layer.non_trainable_weights) == 2
    assert layer.count_params() == 12
    layer.trainable = False
    assert layer.trainable_variables == []
    assert len(layer.non_trainable_variables) == len(layer.variables) == 4
    with pytest.raises(NotReadyError, match="count_params: its weights wait for the shape"):
        layers.Dense(3).count_params()


def test_the_shape_of_an_output_is_told_without_building() -> None:
    layer = layers.Dense(3)
    assert layer.compute_output_shape((None, 7, 4)) == (None, 7, 3)
    assert layer.compute_output_shape([None, 4]) == (None, 3)
    assert not layer.built
    assert layers.Add().compute_output_shape([(None, 4), (None, 4)]) == (None, 4)
    assert layers.Conv2D(3, 2).compute_output_shape((8, 5, 5, 1)) == (8, 4, 4, 3)
