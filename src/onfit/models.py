"""Models, under the names Keras has for them: `from onfit.models import Sequential`."""

from onfit.engine.cloning import clone_model
from onfit.engine.model import Model
from onfit.engine.saving.load import load_model
from onfit.engine.sequential import Sequential

__all__ = ["Model", "Sequential", "clone_model", "load_model"]
