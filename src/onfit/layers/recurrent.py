"""The base class of LSTM and GRU: a layer that walks along a sequence and keeps a state."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from onfit import activations
from onfit._types import Identifier
from onfit.errors import ShapeError
from onfit.layers.activated import as_weight
from onfit.layers.arguments import NotHere
from onfit.layers.checks import require_rank, require_size
from onfit.layers.masking.walking import kept_where_masked, walked_by_kernel
from onfit.layers.rnn.gated import Gated, States
from onfit.layers.rnn.walker import Walker
from onfit.layers.shapes import Shape


class Recurrent(Walker, Gated):
    """A layer that walks along a sequence, from step to step.

    torch's kernels compute the walk if they support all options in use; otherwise a loop does.
    """

    of_keras_alone: ClassVar[Mapping[str, NotHere]] = {
        **Walker.of_keras_alone,
        "use_cudnn": NotHere(None),
        "implementation": NotHere(None),
    }

    def __init__(
        self,
        units: int,
        activation: Identifier | None,
        recurrent_activation: Identifier | None,
        use_bias: bool,
        *,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        zero_output_for_mask: bool = False,
        **gated: Any,
    ) -> None:
        super().__init__(units, activation, recurrent_activation, use_bias, **gated)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.zero_output_for_mask = zero_output_for_mask

    def build(self, input_shape: Shape) -> None:
        require_rank(self, input_shape, ("batch", "steps", "features"))
        super().build(input_shape)

    # --- computing -----------------------------------------------------------------------

    def forward(self, x: Tensor, initial_state: Any = None, mask: Tensor | None = None) -> Any:
        """Walk along `x`.

        Args:
            x: sequences, of shape (batch, steps, features).
            initial_state: the state to begin with: a tensor or a list of them, as
                `return_state` returns; zeros if None.
            mask: True for each step that counts, of shape (batch, steps). At others the states
                stay as they are, and the output is the last one (0 with `zero_output_for_mask`).
        """
        require_rank(self, x.shape, ("batch", "steps", "features"))
        require_size(self, x.shape, -1, self.kernel.shape[0], "features")
        x = as_weight(x, self.kernel)
        states = self._begin(x, initial_state)
        if self.dropout and self.training:
            x = x * self._mask(x[:, :1], self.dropout)
        if self.go_backwards:
            x = x.flip(1)
        if mask is not None:
            outputs, states = self._skipped(x, states, mask)
            output = outputs if self.return_sequences else outputs[:, -1]
        else:
            outputs, states = self._walked(x, states)
            output = outputs if self.return_sequences else states[0]
        return (output, *states) if self.return_state else output

    def _begin(self, x: Tensor, given: Any) -> States:
        if given is None:
            return [x.new_zeros(len(x), self.units)] * self.states
        states = [given] if isinstance(given, Tensor) else list(given)
        shapes = [tuple(state.shape) for state in states]
        if shapes != [(len(x), self.units)] * self.states:
            raise ShapeError(
                f"{self.described} begins with {self.states} states of shape (batch, "
                f"{self.units}); got initial_state of shapes {shapes} for a batch of {len(x)}."
            )
        return [as_weight(state, x) for state in states]

    def _walked(self, x: Tensor, states: States) -> tuple[Tensor, States]:
        if x.is_meta:  # only shapes are wanted, and those of every step are the same
            outputs, states = self._by_loop(x[:, :1], states)
            return outputs.expand(-1, x.shape[1], -1), states
        return (self._by_kernel if self._kernel_can else self._by_loop)(x, states)

    def _skipped(self, x: Tensor, states: States, mask: Tensor) -> tuple[Tensor, States]:
        """A walk that skips the steps that do not count."""
        if x.is_meta:
            return self._walked(x, states)
        mask = mask.bool().reshape(mask.shape[:2])
        counts = mask.flip(1) if self.go_backwards else mask
        if self._kernel_can:
            outputs, states = walked_by_kernel(self._by_kernel, x, states, counts)
        else:
            outputs, states = self._by_loop(x, states, counts)
        return outputs * counts[..., None] if self.zero_output_for_mask else outputs, states

    @property
    def _number_of_states(self) -> int:
        return self.states

    @property
    def _kernel_can(self) -> bool:
        """Whether torch's kernel supports all options in use."""
        masks = self.training and self.recurrent_dropout > 0
        gates = self.activation, self.recurrent_activation
        return gates == (activations.tanh, activations.sigmoid) and not masks

    def _by_kernel(self, x: Any, states: States) -> tuple[Tensor, States]:
        raise NotImplementedError

    def _by_loop(
        self, x: Tensor, states: States, counts: Tensor | None = None
    ) -> tuple[Tensor, States]:
        dropped = None
        if self.recurrent_dropout and self.training:
            dropped = self._mask(states[0], self.recurrent_dropout)
        outputs = [torch.zeros_like(states[0])]
        for index, step in enumerate(self._projected(x).unbind(1)):
            seen = states[0] if dropped is None else states[0] * dropped
            new = self._step(step, seen, states)
            output = new[0]
            if counts is not None:
                here = counts[:, index, None]
                new = kept_where_masked(new, states, here)
                output = torch.where(here, output, outputs[-1])
            states = new
            outputs.append(output)
        return torch.stack(outputs[1:], 1), states


def through(kernel: Callable[..., Any], x: Any, states: Any, weights: list[Tensor]) -> Any:
    """What a kernel of torch's gives for sequences, or for a `PackedSequence` of them."""
    weights = _in_one_piece(weights) if x.is_cuda else weights
    # After the weights: whether there are biases, the number of layers, their dropout, training
    # (whether a backward pass may follow), two directions or one, and whether the batch is first.
    options = weights, len(weights) == 4, 1, 0.0, torch.is_grad_enabled(), False
    if isinstance(x, PackedSequence):
        return kernel(x.data, x.batch_sizes, states, *options)
    return kernel(x, states, *options, True)


def _in_one_piece(weights: list[Tensor]) -> list[Tensor]:
    """Copies of the weights in one block of memory, which cuDNN needs."""
    piece = torch.cat([weight.reshape(-1) for weight in weights])
    sizes = [weight.numel() for weight in weights]
    parts = torch.split_with_sizes(piece, sizes)
    return [part.view_as(like) for part, like in zip(parts, weights, strict=True)]
