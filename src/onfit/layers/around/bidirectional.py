"""Bidirectional: a layer of sequences that walks in both directions."""

from typing import Any

import torch
from torch import Tensor

from onfit.errors import ArgumentError, ArgumentTypeError
from onfit.layers.around.serial import serialize
from onfit.layers.around.wrapper import Around, Wrapper
from onfit.layers.shapes import Shape

MERGE_MODES = ("concat", "sum", "ave", "mul", None)


class Bidirectional(Wrapper):
    """Walks along sequences in both directions.

    Args:
        layer: a layer such as `LSTM(16)`, of which two are made: one for each direction.
        merge_mode: how their outputs come together: `"concat"`, `"sum"`, `"ave"`, `"mul"`; None to
            return both.
        weights: arrays, the first values of both, those of the forward layer first.
        backward_layer: a layer for the way back, which has `go_backwards=True`; by default like
            `layer`.
        **options: arguments of every layer.

    With `return_state` the states of both follow the output. With `return_sequences`, the output of
    a step that a mask leaves out is 0.

    Example:
        >>> from onfit.layers import LSTM
        >>> Bidirectional(LSTM(3))(torch.zeros(2, 10, 4)).shape
        torch.Size([2, 6])
    """

    layer_options = ("layer", "backward_layer")
    walks_sequences = True

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **options: Any,
    ) -> None:
        if merge_mode not in MERGE_MODES:
            raise ArgumentError(
                f"Bidirectional(merge_mode={merge_mode!r}): it is one of {MERGE_MODES}."
            )
        if not hasattr(layer, "go_backwards"):
            raise ArgumentTypeError(
                f"Bidirectional(layer={layer!r}) takes a layer that walks along sequences, such as "
                "LSTM(16)."
            )
        super().__init__(layer, weights=weights, **options)
        self.merge_mode = merge_mode
        self.has_own_way_back = backward_layer is not None
        del self.layer  # two of its kind take its place
        self.forward_layer = _directed(layer, "forward", layer.go_backwards)
        back = _directed(layer, "backward", not layer.go_backwards)
        self.backward_layer = backward_layer if self.has_own_way_back else back
        self._check_both()
        for each in (self.forward_layer, self.backward_layer):
            each.zero_output_for_mask = each.return_sequences

    def _check_both(self) -> None:
        one, other = self.forward_layer, self.backward_layer
        for name in ("return_sequences", "return_state"):
            if getattr(one, name) != getattr(other, name):
                raise ArgumentError(
                    f"Bidirectional: {name} of layer is {getattr(one, name)}, and that of "
                    f"backward_layer {getattr(other, name)}. Give both the same."
                )
        if one.go_backwards == other.go_backwards:
            raise ArgumentError(
                "Bidirectional: layer and backward_layer walk in the same direction. Give one of "
                "them go_backwards=True."
            )

    @property
    def return_sequences(self) -> bool:
        """Whether there is an output for each step."""
        return bool(self.forward_layer.return_sequences)

    @property
    def return_state(self) -> bool:
        """Whether the states follow the output."""
        return bool(self.forward_layer.return_state)

    def build(self, input_shape: Shape) -> None:
        self.forward_layer.ensure_built(input_shape)
        self.backward_layer.ensure_built(input_shape)

    def forward(self, x: Tensor, initial_state: Any = None, mask: Tensor | None = None) -> Any:
        """Walk in both directions.

        Args:
            x: sequences, of shape (batch, steps, features).
            initial_state: the states of the forward layer, then those of the backward layer.
            mask: True for each step that counts.
        """
        states = [None, None]
        if initial_state is not None:
            half = len(initial_state) // 2
            states = [initial_state[:half], initial_state[half:]]
        there, back = (
            layer(x, **_given(initial_state=state, mask=mask))
            for layer, state in zip(self._both, states, strict=True)
        )
        if self.return_state:
            (there, *ends), (back, *others) = there, back
        output = self._merged(there, back.flip(1) if self.return_sequences else back)
        if not self.return_state:
            return output
        return (*output, *ends, *others) if self.merge_mode is None else (output, *ends, *others)

    @property
    def _both(self) -> tuple[Any, Any]:
        return self.forward_layer, self.backward_layer

    def _merged(self, there: Tensor, back: Tensor) -> Any:
        if self.merge_mode is None:
            return there, back
        if self.merge_mode == "concat":
            return torch.cat([there, back], -1)
        if self.merge_mode == "mul":
            return there * back
        return (there + back) / (2 if self.merge_mode == "ave" else 1)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask, where there is an output for each step; states have none."""
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        return [mask] * (2 if self.merge_mode is None else 1) if self.return_sequences else None

    @property
    def held_layers(self) -> dict[str, Any]:
        own = {"backward_layer": self.backward_layer} if self.has_own_way_back else {}
        return {"layer": self.forward_layer, **own}

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "merge_mode": self.merge_mode}


def _directed(layer: Any, direction: str, backwards: bool) -> Any:
    """A new layer of the same arguments, for one direction."""
    described = serialize(layer)
    base = layer.name or type(layer).__name__.lower()
    name = f"{direction}_{base.removeprefix('forward_').removeprefix('backward_')}"
    described["config"] |= {"name": name, "go_backwards": backwards}
    if isinstance(layer, Around):  # the layers within may be of a user's class: copies of them
        described["config"] |= layer.held_layers
    return type(layer).from_config(described["config"])


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}
