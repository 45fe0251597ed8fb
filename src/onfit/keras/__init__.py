"""Keras' names, for scripts that import `keras`, or use it as a part of TensorFlow.

    from onfit import keras                     keras.layers.Dense
    import onfit.keras as keras                 keras.Sequential
    from onfit.keras.layers import Dense        the module is onfit.layers itself
    import onfit as tf                          tf.keras, tf.nn.relu, tf.math.exp

Each module is imported at its first use. Python never opens the other files of this folder, since
`_doors` gives it the modules that are meant; editors and type checkers do.
"""

from typing import TYPE_CHECKING, Any

from onfit._doors import lazily
from onfit.errors import refusal_of_names

if TYPE_CHECKING:
    from onfit import __version__ as __version__
    from onfit import activations as nn
    from onfit import math
    from onfit import mixed_precision as dtype_policies
    from onfit.initializers import Initializer
    from onfit.keras import (
        activations,
        backend,
        callbacks,
        constraints,
        datasets,
        initializers,
        layers,
        losses,
        metrics,
        mixed_precision,
        models,
        ops,
        optimizers,
        preprocessing,
        random,
        regularizers,
        saving,
        utils,
    )
    from onfit.layers import Input, Layer
    from onfit.losses import Loss
    from onfit.metrics import Metric
    from onfit.models import Model, Sequential
    from onfit.optimizers import Optimizer
    from onfit.policies import DTypePolicy
    from onfit.regularizers import Regularizer

__all__ = [
    "DTypePolicy",
    "Initializer",
    "Input",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "activations",
    "backend",
    "callbacks",
    "constraints",
    "datasets",
    "dtype_policies",
    "initializers",
    "layers",
    "losses",
    "math",
    "metrics",
    "mixed_precision",
    "models",
    "nn",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "saving",
    "utils",
]

# The names that are not modules of their own, and the module that each is in.
_HOMES = {
    "DTypePolicy": "onfit.policies",
    "Initializer": "onfit.initializers",
    "Input": "onfit.layers",
    "Layer": "onfit.layers",
    "Loss": "onfit.losses",
    "Metric": "onfit.metrics",
    "Model": "onfit.models",
    "Optimizer": "onfit.optimizers",
    "Regularizer": "onfit.regularizers",
    "Sequential": "onfit.models",
    "__version__": "onfit",
}

_load = lazily(__name__, _HOMES)


if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others

    def __getattr__(name: str) -> Any:
        if name not in __all__ and name not in _HOMES:
            refusal_of_names(__name__, __all__)(name)
        value = globals()[name] = _load(name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
