"""The first values of weights, by Keras' names. They are drawn from torch's global generator."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch import Tensor

from onfit.configured import Catalog, serialized
from onfit.errors import refusal_of_names
from onfit.initializers.initializer import (
    Constant,
    Identity,
    Initializer,
    InitializerLike,
    Ones,
    Zeros,
)
from onfit.initializers.random import (
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
)
from onfit.initializers.scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
)

__all__ = [
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "deserialize",
    "get",
    "serialize",
]

# Keras' lower-case spelling, which is called like a class.
zeros = zero = Zeros
ones = one = Ones
constant = Constant
random_normal = normal = RandomNormal
random_uniform = uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
glorot_uniform, glorot_normal = GlorotUniform, GlorotNormal
he_uniform, he_normal = HeUniform, HeNormal
lecun_uniform, lecun_normal = LecunUniform, LecunNormal
orthogonal = OrthogonalInitializer = Orthogonal
identity = IdentityInitializer = Identity

_CATALOG = Catalog(
    "initializer", Initializer, "a shape",
    {
        "zeros": Zeros, "zero": Zeros, "ones": Ones, "one": Ones, "constant": Constant,
        "random_normal": RandomNormal, "normal": RandomNormal,
        "random_uniform": RandomUniform, "uniform": RandomUniform,
        "truncated_normal": TruncatedNormal, "variance_scaling": VarianceScaling,
        "glorot_uniform": GlorotUniform, "glorot_normal": GlorotNormal,
        "he_uniform": HeUniform, "he_normal": HeNormal,
        "lecun_uniform": LecunUniform, "lecun_normal": LecunNormal,
        "orthogonal": Orthogonal, "identity": Identity,
    },
)  # fmt: skip


def get(identifier: InitializerLike) -> Callable[..., Tensor]:
    """The initializer of that name, snake_case or CamelCase; any callable is returned as it is.

    Args:
        identifier: a name, a class, a callable of a shape, an array of first values, or what
            `serialize` returned.

    Raises:
        ArgumentError: for an unknown name.

    >>> get("uniform").get_config()["maxval"]
    0.05
    """
    if hasattr(identifier, "shape"):
        first: Any = identifier
        return Constant(first)
    found: Callable[..., Tensor] = _CATALOG.get(identifier)
    return found


from_config = _CATALOG.from_config
deserialize = get
serialize = serialized


if not TYPE_CHECKING:  # whose reader knows the names from above, and should miss all others
    __getattr__ = refusal_of_names(__name__, [*_CATALOG, "get", "serialize", "deserialize"])
