"""What the boosters have in common: a training of rounds, each of which adds to the model."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from onfit._types import Callbacks, StrPath
from onfit.errors import ArgumentError, CapabilityError, FileFormatError, StorageError
from onfit.integrations.hosted import SelfEnding, listeners_for
from onfit.storage.durable import replacing


class BoostedModel:
    """What callbacks see of a booster.

    Its weights are the number of its rounds, where a round changes no earlier one: to set them cuts
    off the rounds after it. Else they are the whole model, as bytes.

    Args:
        booster: the booster that is trained.
        optimizer: has its `learning_rate`; None if it has none.
    """

    suffixes: tuple[str, ...]  # of the files that it writes
    only_adds: bool  # whether a round changes no earlier one

    def __init__(self, booster: Any, optimizer: Any) -> None:
        self.booster, self.optimizer = booster, optimizer
        self.stop_training = False

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


class Boosting:
    """The part of each booster's `OnfitCallback` that pushes rounds into a session.

    Args:
        callbacks: onfit's callbacks, called in this order.
    """

    owner: str  # what owns the loop, for errors
    instead: str  # what to write in place of BackupAndRestore

    def __init__(self, callbacks: Callbacks) -> None:
        self.callbacks = list(listeners_for(callbacks, self.owner, self.instead))
        self.session: SelfEnding | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "session": None}

    def begin(self, model: BoostedModel, first: int, epochs: int = 0) -> None:
        """Training begins with the round of index `first`; `epochs` is 0 if no number is known."""
        self.session = SelfEnding(
            model,
            listeners_for(self.callbacks, self.owner, self.instead),
            epochs=max(epochs, first),
            initial_epoch=first,
            params={"epochs": epochs, "steps": 1},
        )
        self.session.train_begin()

    @property
    def running(self) -> SelfEnding:
        """The session of the training that goes on."""
        assert self.session is not None
        return self.session

    def begin_round(self) -> bool:
        """A round begins. Returns whether training has to stop."""
        if not self.running.stopping:
            self.running.epoch_begin()
            self.running.batch_begin()
        return self.running.stopping

    def end_round(self, logs: dict[str, Any]) -> bool:
        """A round is over. Returns whether training has to stop."""
        session = self.running
        session.batch_end()
        results = {key[4:]: logs.pop(key) for key in list(logs) if key.startswith("val_")}
        session.log(logs)
        if results:
            session.evaluation_end(results)
            session.validated(**results)
        return session.epoch_end()


def in_keras_words(
    results: Iterable[tuple[str, str, float]], training: Collection[str]
) -> dict[str, float]:
    """What a round logs, from triples of a data set's name, a metric's name, and its value.

    >>> in_keras_words([("train", "auc", 0.9), ("a", "auc", 0.7), ("b", "auc", 0.8)], ["train"])
    {'auc': 0.9, 'a_auc': 0.7, 'val_auc': 0.8}
    """
    results = list(results)
    last = next((name for name, *_ in reversed(results) if name not in training), None)

    def prefix(name: str) -> str:
        return "" if name in training else "val_" if name == last else f"{name}_"

    return {f"{prefix(name)}{metric}": value for name, metric, value in results}


def refuse_folds(library: str) -> CapabilityError:
    """The error for a cross-validation, which trains several boosters at once."""
    return CapabilityError(
        f"OnfitCallback follows one booster, and {library}.cv trains one for each fold. Hand it to "
        f"{library}.train for each fold, with callbacks of its own."
    )
