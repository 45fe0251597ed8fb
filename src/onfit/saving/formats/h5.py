"""`.h5`, `.hdf5`: a whole model or its weights, in the layout that Keras has always had in HDF5.

Reading goes by the content of a file, not by its name: it also reads weights by number
(`weights_h5.py`).
"""

from pathlib import Path

from onfit.saving import layout
from onfit.saving.contents import Contents
from onfit.saving.files import reading_h5
from onfit.saving.formats import weights_h5
from onfit.saving.formats.stretch import new_h5


def write(path: Path, contents: Contents) -> None:
    """Write a whole model, or the weights alone."""
    with new_h5(path) as file:
        (layout.write_layers if contents.weights_only else layout.write)(file, contents)
        if contents.notes is not None:
            file.attrs[layout.NOTES] = contents.notes


def read(path: str, asked: str) -> Contents:
    """Read an HDF5 file that holds a model or weights.

    Raises:
        StorageError: if there is no such file.
        FileFormatError: if it is damaged, or holds something else.
    """
    with reading_h5(path, asked) as file:
        if weights_h5.found_in(file):
            return Contents(numbered=weights_h5.read_numbered(file))
        return layout.read(file)


def read_notes(path: str, asked: str) -> str | None:
    """The notes in it; errors are those of `read`."""
    with reading_h5(path, asked) as file:
        return layout.text(file.attrs[layout.NOTES]) if layout.NOTES in file.attrs else None
