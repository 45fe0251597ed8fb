"""`.h5`, `.hdf5`: a whole model or its weights, in the layout that Keras has always had in HDF5.

Reading goes by the content of a file, not by its name: it also reads weights by number
(`weights_h5.py`).
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from onfit.saving import layout
from onfit.saving.contents import Contents
from onfit.saving.files import parsing, reading
from onfit.saving.formats import weights_h5
from onfit.saving.formats.seal import checking
from onfit.saving.formats.stretch import new_h5
from onfit.saving.hdf5 import Found


def write(path: Path, contents: Contents) -> None:
    """Write a whole model, or the weights alone."""
    with new_h5(path) as file:
        (layout.write_weights if contents.weights_only else layout.write)(file, contents)
        if contents.notes is not None:
            file.attrs[layout.NOTES] = contents.notes


@contextmanager
def opened(path: str, asked: str) -> Iterator[Contents]:
    """Give what an HDF5 file holds, a model or weights.

    Raises:
        StorageError: if there is no such file.
        FileFormatError: if it is damaged, or holds something else.
    """
    with ExitStack() as stack:
        with reading(path, asked):
            sound = stack.enter_context(checking(path))
            found = _found(path, asked, stack)
            if weights_h5.is_numbered(found):
                contents = weights_h5.read(found)
            else:
                contents = layout.read(found)
        contents.check = partial(_check, sound, path, asked)
        yield contents


def _check(sound: Callable[[], None], path: str, asked: str) -> None:
    with parsing(path, asked):
        sound()


def read_notes(path: str, asked: str) -> str | None:
    """The notes in it; errors are those of `opened`."""
    with ExitStack() as stack, reading(path, asked):
        sound = stack.enter_context(checking(path))
        found = _found(path, asked, stack)
        notes = found.text(found.root, layout.NOTES)
        sound()
        return notes


def _found(path: str, asked: str, stack: ExitStack) -> Found:
    import h5py  # here, since a training that reads no file need not load it

    file = stack.enter_context(h5py.File(path, "r"))
    return Found(file, os.path.getsize(path), partial(parsing, path, asked))
