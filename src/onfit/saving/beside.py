"""What onfit keeps in an HDF5 file beside a model, and other readers pass over.

/_onfit/tree            plain data, as JSON that names arrays
/_onfit/0, 1 ...        the arrays
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from onfit.saving.contents import Config, Contents
from onfit.saving.hdf5 import Found
from onfit.storage.foreign import read_json
from onfit.storage.trees import packed, unpacked

GROUP, TREE = "_onfit", "tree"


def write_beside(file: Any, kept: Config) -> None:
    """Write plain data and tensors by name into an open file; no data, no group."""
    if not kept:
        return
    text, arrays = packed(kept)
    group = file.create_group(GROUP)
    group.create_dataset(TREE, data=np.frombuffer(text.encode(), np.uint8))
    for key, array in arrays.items():
        group.create_dataset(key, data=array)


def own_of(contents: Contents) -> Config:
    """What onfit kept in an open file beside the model: read, once it is known to be sound."""
    own = contents.own()
    contents.check()
    return own


def beside(found: Found) -> Callable[[], Config]:
    """What `write_beside` wrote into an open file: a function that reads it."""
    if GROUP not in found.root:
        return dict
    group = found.inside(found.root, GROUP)
    arrays = {key: found.weight(found.inside(group, key)) for key in group}
    text = arrays.pop(TREE)

    def read() -> Config:
        tree = np.asarray(text.read(), np.uint8).tobytes()
        with found.parsing():
            read_json(tree, TREE)  # refuses what is too large to be true
            kept = unpacked(tree.decode(), {k: np.asarray(v.read()) for k, v in arrays.items()})
            if not isinstance(kept, dict):
                raise ValueError(f"its {TREE} says nothing of a model")
            return kept

    return read
