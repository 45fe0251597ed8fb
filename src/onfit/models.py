"""Models, under Keras' names: `from onfit.models import Sequential`."""

from onfit.engine.model.cloning import clone_model
from onfit.engine.model.model import Model
from onfit.engine.model.sequential import Sequential
from onfit.saving.load import load_model

__all__ = ["Model", "Sequential", "clone_model", "load_model"]
