"""Computing in the types of a policy."""

from onfit.layers.precision.computing import HALVES, in_policy, preactivation_of, widened
from onfit.layers.precision.typed import Typed

__all__ = ["HALVES", "Typed", "in_policy", "preactivation_of", "widened"]
