"""Histograms of weights, gradients and activations, and weights as images."""

from collections.abc import Callable
from typing import Any

import numpy as np

from onfit.callbacks.tensorboard.event_files import EventFiles
from onfit.callbacks.tensorboard.images import as_images
from onfit.core.validation import ValidationArrays
from onfit.errors import NotReadyError, warn

_FOLDER = "train"


class _Sink:
    """Takes what is to be written. An error is raised at the end: until then all is looked at, for
    other processes may take part in that.

    Args:
        files: opens the files; None writes nothing.
    """

    def __init__(self, files: Callable[[], EventFiles] | None) -> None:
        self._files = files
        self._error: Exception | None = None

    @property
    def writes(self) -> bool:
        """Whether what it takes is written."""
        return self._files is not None and self._error is None

    def histogram(self, name: str, numbers: Any, epoch: int) -> None:
        self._write(lambda files: files.add_histogram(_FOLDER, name, as_array(numbers), epoch))

    def images(self, name: str, weight: np.ndarray[Any, Any], epoch: int) -> None:
        images = as_images(name, weight)
        if images:
            self._write(lambda files: files.add_images(_FOLDER, f"{name}/image", images, epoch))

    def _write(self, write: Callable[[EventFiles], None]) -> None:
        if self._files is None or self._error is not None:
            return
        try:
            write(self._files())
        except Exception as error:
            self._error = error

    def end(self) -> None:
        """Raise the first error."""
        if self._error is not None:
            raise self._error


class Histograms:
    """Writes histograms of a model's weights, and of its activations and gradients.

    Args:
        batch_size: for how many validation samples activations and gradients are computed.
        grads: whether to write gradients too.
        images: whether to write weights as images too.
    """

    def __init__(self, batch_size: int | None, grads: bool, images: bool) -> None:
        self._batch_size = batch_size
        self._grads = grads
        self._images = images
        self._warned = False

    def write(
        self,
        files: Callable[[], EventFiles] | None,
        model: Any,
        validation_data: list[Any] | None,
        epoch: int,
    ) -> None:
        """Write everything that can be written for this epoch.

        Args:
            files: opens the files; None to look at the model, as other processes do, and no more.
            model: the model.
            validation_data: inputs and targets for activations and gradients.
            epoch: the epoch.
        """
        sink = _Sink(files)
        self._write_weights(sink, model, epoch)
        data = ValidationArrays.of(validation_data)
        if data is None:
            if sink.writes:
                self._say_what_is_left_out(model)
        else:
            self._write_of_data(sink, model, data.first(self._batch_size), epoch)
        sink.end()

    def _write_weights(self, sink: _Sink, model: Any, epoch: int) -> None:
        for name, weight in model.named_weights():
            whole = _whole(weight)  # one at a time: all of them may not fit into one process
            sink.histogram(name, whole, epoch)
            if self._images and sink.writes:
                sink.images(name, as_array(whole), epoch)

    def _write_of_data(self, sink: _Sink, model: Any, data: ValidationArrays, epoch: int) -> None:
        if hasattr(model, "named_activations"):
            _write_activations(sink, model, data, epoch)
        if self._grads:
            self._write_gradients(sink, model, data, epoch)

    def _write_gradients(self, sink: _Sink, model: Any, data: ValidationArrays, epoch: int) -> None:
        try:
            gradients = model.named_gradients(data.x, data.y, data.sample_weight)
        except NotReadyError as error:  # the model does not know the loss of a user's own loop
            if sink.writes:
                self._warn(f"write_grads=True): gradients are left out: {error}")
            return
        for name, gradient in gradients:
            sink.histogram(f"{name}_grad", _whole(gradient), epoch)

    def _say_what_is_left_out(self, model: Any) -> None:
        left_out = ["<layer>_out"] if hasattr(model, "named_activations") else []
        left_out += ["<weight>_grad"] if self._grads else []
        if left_out:
            self._warn(
                f"histogram_freq=...): histograms {' and '.join(left_out)} are left out, and "
                "those of the weights written. They are computed from validation data in arrays, "
                "and there are none. Pass fit validation_data=(x, y) or validation_split=..., or "
                "set the callback's validation_data = [x, y]."
            )

    def _warn(self, text: str) -> None:
        if not self._warned:
            self._warned = True
            warn(f"TensorBoard({text}")


def as_array(values: Any) -> np.ndarray[Any, Any]:
    """Numbers of any framework as a numpy array of doubles."""
    values = _whole(values)
    if hasattr(values, "detach"):  # a tensor may be on a GPU, or of a type that numpy lacks
        values = values.detach().cpu().double()
    return np.asarray(values, dtype=np.float64)


def _whole(values: Any) -> Any:
    """All of a tensor that lies in parts on several processes, which all call this."""
    return values.full_tensor() if hasattr(values, "full_tensor") else values


def _write_activations(sink: _Sink, model: Any, data: ValidationArrays, epoch: int) -> None:
    for name, outputs in model.named_activations(data.x):
        tag = f"{name}_out"
        tags = [tag] if len(outputs) == 1 else [f"{tag}_{index}" for index in range(len(outputs))]
        for each, output in zip(tags, outputs, strict=True):
            sink.histogram(each, _whole(output), epoch)
