"""The layout of Keras 3's `.weights.h5`: weights numbered, under the kind of their layer.

/layers/dense/vars/0, /layers/dense/vars/1, /layers/dense_1/vars/0 ...
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from onfit.engine.saving.layout import Arrays, read_array

SUFFIX = ".weights.h5"

# A layer's name in the model and the name of its class.
Kinds = Iterable[tuple[str, str]]


def found_in(file: Any) -> bool:
    """Whether an open `h5py.File` has this layout alone."""
    return "layers" in file and not {"model_weights", "layer_names", "layer_names0"} & {
        *file,
        *file.attrs,
    }


def read_layers(file: Any, kinds: Kinds) -> dict[str, Arrays]:
    """The weights of the file under the names that the model has for its layers."""
    names = {path: name for name, path in _paths(kinds)}
    stored = {
        path: [(str(key), read_array(group["vars"][key])) for key in sorted(group["vars"], key=int)]
        for path, group in file["layers"].items()
        if "vars" in group
    }
    in_order = [path for path in names if path in stored]
    in_order += [path for path in stored if path not in names]
    return {names.get(path, path): stored[path] for path in in_order if stored[path]}


def _paths(kinds: Kinds) -> list[tuple[str, str]]:
    """For each layer its name, and what Keras calls its group: dense, dense_1, dropout ..."""
    seen: Counter[str] = Counter()
    paths = []
    for name, kind in kinds:
        path = snake_case(kind)
        paths.append((name, f"{path}_{seen[path]}" if seen[path] else path))
        seen[path] += 1
    return paths


def snake_case(name: str) -> str:
    """`SparseCategoricalAccuracy` as `sparse_categorical_accuracy`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
