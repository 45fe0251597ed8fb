"""What a layer that walks along a sequence gives of the walk."""

from collections.abc import Mapping
from typing import Any, ClassVar

from onfit.layers.arguments import NotHere
from onfit.layers.layer import Layer


class Walker(Layer):
    """A layer that walks along a sequence, and gives the outputs and states that are asked for.

    A subclass sets the four options, and says how many states there are.
    """

    supports_masking = True
    walks_sequences = True
    of_keras_alone: ClassVar[Mapping[str, NotHere]] = {
        "unroll": NotHere(None),
        "stateful": NotHere(
            "Carry the state: return_state=True, and layer(x, initial_state=[...]) in your loop.",
            (False,),
        ),
        "time_major": NotHere("Give inputs of shape (batch, steps, features).", (False,)),
    }

    return_sequences: bool
    return_state: bool
    go_backwards: bool
    zero_output_for_mask: bool

    @property
    def _number_of_states(self) -> int:
        raise NotImplementedError

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """The mask, if there is an output for each step; states have none."""
        mask = mask[0] if isinstance(mask, (list, tuple)) else mask
        of_output = mask if self.return_sequences else None
        return [of_output, *[None] * self._number_of_states] if self.return_state else of_output

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "zero_output_for_mask": self.zero_output_for_mask,
        }
