"""TensorBoard: curves and weight histograms, in files that TensorBoard shows."""

import numbers
import os
import warnings
from collections.abc import Iterable, Iterator
from typing import Any

from onfit._types import StrPath
from onfit.callbacks.event_files import EventFiles, require_tensorboard
from onfit.core.aliases import find
from onfit.core.cadence import Cadence
from onfit.core.callback import Callback, Logs
from onfit.core.meter import as_number
from onfit.core.protocols import HasHistograms, Need
from onfit.errors import ArgumentError, OnfitWarning
from onfit.storage.durable import require_writable

_TRAIN, _VALIDATION = "train", "validation"


class TensorBoard(Callback):
    """Writes losses, metrics, the learning rate and weight histograms for TensorBoard.

    Curves go to `train/` and `validation/` below `log_dir`, so that both show in one chart:
    `epoch_<name>` over the epochs (counted from 0), `batch_<name>` over the batches of the
    whole run. Look at them with `tensorboard --logdir=logs`.

    Args:
        log_dir: the folder. Each training, also a second one with the same callback, adds
            files; none is ever changed.
        histogram_freq: write histograms of the weights every so many epochs; 0 for never.
        batch_size: accepted, and of no effect: weights are read, not computed.
        write_graph: not written in this version.
        write_grads: not written in this version.
        write_images: not written in this version.
        embeddings_freq: not written in this version.
        embeddings_layer_names: not written in this version.
        embeddings_metadata: not written in this version.
        embeddings_data: not written in this version.
        update_freq: when the values of batches are written too: `"epoch"`: never; `"batch"`:
            each; an int: every so many *samples*; or text such as `"100 batches"` or
            `"30 seconds"`. The values of epochs are written after every epoch (with
            `"5 epochs"`, after every fifth).
        profile_batch: not written in this version.

    An argument that is not written in this version and is not at its default is named in a
    warning; the run goes on.

    Raises:
        ArgumentError: for an unknown `update_freq`, or a `histogram_freq` below 0.
        MissingPackageError: if the tensorboard library is not installed.
        CapabilityError: before training, if histograms are asked of a model whose weights
            cannot be listed.
        StorageError: before training, if `log_dir` cannot be written.

    Example:
        >>> board = TensorBoard("logs/first", histogram_freq=1, update_freq="100 batches")
    """

    def __init__(
        self,
        log_dir: StrPath = "./logs",
        histogram_freq: int = 0,
        batch_size: int | None = 32,
        write_graph: bool = True,
        write_grads: bool = False,
        write_images: bool = False,
        embeddings_freq: int = 0,
        embeddings_layer_names: Iterable[str] | None = None,
        embeddings_metadata: str | dict[str, str] | None = None,
        embeddings_data: Any = None,
        update_freq: str | int = "epoch",
        profile_batch: int | str | tuple[int, int] = 0,
    ) -> None:
        require_tensorboard("TensorBoard")
        if histogram_freq < 0:
            raise ArgumentError(
                f"TensorBoard(histogram_freq={histogram_freq!r}): it is a number of epochs; "
                "0 writes no histograms."
            )
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.batch_size = batch_size
        self.write_graph = write_graph
        self.write_grads = write_grads
        self.write_images = write_images
        self.embeddings_freq = embeddings_freq
        self.embeddings_layer_names = embeddings_layer_names
        self.embeddings_metadata = embeddings_metadata
        self.embeddings_data = embeddings_data
        self.update_freq = update_freq
        self.profile_batch = profile_batch
        self._cadence = Cadence.of(update_freq, owner="TensorBoard", argument="update_freq")
        self._files: EventFiles | None = None
        self._batches = 0  # told in this run
        overridden = type(self).on_train_batch_end is not TensorBoard.on_train_batch_end
        if not self._cadence.counts_batches and not overridden:
            # The silent one of the base class, so that no batch costs anything.
            self.on_train_batch_end = super().on_train_batch_end  # type: ignore[method-assign]
        self._warn_of_what_is_not_written()

    def needs(self) -> Iterable[Need]:
        if self.histogram_freq:
            yield Need(HasHistograms, f"histogram_freq={self.histogram_freq}")

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._close()
        self._cadence.restart()
        self._batches = 0
        if "://" not in self.log_dir:  # tensorboard writes to s3:// and the like too
            probe = os.path.join(self.log_dir, "events")
            require_writable(probe, f"TensorBoard(log_dir={self.log_dir!r})")

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        step, self._batches = self._batches, self._batches + 1
        if not self._cadence.due_after_batch(logs.get("size", 1)):
            return
        if self.run is not None:
            # Counts on where a resumed run left off.
            step = self.run.progress.step - 1
        values = {name: logs[name] for name in logs if name not in ("batch", "size")}
        self._write("batch", values, step, first_epoch=self._current_epoch())

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        if self._cadence.counts_batches or self._cadence.due_after_epoch():
            self._write("epoch", {**logs, **self._learning_rate(logs)}, epoch, first_epoch=epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            for name, weights in self.model.named_weights():
                self._open(epoch).add_histogram(_TRAIN, name, weights, epoch)
        if self._files is not None:
            self._files.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._close()

    def _write(self, kind: str, values: dict[str, Any], step: int, first_epoch: int) -> None:
        for name, value in _numbers(values):
            folder = _VALIDATION if name.startswith("val_") else _TRAIN
            tag = f"{kind}_{name.removeprefix('val_')}"
            self._open(first_epoch).add_scalar(folder, tag, value, step)

    def _open(self, epoch: int) -> EventFiles:
        """The files of this run. They are opened when the first value is there to write."""
        if self._files is None:
            self._files = EventFiles(self.log_dir, self._purge_steps(epoch))
        return self._files

    def _purge_steps(self, epoch: int) -> dict[str, int]:
        """From where a run that goes on hides what an earlier one wrote beyond that point."""
        if epoch == 0:
            return {}
        # Where train/ counts batches too, no step means the same for all of its curves.
        folders = [_VALIDATION] if self._cadence.counts_batches else [_TRAIN, _VALIDATION]
        return dict.fromkeys(folders, epoch)

    def _current_epoch(self) -> int:
        return 0 if self.run is None else self.run.progress.epoch

    def _learning_rate(self, logs: Logs) -> dict[str, Any]:
        """The rate of the model's optimizer, where no callback has logged it."""
        name = find("learning_rate", logs)
        if name is not None:
            return {"learning_rate": logs[name]}
        rate = getattr(getattr(self.model, "optimizer", None), "learning_rate", None)
        return {} if rate is None else {"learning_rate": rate}

    def _close(self) -> None:
        files, self._files = self._files, None
        if files is not None:
            files.close()

    def _warn_of_what_is_not_written(self) -> None:
        asked = [name for name in _NOT_WRITTEN if _is_set(getattr(self, name))]
        if asked:
            warnings.warn(
                f"TensorBoard({', '.join(f'{name}=...' for name in asked)}): not written in this "
                "version. Curves and weight histograms are; the run goes on.",
                OnfitWarning,
                stacklevel=3,
            )


_NOT_WRITTEN = (
    "write_grads",
    "write_images",
    "embeddings_freq",
    "embeddings_layer_names",
    "embeddings_metadata",
    "embeddings_data",
    "profile_batch",
)


def _is_set(value: Any) -> bool:
    """Whether an argument asks for something; an array, however short, does."""
    return value is not None and not (isinstance(value, int | str | list | dict) and not value)


def _numbers(values: dict[str, Any]) -> Iterator[tuple[str, float]]:
    """Those of the values that are one number, as floats."""
    for name, value in values.items():
        number = as_number(value)
        if isinstance(number, numbers.Real):
            yield name, float(number)
