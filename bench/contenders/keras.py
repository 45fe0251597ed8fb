"""Keras' `fit`, on the backend that KERAS_BACKEND names."""

from functools import partial

import keras

from bench.contenders import keras_style

train = partial(keras_style.train, keras)
