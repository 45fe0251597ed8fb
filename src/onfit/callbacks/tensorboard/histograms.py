"""Histograms of weights, gradients and activations, and weights as images."""

from typing import Any

import numpy as np

from onfit.callbacks.tensorboard.event_files import EventFiles
from onfit.callbacks.tensorboard.images import as_images
from onfit.core.validation import ValidationArrays
from onfit.errors import NotReadyError, warn

_FOLDER = "train"


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
        self, files: EventFiles, model: Any, validation_data: list[Any] | None, epoch: int
    ) -> None:
        """Write everything that can be written for this epoch."""
        self._write_weights(files, model, epoch)
        data = ValidationArrays.of(validation_data)
        if data is None:
            self._say_what_is_left_out(model)
            return
        data = data.first(self._batch_size)
        if hasattr(model, "named_activations"):
            _write_activations(files, model, data, epoch)
        if self._grads:
            self._write_gradients(files, model, data, epoch)

    def _write_weights(self, files: EventFiles, model: Any, epoch: int) -> None:
        for name, weight in model.named_weights():
            array = as_array(weight)
            files.add_histogram(_FOLDER, name, array, epoch)
            images = as_images(name, array) if self._images else []
            if images:
                files.add_images(_FOLDER, f"{name}/image", images, epoch)

    def _write_gradients(
        self, files: EventFiles, model: Any, data: ValidationArrays, epoch: int
    ) -> None:
        try:
            gradients = model.named_gradients(data.x, data.y, data.sample_weight)
        except NotReadyError as error:  # the model does not know the loss of a user's own loop
            self._warn(f"write_grads=True): gradients are left out: {error}")
            return
        for name, gradient in gradients:
            files.add_histogram(_FOLDER, f"{name}_grad", as_array(gradient), epoch)

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
    if hasattr(values, "full_tensor"):  # a tensor that lies in parts on several processes
        values = values.full_tensor()
    if hasattr(values, "detach"):  # a tensor may be on a GPU, or of a type that numpy lacks
        values = values.detach().cpu().double()
    return np.asarray(values, dtype=np.float64)


def _write_activations(files: EventFiles, model: Any, data: ValidationArrays, epoch: int) -> None:
    for name, outputs in model.named_activations(data.x):
        tag = f"{name}_out"
        tags = [tag] if len(outputs) == 1 else [f"{tag}_{index}" for index in range(len(outputs))]
        for each, output in zip(tags, outputs, strict=True):
            files.add_histogram(_FOLDER, each, as_array(output), epoch)
