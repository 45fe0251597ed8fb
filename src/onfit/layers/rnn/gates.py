"""What the gates of each kind of recurrent layer compute in a step."""

from typing import Any

from torch import Tensor

from onfit._types import Identifier
from onfit.layers.rnn.gated import Gated, States


class SimpleGates(Gated):
    """One block of weights, and no gate."""

    gates = 1
    states = 1

    def __init__(
        self,
        units: int,
        activation: Identifier | None = "tanh",
        use_bias: bool = True,
        **recurrent: Any,
    ) -> None:
        super().__init__(units, activation, None, use_bias, **recurrent)

    def _step(self, x: Tensor, seen: Tensor, states: States) -> States:
        return [self.activation(x + seen @ self.recurrent_kernel)]

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["recurrent_activation"]
        return config


class LSTMGates(Gated):
    """The gates of an LSTM: input, forget, values, output."""

    gates = 4
    states = 2

    def __init__(
        self,
        units: int,
        activation: Identifier | None = "tanh",
        recurrent_activation: Identifier | None = "sigmoid",
        use_bias: bool = True,
        *,
        unit_forget_bias: bool = True,
        **recurrent: Any,
    ) -> None:
        super().__init__(units, activation, recurrent_activation, use_bias, **recurrent)
        self.unit_forget_bias = unit_forget_bias

    def _first_bias(self, shape: tuple[int, ...]) -> Tensor:
        bias = self.bias_initializer(shape)
        if self.unit_forget_bias:
            bias[self.units : 2 * self.units] = 1.0
        return bias

    def _step(self, x: Tensor, seen: Tensor, states: States) -> States:
        gates = x + seen @ self.recurrent_kernel
        write, keep, value, show = gates.chunk(self.gates, -1)
        gate, squash = self.recurrent_activation, self.activation
        memory = gate(keep) * states[1] + gate(write) * squash(value)
        return [gate(show) * squash(memory), memory]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "unit_forget_bias": self.unit_forget_bias}


class GRUGates(Gated):
    """The gates of a GRU: update, reset, values."""

    gates = 3
    states = 1

    def __init__(
        self,
        units: int,
        activation: Identifier | None = "tanh",
        recurrent_activation: Identifier | None = "sigmoid",
        use_bias: bool = True,
        *,
        reset_after: bool = True,
        **recurrent: Any,
    ) -> None:
        super().__init__(units, activation, recurrent_activation, use_bias, **recurrent)
        self.reset_after = reset_after

    @property
    def _bias_shape(self) -> tuple[int, ...]:
        width = self.gates * self.units
        return (2, width) if self.reset_after else (width,)

    def _projected(self, x: Tensor) -> Tensor:
        if self.bias is None:
            return x @ self.kernel
        return x @ self.kernel + (self.bias[0] if self.reset_after else self.bias)

    def _step(self, x: Tensor, seen: Tensor, states: States) -> States:
        gate, squash, kernel = self.recurrent_activation, self.activation, self.recurrent_kernel
        x_update, x_reset, x_value = x.chunk(self.gates, -1)
        if self.reset_after:
            past = seen @ kernel if self.bias is None else seen @ kernel + self.bias[1]
            update, reset, value = past.chunk(self.gates, -1)
            value = gate(x_reset + reset) * value
        else:
            update, reset = (seen @ kernel[:, : 2 * self.units]).chunk(2, -1)
            value = (gate(x_reset + reset) * seen) @ kernel[:, 2 * self.units :]
        kept = gate(x_update + update)
        return [kept * states[0] + (1 - kept) * squash(x_value + value)]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "reset_after": self.reset_after}
