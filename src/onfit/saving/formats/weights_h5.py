"""`.weights.h5`: the weights alone, numbered as in Keras 3, under the kind of their layer.

    /layers/dense/vars/0, /layers/dense/vars/1, /layers/lstm/cell/vars/0 ...

A `.keras` file holds such a file, with the optimizer's variables at /optimizer/vars.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from onfit.saving.contents import Contents, as_array
from onfit.saving.formats.stretch import new_h5
from onfit.saving.layout import NOTES, read_array

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


def found_in(file: Any) -> bool:
    """Whether an open `h5py.File` has this layout."""
    names = {*file, *file.attrs}
    return bool(names & {"layers", VARS}) and not names & {
        "model_weights",
        "layer_names",
        "layer_names0",
    }


def read_numbered(file: Any) -> dict[str, list[Any]]:
    """For the path of each layer that has weights, the weights in order.

    Raises:
        ValueError: if it holds something else than weights.
    """
    return {
        path: [read_array(_own(group, str(index))) for index in range(len(group))]
        for path, group in _groups(file, "")
        if len(group)
    }


def _groups(group: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every group of variables, with the path of the layer that they belong to."""
    import h5py

    for name in group:
        item = _own(group, name)
        if not isinstance(item, h5py.Group):
            continue
        if name == VARS and all(isinstance(_own(item, key), h5py.Dataset) for key in item):
            yield path, item
        else:
            yield from _groups(item, f"{path}/{name}".lstrip("/"))


def _own(group: Any, name: str) -> Any:
    """The item under a name in a group. A link could lead to another, private file: an error."""
    import h5py

    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"{group.name}/{name} leads elsewhere")
    return group[name]
