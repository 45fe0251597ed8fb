"""Training callbacks for every training loop, and a Keras-style `fit` on PyTorch.

Each module is imported at its first use, so `import onfit` costs nothing:

    import onfit as keras

    model = keras.Sequential([...])                          torch is loaded here
    keras.callbacks.EarlyStopping(patience=3)                and never here
"""

import importlib
from typing import TYPE_CHECKING, Any

from onfit.errors import MissingPackageError, refusal_of_names

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
        models,
        optimizers,
        regularizers,
        utils,
    )
    from onfit.core import Run, Session
    from onfit.keras import math as math
    from onfit.keras import nn as nn
    from onfit.layers import Input
    from onfit.models import Model, Sequential, load_model

    __version__: str

__all__ = [
    "Input",
    "Model",
    "Run",
    "Sequential",
    "Session",
    "__version__",
    "activations",
    "backend",
    "callbacks",
    "constraints",
    "datasets",
    "errors",
    "initializers",
    "keras",
    "layers",
    "load_model",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "regularizers",
    "utils",
]

# The names that are not modules of their own, and the module that each is in.
_HOMES = {
    "Input": "onfit.layers",
    "Model": "onfit.engine.model.model",
    "Run": "onfit.core",
    "Session": "onfit.core",
    "Sequential": "onfit.engine.model.sequential",
    "load_model": "onfit.saving.load",
    "math": "onfit.keras",
    "nn": "onfit.keras",
}


if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others

    def __getattr__(name: str) -> Any:
        if name not in __all__ and name not in _HOMES:
            refusal_of_names(__name__, __all__)(name)
        value = globals()[name] = _version() if name == "__version__" else _load(name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _load(name: str) -> Any:
    home = _HOMES.get(name)
    try:
        if home is None:
            return importlib.import_module(f"onfit.{name}")
        return getattr(importlib.import_module(home), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "torch":
            raise
        raise MissingPackageError(
            f"onfit.{name} is built on torch, which is not installed. "
            'Install it with: pip install "onfit[torch]"',
            name="torch",
        ) from error


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("onfit")
    except PackageNotFoundError:  # onfit runs from its source folder and was never installed
        return "0+unknown"
