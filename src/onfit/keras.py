"""Names for scripts that use Keras as a part of TensorFlow.

    import onfit as tf
    from onfit import keras

Then `keras.layers.Dense`, `tf.keras.callbacks`, `tf.nn.relu` and `tf.math.exp` are found.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from onfit import (
    activations,
    backend,
    callbacks,
    constraints,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
    utils,
)
from onfit import activations as nn
from onfit.errors import refusal_of_names
from onfit.layers import Input
from onfit.models import Model, Sequential

__all__ = [
    "Input",
    "Model",
    "Sequential",
    "activations",
    "backend",
    "callbacks",
    "constraints",
    "datasets",
    "initializers",
    "layers",
    "losses",
    "math",
    "metrics",
    "models",
    "nn",
    "optimizers",
    "regularizers",
    "utils",
]


def _of_numbers_too(function: Callable[[Tensor], Tensor]) -> Callable[[Any], Tensor]:
    """A torch function, which takes tensors only, made to take plain numbers too."""
    return lambda x: function(torch.as_tensor(x))


# The functions that learning rate schedules use.
math = SimpleNamespace(
    cos=_of_numbers_too(torch.cos),
    exp=_of_numbers_too(torch.exp),
    log=_of_numbers_too(torch.log),
    pow=lambda x, y: torch.pow(torch.as_tensor(x), y),
    sqrt=_of_numbers_too(torch.sqrt),
)


if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others
    __getattr__ = refusal_of_names(__name__, __all__)
