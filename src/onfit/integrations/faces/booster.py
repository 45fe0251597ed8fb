"""What callbacks see of a booster, whose training adds rounds to it."""

import re
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from onfit._types import StrPath
from onfit.core.faces import CanResume
from onfit.errors import ArgumentError, FileFormatError, StorageError
from onfit.storage.durable import replacing


class BoostedModel:
    """What callbacks see of a booster.

    Its weights are the number of its rounds, where a round changes no earlier one: to set them cuts
    off the rounds after it. Else they are the whole model, as bytes. What it lacks is looked up in
    the booster: `self.model.predict(data)` of a callback is the booster's.

    Args:
        booster: the booster that is trained.
        optimizer: has its `learning_rate`; None if it has none.
    """

    hints_for_callbacks: ClassVar[dict[type, str]] = {
        CanResume: "The rounds of a booster cannot be put back in mid-training: leave the callback "
        "out."
    }
    suffixes: tuple[str, ...]  # of the files that it writes
    only_adds: bool  # whether a round changes no earlier one

    def __init__(self, booster: Any, optimizer: Any) -> None:
        self.booster, self.optimizer = booster, optimizer
        self.stop_training = False

    def __getattr__(self, name: str) -> Any:
        if name == "booster":  # of a copy that is not filled yet
            raise AttributeError(name)
        return getattr(self.booster, name)

    @property
    def rounds(self) -> int:
        """How many rounds the model has."""
        raise NotImplementedError

    def as_bytes(self, suffix: str) -> bytes:
        """The content of a file with this suffix."""
        raise NotImplementedError

    def load(self, content: bytes) -> None:
        """Become the model of such a file."""
        raise NotImplementedError

    def cut(self, rounds: int) -> None:
        """Keep only the first `rounds` rounds."""
        raise NotImplementedError

    def check_that_it_can_load(self) -> None:
        """Raise a CapabilityError where the booster cannot become another model now."""

    def get_weights(self) -> list[Any]:
        """The number of rounds; of a model whose rounds change earlier ones, all of it."""
        if self.only_adds:
            return [np.array(self.rounds)]
        return [np.frombuffer(self.as_bytes(self.suffixes[0]), dtype=np.uint8)]

    def set_weights(self, weights: list[Any]) -> None:
        """Go back to what `get_weights` gave earlier in this training.

        Raises:
            ArgumentError: for rounds that have been cut off, or are none of this training.
        """
        if not self.only_adds:
            self.check_that_it_can_load()
            self.load(np.asarray(weights[0], dtype=np.uint8).tobytes())
            return
        rounds, there = int(weights[0]), self.rounds
        if not 0 <= rounds <= there:
            raise ArgumentError(
                f"set_weights asks for a model of {rounds} rounds, and the booster has {there}: "
                "rounds can only be cut off. Save the model to a file to have it back later."
            )
        if rounds < there:
            self.cut(rounds)

    def check_filepath(self, filepath: StrPath, *, weights_only: bool = False) -> None:
        """Raise an ArgumentError for a file name that the booster has no format for."""
        if Path(filepath).suffix not in self.suffixes:
            raise ArgumentError(
                f"{str(filepath)!r}: a booster is saved in its own format, in a file whose name "
                f"ends in {' or '.join(self.suffixes)}. Rename it."
            )

    def save(self, filepath: StrPath) -> None:
        """Write the booster to a file of its own format, which replaces the old one when whole."""
        self.check_filepath(filepath)
        with replacing(filepath) as temporary:
            temporary.write_bytes(self.as_bytes(Path(filepath).suffix))

    save_weights = save

    def load_weights(self, filepath: StrPath) -> None:
        """Become the model in a file. Training goes on with it."""
        self.check_that_it_can_load()
        try:
            content = Path(filepath).read_bytes()
        except OSError as error:
            raise StorageError(
                f"{str(filepath)!r} cannot be read: {error}. Name another."
            ) from error
        try:
            self.load(content)
        except Exception as error:
            raise FileFormatError(
                f"{str(filepath)!r} is no file of this kind of booster: {error}"
            ) from error


def is_of(metric: str, name: str) -> bool:
    """Whether a quantity in the logs is a metric of some data set.

    >>> is_of("auc", "val_auc"), is_of("auc", "eval-auc"), is_of("auc", "val_prauc")
    (True, True, False)
    """
    return re.search(rf"(^|[_-]){re.escape(metric)}$", name) is not None
