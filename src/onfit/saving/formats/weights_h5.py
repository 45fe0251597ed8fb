"""`.weights.h5`: the weights alone, numbered as in Keras 3, under the kind of their layer.

    /layers/dense/vars/0, /layers/dense/vars/1, /layers/lstm/cell/vars/0 ...

A `.keras` file holds such a file, with the optimizer's variables at /optimizer/vars. What other
readers pass over stands at /_onfit (`beside.py`).
"""

from pathlib import Path
from typing import Any

from onfit.saving.beside import beside, write_beside
from onfit.saving.contents import Contents, as_array
from onfit.saving.formats.stretch import new_h5
from onfit.saving.hdf5 import Found
from onfit.saving.layout import NOTES

VARS = "vars"


def write(path: Path, contents: Contents) -> None:
    """Write the weights alone."""
    with new_h5(path) as file:
        write_numbered(file, contents)
        if contents.notes is not None:
            file.attrs[NOTES] = contents.notes


def write_numbered(file: Any, contents: Contents) -> None:
    """Write the weights, and the optimizer's variables if there are any, into an open file."""
    file.create_group(VARS).attrs["name"] = contents.name
    optimizer = [value for _, value in contents.optimizer]
    groups = {**contents.numbered, **({"optimizer": optimizer} if optimizer else {})}
    for path, values in groups.items():
        group = file.require_group(f"{path}/{VARS}".lstrip("/"))
        for index, value in enumerate(values):
            group.create_dataset(str(index), data=as_array(value))
    write_beside(file, contents.own())


def is_numbered(found: Found) -> bool:
    """Whether a file has this layout."""
    names = {*found.root, *found.root.attrs}
    return bool(names & {"layers", VARS}) and not names & {
        "model_weights",
        "layer_names",
        "layer_names0",
    }


def read(found: Found) -> Contents:
    """Read the weights out of an open file; errors are those of `read_numbered`."""
    return Contents(numbered=read_numbered(found), own=beside(found))


def read_numbered(found: Found) -> dict[str, list[Any]]:
    """For the path of each layer that has weights, the weights in order.

    Raises:
        ValueError: if it holds something else than weights.
    """
    import h5py

    numbered: dict[str, list[Any]] = {}
    groups = [("", found.root)]
    while groups:  # and not calls within calls, since a file may have any depth
        path, group = groups.pop()
        parts = {name: found.inside(group, name) for name in group}
        inner = {name: part for name, part in parts.items() if isinstance(part, h5py.Group)}
        variables = inner.pop(VARS, None)
        if variables is not None and not _add_variables(numbered, path, variables, found):
            inner[VARS] = variables
        groups += [(f"{path}/{name}".lstrip("/"), part) for name, part in inner.items()]
    return numbered


def _add_variables(numbered: dict[str, list[Any]], path: str, group: Any, found: Found) -> bool:
    """Add the weights in a group; False if it is the group of a layer that is called so."""
    import h5py

    parts = {name: found.inside(group, name) for name in group}
    if not all(isinstance(part, h5py.Dataset) for part in parts.values()):
        return False
    weights = [found.inside(group, str(index)) for index in range(len(parts))]
    if weights:
        numbered[path] = [found.weight(weight) for weight in weights]
    return True
