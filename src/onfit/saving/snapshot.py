"""A copy of a model, taken at one moment and written at another."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from onfit._types import StrPath
from onfit.errors import ArgumentTypeError, NotReadyError
from onfit.saving.capture import taken
from onfit.saving.contents import Contents
from onfit.saving.files import writing
from onfit.saving.formats import Format, format_to_write

if TYPE_CHECKING:
    from onfit.engine.model.model import Model

Notes = Mapping[str, Any]


class Snapshot:
    """All that a file would hold of a model, copied: what `model.snapshot()` gives.

    The model may go on training while a thread writes the copy.

    Args:
        model: a built model.
        weights_only: leave out layers, losses and the optimizer.

    Example:
        >>> from onfit import Sequential, layers
        >>> model = Sequential([layers.Dense(3, input_dim=4)])
        >>> copy = model.snapshot(weights_only=True)
        >>> copy.write("best.safetensors", notes={"epoch": 3})  # doctest: +SKIP
    """

    def __init__(self, model: "Model", weights_only: bool = False) -> None:
        self._buffers: dict[str, Tensor] = {}
        self._contents: Contents | None = None
        self.take(model, weights_only)

    def take(self, model: "Model", weights_only: bool = False) -> None:
        """Copy the model as it is now, into the memory of the last time where that fits.

        No thread may still be writing the copy of the last time.

        Raises:
            ArgumentError: if a part of it cannot be kept in a file.
        """
        kept, self._buffers = self._buffers, {}
        self._contents = None  # until all is copied, a part is new and a part is old
        self._contents = taken(
            model, "snapshot()", weights_only, lambda name, own: self._copied(name, own, kept)
        )

    def _copied(self, name: str, tensor: Tensor, kept: dict[str, Tensor]) -> Tensor:
        buffer = kept.get(name)
        if buffer is None or (buffer.shape, buffer.dtype) != (tensor.shape, tensor.dtype):
            # In the machine's memory: the device may have no room for a second model.
            buffer = torch.empty_like(tensor, device="cpu", pin_memory=tensor.is_cuda)
        self._buffers[name] = buffer.copy_(tensor)
        return buffer

    def write(self, filepath: StrPath, overwrite: bool = True, notes: Notes | None = None) -> None:
        """Write the copy, in the format of the suffix; any thread may do so.

        Args:
            filepath: the file. It is replaced in one step: if anything goes wrong on the way, the
                old file stays whole.
            overwrite: False refuses to replace a file.
            notes: plain data for the file to carry; `read_notes` gives it back.

        Raises:
            ArgumentError: for a suffix that is not for this.
            NotReadyError: if the last `take` failed.
            StorageError: if the file cannot be written, or exists and `overwrite` is False.
        """
        if self._contents is None:
            raise NotReadyError(
                f"Snapshot.write({os.fspath(filepath)!r}): the model could not be copied the last "
                "time, and half a copy is none. Take it again."
            )
        contents = self._contents
        made_by_code = contents.model_config is None
        to = format_to_write(filepath, contents.asked, contents.described, made_by_code)
        write_contents(contents, to, filepath, overwrite, notes)


def write_contents(
    contents: Contents, to: Format, filepath: StrPath, overwrite: bool, notes: Notes | None
) -> None:
    """Write `contents` in the format `to`; the rest is as `Snapshot.write` documents it."""
    asked = contents.asked
    text = None if notes is None else _as_json(notes, f"{asked}({os.fspath(filepath)!r})")
    with writing(filepath, overwrite) as temporary:
        to.write(temporary, replace(contents, notes=text))


def _as_json(notes: Notes, asked: str) -> str:
    try:
        return json.dumps(dict(notes))
    except (TypeError, ValueError) as error:
        raise ArgumentTypeError(
            f"{asked}: notes= takes plain data by name, such as {{'epoch': 3}}; got {notes!r}, "
            f"of which JSON can hold not all: {error}. Leave out or convert the rest."
        ) from error
