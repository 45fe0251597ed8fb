"""Layers by Keras' names, over torch."""

from onfit.layers.core import Activation, Dense, Dropout, Flatten, TorchModule
from onfit.layers.graph import Input
from onfit.layers.layer import Layer

__all__ = ["Activation", "Dense", "Dropout", "Flatten", "Input", "Layer", "TorchModule"]
