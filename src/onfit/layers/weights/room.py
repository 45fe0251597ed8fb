"""How many numbers the weights of new layers may have in all."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from onfit.errors import ShapeError


class _Room:
    def __init__(self, numbers: int) -> None:
        self.numbers = self.left = numbers


_room: ContextVar[_Room | None] = ContextVar("room", default=None)


@contextmanager
def weights_within(numbers: int) -> Iterator[None]:
    """A block in which layers make weights of so many numbers in all; one more is a ShapeError.

    >>> from onfit import Sequential, layers
    >>> with weights_within(10):  # doctest: +ELLIPSIS
    ...     Sequential([layers.Dense(3, input_dim=4)])
    Traceback (most recent call last):
    onfit.errors.ShapeError: ... 12 numbers, and 10 of 10 are left for it ...
    """
    token = _room.set(_Room(numbers))
    try:
        yield
    finally:
        _room.reset(token)


def take_room(numbers: int, owner: str) -> None:
    """Take the room for a weight, before it is made.

    Args:
        numbers: how many numbers it has.
        owner: the weight, for the error.

    Raises:
        ShapeError: if it is larger than what is left.
    """
    room = _room.get()
    if room is None:
        return
    if numbers > room.left:
        raise ShapeError(
            f"{owner} would have {numbers} numbers, and {room.left} of {room.numbers} are left for "
            "it among the weights that there are. Load weights and layers of the same model."
        )
    room.left -= numbers
