"""`.keras`: a whole model as Keras 3 keeps it, in a zip file.

    metadata.json       the version, when, and notes
    config.json         layers, losses, metrics, optimizer
    model.weights.h5    weights and the optimizer's variables, by number

Nothing in it is packed, and reading it puts nothing on the disk.
"""

import json
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from onfit.saving import keras_config
from onfit.saving.beside import beside
from onfit.saving.contents import Contents
from onfit.saving.files import parsing, reading
from onfit.saving.formats import weights_h5
from onfit.saving.formats.members import checked_member, new_member
from onfit.saving.hdf5 import Found
from onfit.saving.layout import KERAS_VERSION, NOTES
from onfit.storage.archives import read_member
from onfit.storage.foreign import read_json

_KIND = ".keras file"
METADATA, CONFIG, WEIGHTS = "metadata.json", "config.json", "model.weights.h5"


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


@contextmanager
def opened(path: str, asked: str) -> Iterator[Contents]:
    """Give a whole model.

    Raises:
        StorageError: if there is no such file.
        FileFormatError: if it is damaged, or holds something else.
    """
    import h5py

    with ExitStack() as stack:
        with reading(path, asked, _KIND):
            raw = stack.enter_context(open(path, "rb", buffering=0))
            archive = stack.enter_context(zipfile.ZipFile(path))
            contents = keras_config.from_keras(_json(archive, CONFIG))
            member, size = checked_member(archive, raw, WEIGHTS)
            file = stack.enter_context(h5py.File(member, "r"))
            found = Found(file, size, partial(parsing, path, asked, _KIND))
            contents.numbered, contents.own = weights_h5.read_numbered(found), beside(found)
            optimizer = contents.numbered.pop("optimizer", [])
            contents.optimizer = [(str(index), value) for index, value in enumerate(optimizer)]
        yield contents


def read_notes(path: str, asked: str) -> str | None:
    """The notes in it; errors are those of `opened`."""
    with reading(path, asked, _KIND), zipfile.ZipFile(path) as archive:
        metadata = _json(archive, METADATA)
        return json.dumps(metadata[NOTES]) if NOTES in metadata else None


def _json(archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    found = read_json(read_member(archive, name), name)
    if not isinstance(found, dict):
        raise ValueError(f"its {name} says nothing of a model")
    return found
