"""Layers by Keras' names, over torch."""

from typing import TYPE_CHECKING

from onfit import _doors
from onfit.errors import refusal_of_names
from onfit.layers.activation.rectified import ELU, LeakyReLU, PReLU, ReLU, Softmax, ThresholdedReLU
from onfit.layers.around.bidirectional import Bidirectional
from onfit.layers.around.serial import deserialize, get, serialize
from onfit.layers.around.wrapper import TimeDistributed, Wrapper
from onfit.layers.attention.einsum_dense import EinsumDense
from onfit.layers.attention.multi_head import MultiHeadAttention
from onfit.layers.attention.plain import AdditiveAttention, Attention
from onfit.layers.convolution.depthwise import (
    DepthwiseConv1D,
    DepthwiseConv2D,
    SeparableConv1D,
    SeparableConv2D,
)
from onfit.layers.convolution.transposed import Conv1DTranspose, Conv2DTranspose
from onfit.layers.convolutional import Conv1D, Conv2D, Convolution1D, Convolution2D
from onfit.layers.core import Activation, Dense, Dropout, Flatten, TorchModule
from onfit.layers.embeddings import Embedding
from onfit.layers.functions import AddLoss, Identity, Lambda, Reshape
from onfit.layers.graph import Input
from onfit.layers.gru import GRU
from onfit.layers.inputs import InputLayer
from onfit.layers.layer import Layer
from onfit.layers.lstm import LSTM
from onfit.layers.masking.skipped import Masking
from onfit.layers.merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    dot,
    maximum,
    minimum,
    multiply,
    subtract,
)
from onfit.layers.normalization import BatchNormalization, LayerNormalization
from onfit.layers.normalizing.by_length import RMSNormalization, UnitNormalization
from onfit.layers.normalizing.groups import GroupNormalization
from onfit.layers.pooling import (
    AveragePooling1D,
    AveragePooling2D,
    AvgPool1D,
    AvgPool2D,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAvgPool1D,
    GlobalAvgPool2D,
    GlobalMaxPool1D,
    GlobalMaxPool2D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    MaxPool1D,
    MaxPool2D,
    MaxPooling1D,
    MaxPooling2D,
)
from onfit.layers.regularization.noise import (
    ActivityRegularization,
    AlphaDropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
)
from onfit.layers.reshaping.margins import Cropping1D, Cropping2D, ZeroPadding1D, ZeroPadding2D
from onfit.layers.reshaping.moving import (
    Permute,
    RepeatVector,
    Rescaling,
    UpSampling1D,
    UpSampling2D,
)
from onfit.layers.rnn.cells import GRUCell, LSTMCell, SimpleRNNCell
from onfit.layers.rnn.simple import SimpleRNN
from onfit.layers.rnn.stacked import StackedRNNCells
from onfit.layers.rnn.walk import RNN
from onfit.layers.volumes.convolutions import (
    Conv3D,
    Conv3DTranspose,
    Convolution3D,
    Convolution3DTranspose,
    Deconvolution3D,
)
from onfit.layers.volumes.moving import Cropping3D, SpatialDropout3D, UpSampling3D, ZeroPadding3D
from onfit.layers.volumes.pooling import (
    AveragePooling3D,
    AvgPool3D,
    GlobalAveragePooling3D,
    GlobalAvgPool3D,
    GlobalMaxPool3D,
    GlobalMaxPooling3D,
    MaxPool3D,
    MaxPooling3D,
)

__all__ = [
    "ELU",
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "ActivityRegularization",
    "Add",
    "AddLoss",
    "AdditiveAttention",
    "AlphaDropout",
    "Attention",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "AvgPool1D",
    "AvgPool2D",
    "AvgPool3D",
    "BatchNormalization",
    "Bidirectional",
    "Concatenate",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "Convolution1D",
    "Convolution1DTranspose",
    "Convolution2D",
    "Convolution2DTranspose",
    "Convolution3D",
    "Convolution3DTranspose",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "Deconvolution1D",
    "Deconvolution2D",
    "Deconvolution3D",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Dot",
    "Dropout",
    "EinsumDense",
    "Embedding",
    "Flatten",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalAvgPool3D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPool3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "GroupNormalization",
    "Identity",
    "Input",
    "InputLayer",
    "LSTMCell",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Maximum",
    "Minimum",
    "MultiHeadAttention",
    "Multiply",
    "PReLU",
    "Permute",
    "RMSNormalization",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "SeparableConv1D",
    "SeparableConv2D",
    "SeparableConvolution1D",
    "SeparableConvolution2D",
    "SimpleRNN",
    "SimpleRNNCell",
    "Softmax",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "StackedRNNCells",
    "Subtract",
    "ThresholdedReLU",
    "TimeDistributed",
    "TorchModule",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "Wrapper",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
    "add",
    "average",
    "concatenate",
    "deserialize",
    "dot",
    "get",
    "maximum",
    "minimum",
    "multiply",
    "serialize",
    "subtract",
]

# Keras' other names of them.
Convolution1DTranspose = Deconvolution1D = Conv1DTranspose
Convolution2DTranspose = Deconvolution2D = Conv2DTranspose
SeparableConvolution1D, SeparableConvolution2D = SeparableConv1D, SeparableConv2D

# What to write for names of torch.nn that no name here resembles.
_INSTEAD_OF_TORCHS = {
    "Linear": "Dense",
    "LazyLinear": "Dense",
    **dict.fromkeys(("BatchNorm1d", "BatchNorm2d", "BatchNorm3d"), "BatchNormalization"),
    "LayerNorm": "LayerNormalization",
    **{name: f'Activation("{name.lower()}")' for name in ("Sigmoid", "Tanh")},
}

if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others
    __getattr__ = refusal_of_names(__name__, __all__, _INSTEAD_OF_TORCHS)

# Keras 2's modules of layers. A script that imports a layer from one of them finds it here.
_doors.open_old_modules(
    __name__,
    [
        "advanced_activations",
        "convolutional",
        "core",
        "embeddings",
        "local",
        "merge",
        "noise",
        "normalization",
        "pooling",
        "recurrent",
        "wrappers",
    ],
)
