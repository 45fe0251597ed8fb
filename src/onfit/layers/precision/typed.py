"""What layers and models know of their types."""

from typing import Any, ClassVar

import torch
from torch import nn

from onfit.dtypes import dtype_name
from onfit.policies import DTypePolicy, policy_of


class Typed(nn.Module):
    """A module that computes in the types of a policy, if it has one."""

    # Whether its computation takes a tensor and nothing else, and calls nothing that a user wrote.
    is_simple: bool = False
    # Whether it makes masks where its input has none.
    makes_masks: bool = False
    # Whether it computes in the types of its policy at all; may be set at any time.
    autocast: bool = True
    # Whether floats that come in get the type of its policy.
    casts_inputs: ClassVar[bool] = False
    # Whether its outputs get the type of its policy. What a user wrote says its types itself.
    casts_outputs: ClassVar[bool] = False
    # How often a policy was set in this process.
    changes: ClassVar[int] = 0
    # None for the type of its weights.
    _policy: DTypePolicy | None = None

    @property
    def dtype_policy(self) -> DTypePolicy:
        """In which type it computes, and in which it keeps its weights. It may be set at any time,
        to a policy or the name of one.
        """
        if self._policy is not None:
            return self._policy
        floats = (p.dtype for p in self.parameters() if p.is_floating_point())
        return DTypePolicy(dtype_name(next(floats, torch.get_default_dtype())))

    @dtype_policy.setter
    def dtype_policy(self, policy: Any) -> None:
        policy = policy_of(policy)
        self.compute_in(policy)
        self.to(policy.variable)

    def compute_in(self, policy: DTypePolicy | None) -> None:
        """Compute in the types of a policy from now on; None for the type of the weights."""
        Typed.changes += policy is not self._policy
        self._policy = policy
        self.is_simple = type(self).is_simple and policy is None and not self.makes_masks
