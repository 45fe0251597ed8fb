"""The weights of layers: what they are, and how they are made."""

from onfit.layers.weights.owner import WeightOwner, weights_with
from onfit.layers.weights.weight import Weight, as_plain_tensors

__all__ = ["Weight", "WeightOwner", "as_plain_tensors", "weights_with"]
