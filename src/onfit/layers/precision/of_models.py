"""In which types a model computes: as it was made, or as `compile` asks."""

from typing import Any

import torch

from onfit.errors import ArgumentError
from onfit.layers.precision.typed import Typed
from onfit.policies import DTypePolicy, policy_of

FLOAT16 = DTypePolicy("mixed_float16")


class Precise(Typed):
    """A model that has a policy, and may get another one by `compile`.

    Attributes:
        policy_before_compile: its policy without `compile(mixed_precision=)`.
    """

    policy_before_compile: DTypePolicy | None = None

    def compute_in(self, policy: DTypePolicy | None) -> None:
        self.policy_before_compile = policy
        super().compute_in(policy)

    def compute_for_now_in(self, policy: DTypePolicy | None) -> None:
        """Compute in the types of a policy until the next `compile`."""
        super().compute_in(policy)


def precision_asked_for(asked: Any) -> DTypePolicy | None:
    """The policy of `compile(mixed_precision=)`; None if nothing is asked for.

    Raises:
        ArgumentError: for a policy that changes the type of the weights.
    """
    if asked is None:
        return None
    try:
        policy = policy_of(asked)
    except ArgumentError as error:
        raise ArgumentError(
            f"compile(mixed_precision={asked!r}): there is no such policy. Write 'mixed_bfloat16', "
            "'mixed_float16' or 'float32'."
        ) from error
    if policy.variable is not torch.float32:
        raise ArgumentError(
            f"compile(mixed_precision={asked!r}): weights stay float32 in mixed precision, and "
            f"{policy.name!r} is for both weights and arithmetic. Write 'mixed_bfloat16', "
            "'mixed_float16' or 'float32'; or pass dtype= to the layers when they are made."
        )
    return policy
