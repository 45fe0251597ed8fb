"""GroupNormalization: a layer that normalizes groups of channels, sample by sample."""

from typing import Any

import torch.nn.functional as F
from torch import Tensor

from onfit.errors import ShapeError
from onfit.layers.activated import as_weight
from onfit.layers.checks import known
from onfit.layers.normalization import ScaledAndShifted
from onfit.layers.shapes import Shape


class GroupNormalization(ScaledAndShifted):
    """Brings each group of channels of each sample to mean 0 and variance 1.

    Args:
        groups: how many groups there are; -1 for a group for each channel.
        axis: the axis of the channels.
        epsilon: added to the variance.
        center: whether to shift by `beta`.
        scale: whether to scale by `gamma`.
        beta_initializer: sets the first values of `beta`, of shape (channels,).
        gamma_initializer: sets the first values of `gamma`.
        beta_regularizer: penalty on `beta`.
        gamma_regularizer: penalty on `gamma`.
        beta_constraint: limit of `beta`.
        gamma_constraint: limit of `gamma`.
        **layer: arguments of every layer.

    Example:
        >>> import torch
        >>> GroupNormalization(groups=2)(torch.zeros(2, 5, 4)).shape
        torch.Size([2, 5, 4])
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **layer: Any,
    ) -> None:
        super().__init__(
            epsilon,
            center,
            scale,
            beta_initializer,
            gamma_initializer,
            beta_regularizer,
            gamma_regularizer,
            beta_constraint,
            gamma_constraint,
            **layer,
        )
        self.groups = groups
        self.axis = axis

    def build(self, input_shape: Shape) -> None:
        channels = known(self, input_shape, self.axis, "channels")
        if self.groups == -1:
            self.groups = channels
        if self.groups < 1 or channels % self.groups:
            raise ShapeError(
                f"{self.described}: {channels} channels cannot be cut into groups={self.groups} "
                "groups of one size. Give a number that divides them, or -1."
            )
        self.add_gamma_and_beta((channels,))

    def forward(self, x: Tensor) -> Tensor:
        weight = self.beta if self.gamma is None else self.gamma
        x = (x if weight is None else as_weight(x, weight)).movedim(self.axis, 1)
        if self.gamma is not None:
            found = F.group_norm(x, self.groups, self.gamma, self.beta, self.epsilon)
        else:  # torch's way back wants a weight beside a bias
            found = F.group_norm(x, self.groups, eps=self.epsilon)
            if self.beta is not None:
                found = found + self.beta.reshape(-1, *[1] * (x.ndim - 2))
        return found.movedim(1, self.axis)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "groups": self.groups, "axis": self.axis}
