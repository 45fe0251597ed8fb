"""The TensorBoard callback: what is written, and when."""

import os
from collections.abc import Iterable, Sequence
from typing import Any

from onfit._types import Hook, StrPath
from onfit.callbacks.tensorboard.after_epochs import AfterEpochs, projector_of
from onfit.callbacks.tensorboard.arguments import (
    flag,
    folder,
    frequency,
    require_local_folder,
    samples,
    warn_of_what_has_no_effect,
)
from onfit.callbacks.tensorboard.event_files import require_tensorboard
from onfit.callbacks.tensorboard.graph import Graph
from onfit.callbacks.tensorboard.output import Output
from onfit.callbacks.tensorboard.profile import Profile, batches_of
from onfit.callbacks.tensorboard.scalars import learning_rate
from onfit.callbacks.tensorboard.step_rate import StepRate
from onfit.core.cadence import Cadence, begin_cadence, due_after_batch
from onfit.core.callback import Callback, Logs
from onfit.core.faces import CanProfile, HasGradients, HasHistograms, Need, is_divided
from onfit.core.hooks import overrides
from onfit.core.judging.deciding import in_steps
from onfit.core.packages.keras_fit import batches_until
from onfit.core.representation import checked_arguments


class TensorBoard(Callback):
    """Writes curves, histograms, images, the graph, embeddings and profiles for TensorBoard.

    Curves go to `train/` and `validation/` below `log_dir`, so that both show in one chart:
    `epoch_<name>` over the epochs (counted from 0), `step_<name>` in a run of steps,
    `batch_<name>` over the batches of the whole run, `evaluation_<name>_vs_iterations` over the
    optimizer's steps. View them with `tensorboard --logdir=logs`. TensorFlow is not needed. What
    cannot be written, as on a full disk, is said once, and training goes on.

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
            or `"30 seconds"`. The values of epochs always are (with `"5 epochs"`, each fifth).
        profile_batch: the batch to record with torch's profiler, counted from 1 over the whole
            run, or the first and last of several: `(10, 20)` or `"10,20"`; 0 for none. The
            trace, a `.pt.trace.json`, lies in `plugins/profile/` below `log_dir`.
        write_steps_per_second: whether to write how many steps a second an epoch took, with its
            validation (`epoch_steps_per_second`), and, where the values of batches are written,
            each of these steps (`batch_steps_per_second`).

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

    main_process_only = True

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
        *,
        write_steps_per_second: bool = False,
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
        self.write_steps_per_second = flag("write_steps_per_second", write_steps_per_second)
        self._cadence = Cadence.of(update_freq, owner="TensorBoard", argument="update_freq")
        self._profiled = batches_of(profile_batch)
        self._output = Output(self.log_dir)
        # Made anew at the first hook of each training; None if no argument asks for them.
        self._begun = False
        self._graph: Graph | None = None
        self._after_epochs: AfterEpochs | None = None
        self._profile: Profile | None = None
        self._batches = 0  # that ended in this run
        self._rate = StepRate()
        warn_of_what_has_no_effect(self)
        require_local_folder(self)

    def hears(self, hook: str) -> bool:
        if hook.startswith("on_train_batch") and not overrides(self, hook, TensorBoard):
            counts = self._cadence.counts_batches
            if hook == "on_train_batch_begin":
                counts = counts and self.write_steps_per_second
            return counts or self._profiled is not None
        return super().hears(hook)

    def needs(self) -> Iterable[Need]:
        if self.histogram_freq:
            yield Need(HasHistograms, f"histogram_freq={self.histogram_freq}")
            if self.write_grads:
                yield Need(HasGradients, "write_grads=True")
        if self.embeddings_freq:
            projector = projector_of(self, self.log_dir)
            yield from projector.needs(f"embeddings_freq={self.embeddings_freq}")
        if self._profiled:
            yield Need(CanProfile, f"profile_batch={self.profile_batch!r}")

    def beside_main(self, hook: str) -> Hook | None:
        """What another process than the main one does in a hook: where weights lie in pieces, they
        are brought together by all.
        """
        if not (self.histogram_freq or self.embeddings_freq) or not is_divided(self.model):
            return None
        does: dict[str, Hook] = {"on_train_begin": self._begin_beside}
        return {**does, "on_epoch_end": self._look_beside}.get(hook)

    def _begin_beside(self, logs: Logs | Any = None) -> None:
        self._after_epochs = AfterEpochs(self, self.log_dir)

    def _look_beside(self, epoch: int, logs: Logs | Any = None) -> None:
        if self._after_epochs is not None:
            self._after_epochs.write(epoch, None)

    def __getstate__(self) -> dict[str, Any]:
        """What a copy holds: all but what is being written."""
        names = ("_graph", "_after_epochs", "_profile")
        return {**super().__getstate__(), **dict.fromkeys(names), "_begun": False}

    def on_train_begin(self, logs: Logs | Any = None) -> None:
        self._close()
        begin_cadence(self)
        self._output.begin_training()
        self._batches = 0
        self._begun = False
        self._begin()

    def _begin(self) -> None:
        """Make the parts of this training. A loop may call the later hooks alone."""
        if self._begun:
            return
        self._begun = True
        root = self._output.root  # an error before training, where it cannot be written
        self._after_epochs = AfterEpochs(self, root)
        if self._profiled:
            self._profile = Profile(self._profiled)
        if self.write_graph:
            self._graph = Graph(self.model)

    def on_epoch_begin(self, epoch: int, logs: Logs | Any = None) -> None:
        self._begin()
        with self._output.attempt():
            self._begin_epoch(epoch, self.params.get("steps"))
            self._rate.begin_epoch(self._steps_done())
            self._write_graph()

    def _begin_epoch(self, epoch: int, batches: int | None = None) -> None:
        if self._output.begin_epoch(epoch, batches) and self._session is None:
            self._batches = 0

    def on_train_batch_begin(self, batch: int, logs: Logs | Any = None) -> None:
        self._begin()
        self._rate.begin_batch()
        if self._profile is not None:
            with self._output.attempt():
                traces = os.path.join(self._output.folder, "plugins", "profile")
                self._profile.begin(self.model, self._steps_done() + 1, traces)

    def on_train_batch_end(self, batch: int, logs: Logs | Any = None) -> None:
        logs = {} if logs is None else logs
        self._batches += batches_until(self, batch)
        if self._profile is not None:
            with self._output.attempt():
                self._profile.end(self._steps_done())
        if due_after_batch(self, batch, logs):
            more = self._rate.of_batch() if self.write_steps_per_second else {}
            with self._output.attempt():
                step = self._output.series.batches_before + self._steps_done() - 1
                self._output.note(step, logs, **more)

    def on_test_end(self, logs: Logs | Any = None) -> None:
        """What an evaluation measured, over the steps of the optimizer until then."""
        iterations = getattr(getattr(self.model, "optimizer", None), "iterations", None)
        if iterations is None or not logs:
            return
        values = {f"val_{name}_vs_iterations": value for name, value in logs.items()}
        with self._output.attempt():
            self._output.write("evaluation", values, int(iterations))
            if not self._begun:  # an evaluation on its own, after which nothing closes the files
                self._output.close()

    def on_epoch_end(self, epoch: int, logs: Logs | Any = None) -> None:
        logs = {} if logs is None else logs
        self._begin()
        with self._output.attempt():
            self._output.write_points()
            self._begin_epoch(epoch)  # for a loop that does not call on_epoch_begin
            self._output.series.end_epoch(epoch)
            if self._cadence.counts_batches or self._cadence.due_after_epoch():
                timed = self.write_steps_per_second
                more = self._rate.of_epoch(self._steps_done()) if timed else {}
                values = {**logs, **learning_rate(logs, self.model), **more}
                self._output.write("epoch", values, epoch)
            self._write_graph()
        assert self._after_epochs is not None  # it is made when a training begins
        self._after_epochs.write(epoch, self._output)
        with self._output.attempt():
            self._output.flush()

    def on_validation_end(self, step: int, logs: Logs | Any = None) -> None:
        if in_steps(self):
            self._output.write_row(step, {**(logs or {}), **learning_rate(logs or {}, self.model)})

    def on_train_end(self, logs: Logs | Any = None) -> None:
        self._output.series.end_training(self._steps_done())
        self._close()
        self._begun = False

    def state_dict(self) -> dict[str, Any]:
        """Where the run is, after everything logged up to there was written to the files."""
        with self._output.attempt():
            self._output.flush()
        return {
            "cadence": self._cadence.state_dict(),
            "step": self._steps_done(),
            "series": self._output.series.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there; TensorBoard will hide what the files hold beyond it."""
        self._cadence.load_state_dict(state["cadence"])
        # Earlier checkpoints do not have it: a training that is under way has its series.
        series = self._output.series
        series.load_state_dict(state.get("series", {**series.state_dict(), "settled": True}))
        self._batches = state["step"]

    def _write_graph(self) -> None:
        if self._graph is not None:
            self._graph.write(self._output.files)

    def _close(self) -> None:
        """Close everything that is open; an error in one part does not keep the others open."""
        with self._output.attempt():
            self._output.write_points()
        parts = self._graph, self._profile, self._output
        self._graph = self._profile = None
        for part in parts:
            if part is not None:
                with self._output.attempt():
                    part.close()

    def _steps_done(self) -> int:
        """The batches of this run so far, including those before it was resumed."""
        return self._batches if self._session is None else self._session.progress.step
