"""Numbers that are assigned to the name of a weight: `layer.kernel = array`."""

from typing import Any

import torch
from torch import Tensor, nn

from onfit.assigning import is_set_by_onfit
from onfit.errors import ArgumentTypeError
from onfit.layers.weights.weight import numbers_of
from onfit.layers.wrappers import divided_like, reshard


def takes_values(owner: nn.Module, name: str, value: Any) -> bool:
    """Put numbers into a weight, if `name` is that of one, and `value` is no other weight.

    Args:
        owner: the layer or model.
        name: the attribute.
        value: an array of the weight's shape. A tensor takes the place of a buffer, as in torch.

    Returns:
        Whether it did.

    Raises:
        ArgumentTypeError: for None, for what holds no numbers, and for a tensor whose gradient
            would not reach what it was computed from.
        ShapeError: for another shape.

    Example:
        >>> from onfit.layers import Dense
        >>> layer = Dense(1, input_dim=2)
        >>> layer.build((None, 2))
        >>> takes_values(layer, "bias", [3.0])
        True
        >>> layer.bias.numpy()
        array([3.], dtype=float32)
    """
    parameter = vars(owner).get("_parameters", {}).get(name)
    weight = vars(owner).get("_buffers", {}).get(name) if parameter is None else parameter
    if weight is None or isinstance(value, nn.Parameter) or is_set_by_onfit():
        return False
    if parameter is None and isinstance(value, Tensor):
        return False
    if value is None or (isinstance(value, Tensor) and value.requires_grad):
        raise ArgumentTypeError(_not_numbers(owner, name, value))
    reshard(owner)  # a whole copy may be in the place of a piece
    weight = {**owner._buffers, **owner._parameters}[name]
    assert weight is not None  # it is there: see above
    with torch.no_grad():
        weight.copy_(divided_like(numbers_of(value, weight, name), weight))
    return True


def _not_numbers(owner: Any, name: str, value: Any) -> str:
    described = getattr(owner, "described", type(owner).__name__)
    what = "None" if value is None else "a tensor that was computed from others"
    return (
        f"{described}.{name} = ...: {name} is a weight, and {what} is none. Assign an array of its "
        "shape to give it other values; to compute with another tensor, use that in `call`."
    )
