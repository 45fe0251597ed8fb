"""The TensorBoard callback: what is written, and when."""

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import Any

from onfit._types import StrPath
from onfit.callbacks.tensorboard.arguments import (
    flag,
    folder,
    frequency,
    require_local_folder,
    samples,
    warn_of_what_has_no_effect,
    writable_folder,
)
from onfit.callbacks.tensorboard.batch_points import BatchPoints
from onfit.callbacks.tensorboard.event_files import EventFiles, require_tensorboard
from onfit.callbacks.tensorboard.graph import Graph
from onfit.callbacks.tensorboard.histograms import Histograms
from onfit.callbacks.tensorboard.profile import Profile, batches_of
from onfit.callbacks.tensorboard.projector import Projector
from onfit.callbacks.tensorboard.scalars import learning_rate, scalars_by_folder
from onfit.callbacks.tensorboard.series import Series
from onfit.core.cadence import Cadence
from onfit.core.callback import Callback, Logs
from onfit.core.faces import CanProfile, HasGradients, HasHistograms, Need
from onfit.core.hooks import overrides
from onfit.core.representation import checked_arguments
from onfit.core.sizes import size_in


class TensorBoard(Callback):
    """Writes curves, histograms, images, the graph, embeddings and profiles for TensorBoard.

    Curves go to `train/` and `validation/` below `log_dir`, so that both show in one chart:
    `epoch_<name>` over the epochs (counted from 0), `batch_<name>` over the batches of the
    whole run. View them with `tensorboard --logdir=logs`. TensorFlow is not needed.

    Args:
        log_dir: the folder. Each training adds event files; no file is ever changed. A second
            training with the same callback goes on in the curves of the first if it begins
            where that one ended (`initial_epoch`). Else it has a folder of its own in `log_dir`,
            `fit_2`. Values of a run that was resumed hide those it had written beyond its save.
        histogram_freq: after every so many epochs, histograms of the weights (`<weight>`) and of
            the layers' outputs (`<layer>_out`) are written; 0 for never. Outputs are those for
            the validation data. If there is none, or it comes from a loader, they are left out.
        batch_size: for how many samples activations, gradients and embeddings are computed at a
            time; histograms show the first so many samples. None for all samples.
        write_graph: whether to write the graph of the model: its layers, or the operations of a
            torch module.
        write_grads: whether to write histograms of the loss's gradients (`<weight>_grad`), as
            often as the other histograms.
        write_images: whether to write weights as images (`<weight>/image`), as often as
            histograms: kernels of convolutions one by one, at most 16 of each layer.
        embeddings_freq: after every so many epochs, embeddings for the projector are written; 0
            for never. The projector shows those written last.
        embeddings_layer_names: the names of the layers to watch; None or empty for all embedding
            layers.
        embeddings_metadata: the file with a label for each row (tab-separated, with a header
            line where it has several columns): a path in `log_dir` or from the current folder.
            A dict has a file for each layer's name; a text is for all layers.
        embeddings_data: samples, as for `predict`: the layers' outputs for them are written, one
            row for each sample. With None, the tables of embedding layers are written.
        update_freq: when the values of batches are written too: `"epoch"`: never; `"batch"`:
            at each batch; an int: after every so many *samples*; or text such as `"100 batches"`
            or `"30 seconds"`. They reach the files about once a second. The values of epochs are
            written after every epoch (with `"5 epochs"`, after every fifth).
        profile_batch: the batch to record with torch's profiler, counted from 1 over the whole
            run, or the first and last of several: `(10, 20)` or `"10,20"`; 0 for none. The
            trace, a `.pt.trace.json` for TensorBoard's torch profiler or a browser's tracing
            page, lies in `plugins/profile/` below `log_dir`.

    Raises:
        ArgumentError: for an unknown `update_freq` or `profile_batch`, a frequency below 0, or
            True or False where a number belongs (the order of arguments is that of Keras 2);
            before training, for layers that the model does not have.
        MissingPackageError: if the tensorboard library is not installed.
        CapabilityError: before training, if something is asked for that the model cannot give.
        StorageError: before training, if `log_dir` cannot be written.

    Example:
        >>> board = TensorBoard("logs/first", histogram_freq=1, update_freq="100 batches")
    """

    @checked_arguments
    def __init__(
        self,
        log_dir: StrPath = "./logs",
        histogram_freq: int = 0,
        batch_size: int | None = 32,
        write_graph: bool = True,
        write_grads: bool = False,
        write_images: bool = False,
        embeddings_freq: int = 0,
        embeddings_layer_names: Sequence[str] | None = None,
        embeddings_metadata: str | dict[str, str] | None = None,
        embeddings_data: Any = None,
        update_freq: str | int = "epoch",
        profile_batch: int | str | Sequence[int] = 0,
    ) -> None:
        require_tensorboard("TensorBoard")
        self.log_dir = folder("log_dir", log_dir)
        self.histogram_freq = frequency("histogram_freq", histogram_freq)
        self.batch_size = samples("batch_size", batch_size)
        self.write_graph = flag("write_graph", write_graph)
        self.write_grads = flag("write_grads", write_grads)
        self.write_images = flag("write_images", write_images)
        self.embeddings_freq = frequency("embeddings_freq", embeddings_freq)
        self.embeddings_layer_names = embeddings_layer_names
        self.embeddings_metadata = embeddings_metadata
        self.embeddings_data = embeddings_data
        self.update_freq = update_freq
        self.profile_batch = profile_batch
        self._cadence = Cadence.of(update_freq, owner="TensorBoard", argument="update_freq")
        self._profiled = batches_of(profile_batch)
        self._files: EventFiles | None = None
        self._points = BatchPoints()
        # Made anew at the first hook of each training; None if no argument asks for them.
        self._begun, self._root = False, self.log_dir
        self._graph: Graph | None = None
        self._histograms: Histograms | None = None
        self._projector: Projector | None = None
        self._profile: Profile | None = None
        self._batches = 0  # that ended in this run
        self._series = Series()
        warn_of_what_has_no_effect(self)
        require_local_folder(self)

    def hears(self, hook: str) -> bool:
        if hook.startswith("on_train_batch") and not overrides(self, hook, TensorBoard):
            counts = hook == "on_train_batch_end" and self._cadence.counts_batches
            return counts or self._profiled is not None
        return super().hears(hook)

    def needs(self) -> Iterable[Need]:
        if self.histogram_freq:
            yield Need(HasHistograms, f"histogram_freq={self.histogram_freq}")
            if self.write_grads:
                yield Need(HasGradients, "write_grads=True")
        if self.embeddings_freq:
            yield from self._new_projector().needs(f"embeddings_freq={self.embeddings_freq}")
        if self._profiled:
            yield Need(CanProfile, f"profile_batch={self.profile_batch!r}")

    def __getstate__(self) -> dict[str, Any]:
        """What a copy holds: all but the open files, and what is to be written to them."""
        names = ("_files", "_graph", "_histograms", "_projector", "_profile")
        own = {**dict.fromkeys(names), "_points": BatchPoints(), "_begun": False}
        return {**super().__getstate__(), **own}

    # --- hooks ---------------------------------------------------------------------------

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._close()
        self._cadence.restart()
        self._points = BatchPoints()
        self._series.begin_training()
        self._batches = 0
        self._begun = False
        self._begin()

    def _begin(self) -> None:
        """Make the parts of this training. A loop may call the later hooks alone."""
        if self._begun:
            return
        self._begun, self._root = True, writable_folder(self.log_dir)
        if self.histogram_freq:
            self._histograms = Histograms(self.batch_size, self.write_grads, self.write_images)
        if self.embeddings_freq:
            self._projector = self._new_projector()
            self._projector.prepare(self.model)
        if self._profiled:
            self._profile = Profile(self._profiled)
        if self.write_graph:
            self._graph = Graph(self.model)

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._begin()
        self._series.begin_epoch(epoch, self.params.get("steps"))
        self._write_graph()

    def on_train_batch_begin(self, batch: int, logs: Logs | None = None) -> None:
        self._begin()
        if self._profile is not None:
            traces = os.path.join(self._folder, "plugins", "profile")
            self._profile.begin(self.model, self._steps_done() + 1, traces)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        self._batches += 1
        if self._profile is not None:
            self._profile.end(self._steps_done())
        if self._cadence.due_after_batch(size_in(logs)):
            step = self._series.batches_before + self._steps_done() - 1
            self._points.note(step, logs)
            if self._points.due:
                self._write_points()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = {} if logs is None else logs
        self._begin()
        self._write_points()
        self._series.begin_epoch(epoch)  # for a loop that does not call on_epoch_begin
        self._series.end_epoch(epoch)
        if self._cadence.counts_batches or self._cadence.due_after_epoch():
            self._write("epoch", {**logs, **learning_rate(logs, self.model)}, epoch)
        self._write_graph()
        if self._histograms is not None and epoch % self.histogram_freq == 0:
            # Data that would have to be collected from a loader first are left out.
            data = None if callable(self._validation) else self.validation_data
            self._histograms.write(self._open(), self.model, data, epoch)
        if self._projector is not None and epoch % self.embeddings_freq == 0:
            self._projector.write(self.model, self._folder)
        if self._files is not None:
            self._files.flush()

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._series.end_training(self._steps_done())
        self._close()

    def state_dict(self) -> dict[str, Any]:
        """Where the run is, after everything logged up to there was written to the files."""
        self._write_points()
        if self._files is not None:
            self._files.flush()
        return {
            "cadence": self._cadence.state_dict(),
            "step": self._steps_done(),
            "series": self._series.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there; TensorBoard will hide what the files hold beyond it."""
        self._cadence.load_state_dict(state["cadence"])
        # Earlier checkpoints do not have it: a training that is under way has its series.
        series = state.get("series", {**self._series.state_dict(), "settled": True})
        self._series.load_state_dict(series)
        self._batches = state["step"]

    # --- writing -------------------------------------------------------------------------

    def _write_points(self) -> None:
        for point in self._points.take():
            self._write("batch", point.values(), point.step, point.wall_time)

    def _write(
        self, kind: str, values: dict[str, Any], step: int, wall_time: float | None = None
    ) -> None:
        for subfolder, scalars in scalars_by_folder(kind, values).items():
            self._open().add_scalars(subfolder, scalars, step, wall_time)

    def _write_graph(self) -> None:
        if self._graph is not None:
            self._graph.write(self._open)

    @property
    def _folder(self) -> str:
        """The folder of this training."""
        return self._series.folder(self._root)

    def _open(self) -> EventFiles:
        """The files of this training, opened when the first value is written."""
        if self._files is None:
            self._files = EventFiles(self._folder)
        return self._files

    def _close(self) -> None:
        """Close everything that is open; an error in one part does not keep the others open."""
        try:
            self._write_points()
        finally:
            parts = self._files, self._graph, self._profile
            self._files = self._graph = self._profile = None
            with ExitStack() as stack:
                for part in parts:
                    if part is not None:
                        stack.callback(part.close)

    # --- where the run is ----------------------------------------------------------------

    def _steps_done(self) -> int:
        """The batches of this run so far, including those before it was resumed."""
        return self._batches if self._session is None else self._session.progress.step

    # --- arguments -----------------------------------------------------------------------

    def _new_projector(self) -> Projector:
        return Projector(
            self._root,
            self.embeddings_layer_names,
            self.embeddings_metadata,
            self.embeddings_data,
            self.batch_size,
        )
