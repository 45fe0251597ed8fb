"""Training callbacks for every training loop, and a Keras-style `fit` on PyTorch.

Each module is imported at its first use, so `import onfit` costs nothing:

    import onfit as keras

    model = keras.Sequential([...])                          torch is loaded here
    keras.callbacks.EarlyStopping(patience=3)                and never here
"""

from typing import TYPE_CHECKING, Any

from onfit import _doors
from onfit.errors import refusal_of_names

if TYPE_CHECKING:
    from onfit import (
        activations,
        backend,
        callbacks,
        constraints,
        datasets,
        errors,
        initializers,
        keras,
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
    from onfit import math as math
    from onfit import mixed_precision as dtype_policies
    from onfit import nn as nn
    from onfit.core import Run, Session
    from onfit.initializers import Initializer
    from onfit.layers import Input, Layer
    from onfit.losses import Loss
    from onfit.metrics import Metric
    from onfit.models import Model, Sequential, load_model
    from onfit.optimizers import Optimizer
    from onfit.policies import DTypePolicy
    from onfit.regularizers import Regularizer
    from onfit.replaying.replay import replay

    __version__: str

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
    "Run",
    "Sequential",
    "Session",
    "__version__",
    "activations",
    "backend",
    "callbacks",
    "constraints",
    "datasets",
    "dtype_policies",
    "errors",
    "initializers",
    "keras",
    "layers",
    "load_model",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "ops",
    "optimizers",
    "preprocessing",
    "random",
    "regularizers",
    "replay",
    "saving",
    "utils",
]

# The names that are not modules of their own, and the module that each is in.
_HOMES = {
    "DTypePolicy": "onfit.policies",
    "Regularizer": "onfit.regularizers",
    "Optimizer": "onfit.optimizers",
    "Metric": "onfit.metrics",
    "Loss": "onfit.losses",
    "Layer": "onfit.layers",
    "Initializer": "onfit.initializers",
    "Input": "onfit.layers",
    "Model": "onfit.engine.model.model",
    "Run": "onfit.core",
    "Session": "onfit.core",
    "Sequential": "onfit.engine.model.sequential",
    "load_model": "onfit.saving.load",
    "replay": "onfit.replaying",
}
# Modules of TensorFlow's, for `import onfit as tf`.
_OF_TENSORFLOW = ("math", "nn")

_doors.install()
_load = _doors.lazily(__name__, _HOMES)


if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others

    def __getattr__(name: str) -> Any:
        if name not in __all__ and name not in _OF_TENSORFLOW:
            refusal_of_names(__name__, __all__)(name)
        value = globals()[name] = _version() if name == "__version__" else _load(name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("onfit")
    except PackageNotFoundError:  # onfit runs from its source folder and was never installed
        return "0+unknown"
