"""Layers by Keras' names, over torch."""

from typing import TYPE_CHECKING

from onfit.errors import refusal_of_names
from onfit.layers.convolutional import Conv1D, Conv2D, Convolution1D, Convolution2D
from onfit.layers.core import Activation, Dense, Dropout, Flatten, TorchModule
from onfit.layers.embeddings import Embedding
from onfit.layers.functions import Lambda, Reshape
from onfit.layers.graph import Input
from onfit.layers.gru import GRU
from onfit.layers.inputs import InputLayer
from onfit.layers.layer import Layer
from onfit.layers.lstm import LSTM
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

__all__ = [
    "GRU",
    "LSTM",
    "Activation",
    "Add",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "AvgPool1D",
    "AvgPool2D",
    "BatchNormalization",
    "Concatenate",
    "Conv1D",
    "Conv2D",
    "Convolution1D",
    "Convolution2D",
    "Dense",
    "Dot",
    "Dropout",
    "Embedding",
    "Flatten",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "Input",
    "InputLayer",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPooling1D",
    "MaxPooling2D",
    "Maximum",
    "Minimum",
    "Multiply",
    "Reshape",
    "Subtract",
    "TorchModule",
    "add",
    "average",
    "concatenate",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "subtract",
]

# What to write for names of torch.nn that no name here resembles.
_INSTEAD_OF_TORCHS = {
    "Linear": "Dense",
    "LazyLinear": "Dense",
    **dict.fromkeys(("BatchNorm1d", "BatchNorm2d", "BatchNorm3d"), "BatchNormalization"),
    "LayerNorm": "LayerNormalization",
    **{name: f'Activation("{name.lower()}")' for name in ("ReLU", "Sigmoid", "Softmax", "Tanh")},
}

if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others
    __getattr__ = refusal_of_names(__name__, __all__, _INSTEAD_OF_TORCHS)
