"""`.keras`: a whole model as Keras 3 keeps it, in a zip file.

    metadata.json       the version, when, and notes
    config.json         layers, losses, metrics, optimizer
    model.weights.h5    weights and the optimizer's variables, by number

Nothing in it is packed, and reading it puts nothing on the disk.
"""

import json
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

from onfit.saving import keras_config
from onfit.saving.contents import Contents
from onfit.saving.files import reading
from onfit.saving.formats import weights_h5
from onfit.saving.formats.members import checked_member, new_member
from onfit.saving.layout import KERAS_VERSION, NOTES

_KIND = ".keras file"
METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"
# JSON is small: a file that claims gigabytes of it is there to fill the memory.
_MOST_JSON = 1 << 28


def write(path: Path, contents: Contents) -> None:
    """Write a whole model."""
    import h5py

    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        with new_member(path, archive, WEIGHTS) as member, h5py.File(member, "w") as file:
            weights_h5.write_numbered(file, contents)
        archive.writestr(METADATA, json.dumps(_metadata(contents)))
        archive.writestr(CONFIG, json.dumps(keras_config.to_keras(contents)))


def _metadata(contents: Contents) -> dict[str, Any]:
    now = datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    metadata = {"keras_version": KERAS_VERSION, "date_saved": now}
    return metadata if contents.notes is None else {**metadata, NOTES: json.loads(contents.notes)}


def read(path: str, asked: str) -> Contents:
    """Read a whole model.

    Raises:
        StorageError: if there is no such file.
        FileFormatError: if it is damaged, or holds something else.
    """
    import h5py

    with (
        reading(path, asked, _KIND),
        open(path, "rb", buffering=0) as raw,
        zipfile.ZipFile(path) as archive,
    ):
        contents = keras_config.from_keras(_json(archive, CONFIG))
        with h5py.File(checked_member(archive, raw, WEIGHTS), "r") as file:
            contents.numbered = weights_h5.read_numbered(file)
        optimizer = contents.numbered.pop("optimizer", [])
        contents.optimizer = [(str(index), value) for index, value in enumerate(optimizer)]
        return contents


def read_notes(path: str, asked: str) -> str | None:
    """The notes in it; errors are those of `read`."""
    with reading(path, asked, _KIND), zipfile.ZipFile(path) as archive:
        metadata = _json(archive, METADATA)
        return json.dumps(metadata[NOTES]) if NOTES in metadata else None


def _json(archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    if archive.getinfo(name).file_size > _MOST_JSON:
        raise ValueError(f"its {name} is too large to be true")
    found: dict[str, Any] = json.loads(archive.read(name))
    if not isinstance(found, dict):
        raise ValueError(f"its {name} says nothing of a model")
    return found
