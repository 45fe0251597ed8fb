"""Where the parts of a model stand in an HDF5 file: as Keras has always put them.

    /                           attributes model_config, training_config (JSON)
    /model_weights              attribute layer_names
        /dense                  attribute weight_names
            /sequential/dense/kernel
    /optimizer_weights          attribute weight_names

    /_onfit                     what other readers pass over: `beside.py`

A file of weights alone has no such groups: what `model_weights` would hold is at its root.
"""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from onfit.errors import FileFormatError
from onfit.saving.beside import beside, write_beside
from onfit.saving.contents import Arrays, Contents, as_array
from onfit.saving.hdf5 import Found
from onfit.saving.names import TOP_LEVEL

# The version of Keras that has this layout. Readers recognise older layouts by it.
KERAS_VERSION = "3.15.1"
_ORIGIN = {"keras_version": KERAS_VERSION, "backend": "torch"}
# HDF5 keeps an attribute in a header of 64 kB; longer lists are spread over several.
_HEADER_LIMIT = 64512
# The attribute of the root that only onfit writes.
NOTES = "onfit_notes"


def write(file: Any, contents: Contents) -> None:
    """Write a whole model into an open, empty `h5py.File`."""
    for key in ("model_config", "training_config"):
        config = getattr(contents, key)
        if config is not None:
            file.attrs[key] = json.dumps(config)
    for key, text in _ORIGIN.items():
        file.attrs[key] = text
    write_layers(file.create_group("model_weights"), contents)
    if contents.optimizer:
        _write_arrays(file.create_group("optimizer_weights"), contents.optimizer)
    write_beside(file, contents.own())


def write_weights(file: Any, contents: Contents) -> None:
    """Write the weights alone into an open, empty `h5py.File`."""
    write_layers(file, contents)
    write_beside(file, contents.own())


def write_layers(group: Any, contents: Contents) -> None:
    """Write the weights, layer by layer, into `group`."""
    for key, text in _ORIGIN.items():
        group.attrs[key] = text
    _write_names(group, "layer_names", [name for name in contents.layers if name != TOP_LEVEL])
    # Sorted, so that a layer "a" is made before one called "a/b", which stands inside it.
    for layer, weights in sorted(contents.layers.items()):
        prefix = f"{contents.name}/{layer}/" if contents.name else ""
        named = [(prefix + name, value) for name, value in weights]
        _write_arrays(group.create_group(layer), named)


def read(found: Found) -> Contents:
    """Read a whole model, or the weights alone, out of an open file.

    Raises:
        FileFormatError: if there are no weights where they should be.
    """
    root = found.root
    return Contents(
        layers=_read_layers(found, _part(found, "model_weights") or root),
        model_config=found.json(root, "model_config"),
        training_config=found.json(root, "training_config"),
        optimizer=_read_arrays(found, _part(found, "optimizer_weights")),
        own=beside(found),
    )


def _part(found: Found, name: str) -> Any:
    return found.inside(found.root, name) if name in found.root else None


def _read_layers(found: Found, group: Any) -> dict[str, Arrays]:
    names = found.names(group, "layer_names")
    if names is None:
        raise FileFormatError(
            f"{group.file.filename!r} is an HDF5 file, and its 'layer_names' are missing: it "
            "holds no model. Give a file that save or save_weights wrote."
        )
    top = [TOP_LEVEL] if TOP_LEVEL in group else []
    layers = {
        layer: [
            (_own_name(name, layer), value)
            for name, value in _read_arrays(found, found.inside(group, layer))
        ]
        for layer in [*names, *top]
    }
    return {layer: weights for layer, weights in layers.items() if weights}


def _own_name(weight: str, layer: str) -> str:
    """The layer's own name for a weight: `kernel`, for `sequential/dense/kernel` (Keras 3) or
    `dense/kernel:0` (Keras 2).
    """
    _, _, own = f"/{weight}".partition(f"/{layer}/")
    return (own or weight).removesuffix(":0")


def _write_arrays(group: Any, arrays: Arrays) -> None:
    _write_names(group, "weight_names", [name for name, _ in arrays])
    for name, value in arrays:
        group.create_dataset(name, data=as_array(value))


def _read_arrays(found: Found, group: Any) -> Arrays:
    names = None if group is None else found.names(group, "weight_names")
    return [(name, found.weight(found.inside(group, name))) for name in names or []]


def _write_names(group: Any, key: str, names: Sequence[str]) -> None:
    encoded = np.array([name.encode() for name in names], dtype="S" if names else "S1")
    if encoded.nbytes <= _HEADER_LIMIT:
        group.attrs[key] = encoded
        return
    per_chunk = max(1, _HEADER_LIMIT // encoded.itemsize)
    for index, start in enumerate(range(0, len(encoded), per_chunk)):
        group.attrs[f"{key}{index}"] = encoded[start : start + per_chunk]
