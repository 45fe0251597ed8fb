"""onfit's `fit`."""

from functools import partial

import onfit
import onfit.callbacks
import onfit.layers
import onfit.optimizers
from bench.contenders import keras_style

train = partial(keras_style.train, onfit)
