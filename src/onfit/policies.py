"""Policies: in which type a layer computes, and in which it keeps its weights."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import torch

from onfit.dtypes import dtype_name, float_dtype, name_of
from onfit.errors import ArgumentError, did_you_mean

_MIXED = "mixed_"
_HALVES = {f"{_MIXED}bfloat16": torch.bfloat16, f"{_MIXED}float16": torch.float16}
_KNOWN = (*_HALVES, "float32", "bfloat16", "float16", "float64")


class DTypePolicy:
    """In which type a layer computes, and in which it keeps its weights.

    With `"mixed_bfloat16"` and `"mixed_float16"`, weights are float32 and most of the arithmetic
    takes place in the half type: a GPU multiplies matrices of it several times as fast. With
    the name of one type, both are of that type.

    Args:
        name: `"mixed_bfloat16"`, `"mixed_float16"`, `"float32"`, `"bfloat16"`, `"float16"` or
            `"float64"`.

    Attributes:
        name: its name.
        compute: the type of the arithmetic, as torch's.
        variable: the type of the weights, as torch's.

    Raises:
        ArgumentError: for another name.

    Example:
        >>> policy = DTypePolicy("mixed_bfloat16")
        >>> policy.compute_dtype, policy.variable_dtype
        ('bfloat16', 'float32')
    """

    def __init__(self, name: str) -> None:
        if name in _HALVES:
            self.compute, self.variable = _HALVES[name], torch.float32
        elif isinstance(name, str) and name.startswith(_MIXED):
            raise ArgumentError(
                f"the policy {name!r} is not known; write one of {', '.join(map(repr, _HALVES))}."
                f"{did_you_mean(name, _KNOWN)}"
            )
        else:
            self.compute = self.variable = float_dtype(name)
            name = dtype_name(self.compute)
        self.name = name

    @property
    def is_mixed(self) -> bool:
        """Whether it computes in another type than that of its weights."""
        return self.compute is not self.variable

    @property
    def compute_dtype(self) -> str:
        """The name of the type of the arithmetic."""
        return dtype_name(self.compute)

    @property
    def variable_dtype(self) -> str:
        """The name of the type of the weights."""
        return dtype_name(self.variable)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments for an equal policy."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A policy with these arguments."""
        return cls(config["name"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and self.name == other.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __repr__(self) -> str:
        return f"<DTypePolicy {self.name!r}>"


def policy_of(given: Any) -> DTypePolicy:
    """The policy of a name, a type of numpy or torch, a policy of Keras, or its configuration.

    Raises:
        ArgumentError: for anything else, and for types other than floats.
    """
    if isinstance(given, DTypePolicy):
        return given
    return DTypePolicy(name_of(given))


class _Chosen:
    """The policy that `set_global_policy` was given; None before."""

    policy: DTypePolicy | None = None


def global_policy() -> DTypePolicy:
    """The policy of new layers and models; by default that of `backend.floatx()`.

    Example:
        >>> global_policy()
        <DTypePolicy 'float32'>
    """
    return _Chosen.policy or DTypePolicy(dtype_name(torch.get_default_dtype()))


def set_global_policy(policy: Any) -> None:
    """Choose the policy of layers and models that are made from now on.

    Args:
        policy: a name such as `"mixed_bfloat16"`, or a `DTypePolicy`; None for the default.

    Raises:
        ArgumentError: for an unknown name.

    Example:
        >>> from onfit.layers import Dense
        >>> set_global_policy("mixed_bfloat16")
        >>> layer = Dense(3)
        >>> set_global_policy("float32")
        >>> layer.compute_dtype, layer.variable_dtype
        ('bfloat16', 'float32')
    """
    _Chosen.policy = None if policy is None else policy_of(policy)


def chosen_policy() -> DTypePolicy | None:
    """What `set_global_policy` was given; None for the default."""
    return _Chosen.policy


@contextmanager
def choosing(policy: DTypePolicy | None) -> Iterator[None]:
    """Choose a policy for what is made within the block."""
    before = _Chosen.policy
    _Chosen.policy = policy
    try:
        yield
    finally:
        _Chosen.policy = before


def policy_of_new() -> DTypePolicy | None:
    """The policy of a new layer or model; None if it computes in the type of its weights, and that
    is the usual one.
    """
    chosen = _Chosen.policy
    usual = torch.get_default_dtype()
    if chosen is None or chosen.compute is chosen.variable is usual:
        return None
    return chosen
