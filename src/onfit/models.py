"""Models, under Keras' names: `from onfit.models import Sequential`."""

from typing import TYPE_CHECKING, Any

from onfit._types import StrPath
from onfit.engine.model.cloning import clone_model
from onfit.engine.model.model import Model
from onfit.engine.model.sequential import Sequential
from onfit.errors import refusal_of_names
from onfit.saving.load import load_model
from onfit.saving.rebuild import model_from_json

__all__ = ["Model", "Sequential", "clone_model", "load_model", "model_from_json", "save_model"]


def save_model(
    model: Model,
    filepath: StrPath,
    overwrite: bool = True,
    include_optimizer: bool = True,
    **more: Any,
) -> None:
    """Write a whole model: `model.save(filepath, overwrite, include_optimizer, **more)`."""
    model.save(filepath, overwrite, include_optimizer, **more)


if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others
    __getattr__ = refusal_of_names(__name__, __all__)
