"""The models that users hold: `Model`, `Sequential`, functional models, wrapped torch modules."""

from onfit.engine.model.functional import Functional
from onfit.engine.model.model import Model
from onfit.engine.model.wrapped import Wrapped

Model.kinds = (Wrapped, Functional)
