"""A training batch as callbacks see it."""

from typing import Any, NamedTuple


class BatchSeen(NamedTuple):
    """A training batch as callbacks see it in `run.batch`.

    Attributes:
        x: inputs: a tensor, or a tuple or dict of them.
        y: targets, likewise; None if there are none.
        sample_weight: weights, likewise; None if there are none.
        outputs: the outputs of the model, likewise; None before the batch went through it.
    """

    x: Any
    y: Any = None
    sample_weight: Any = None
    outputs: Any = None
